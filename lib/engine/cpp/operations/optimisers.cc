// The steps of optimisers, each in one pass over memory.

#include <math.h>

#include "operations.h"
#include "kernel.h"
#include "threads.h"

namespace norm_direction {
namespace {

struct SgdAttributes {
  int64_t parameters;
  float momentum;
  float weight_decay;
  bool nesterov;
};

// The compiler makes vectors of these loops where a function's parameters say that nothing overlaps.
void SgdPart(SgdAttributes with, float rate, int64_t count, const float* __restrict w, const float* __restrict g,
             const float* __restrict velocity, float* __restrict v, float* __restrict to) {
  for (int64_t i = 0; i < count; ++i) {
    const float decayed = g[i] + with.weight_decay * w[i];
    v[i] = with.momentum * velocity[i] + decayed;
    to[i] = w[i] - rate * (with.nesterov ? decayed + with.momentum * v[i] : v[i]);
  }
}

// On all parameters at once, as PyTorch's SGD with dampening 0.
void Sgd(void* kernel, TF_OpKernelContext* context) {
  const SgdAttributes& attributes = *static_cast<SgdAttributes*>(kernel);
  const int count = static_cast<int>(attributes.parameters);
  Run run(context);
  std::vector<Tensor> weights, gradients, updated;
  std::vector<int64_t> starts;
  int64_t total = 0;
  for (int index = 0; index < count; ++index) weights.push_back(run.Input(index));
  for (int index = 0; index < count; ++index) gradients.push_back(run.Input(count + index));
  const Tensor velocity = run.Input(2 * count), learning_rate = run.Input(2 * count + 1);
  if (!run.ok()) return;
  for (int index = 0; index < count; ++index) {
    run.Require(gradients[index].size() == weights[index].size(), "a gradient is not of its parameter's size");
    starts.push_back(total);
    total += weights[index].size();
    updated.push_back(run.Output(index, TF_FLOAT, weights[index].shape()));
  }
  run.Require(velocity.size() == total, "the velocities are not those of these parameters");
  run.Require(learning_rate.size() == 1, "the learning rate is one number");
  const Tensor moved = run.Output(count, TF_FLOAT, {total});
  if (!run.ok()) return;
  InParallel(count, [&](int index) {
    SgdPart(attributes, *learning_rate.data<float>(), weights[index].size(), weights[index].data<float>(),
            gradients[index].data<float>(), velocity.data<float>() + starts[index],
            moved.data<float>() + starts[index], updated[index].data<float>());
  });
}

void* MakeSgd(TF_OpKernelConstruction* construction) {
  return new SgdAttributes{IntAttribute(construction, "N"), FloatAttribute(construction, "momentum"),
                           FloatAttribute(construction, "weight_decay"), BoolAttribute(construction, "nesterov")};
}

void DestroySgd(void* kernel) { delete static_cast<SgdAttributes*>(kernel); }

struct AdamWAttributes {
  float beta1, beta2, epsilon;
};

void AdamWPart(AdamWAttributes with, float rate, float kept, float root, int64_t count, const float* __restrict w,
               const float* __restrict g, const float* __restrict first, const float* __restrict second,
               float* __restrict m, float* __restrict v, float* __restrict to) {
  for (int64_t i = 0; i < count; ++i) {
    m[i] = with.beta1 * first[i] + (1 - with.beta1) * g[i];
    v[i] = with.beta2 * second[i] + (1 - with.beta2) * (g[i] * g[i]);
    to[i] = kept * w[i] - rate * m[i] / (sqrtf(v[i]) / root + with.epsilon);
  }
}

// On one parameter, as PyTorch's AdamW: m = beta1 m + (1 - beta1) g, v = beta2 v + (1 - beta2) g^2,
// w = kept w - rate m / (sqrt(v) / root + epsilon).
void AdamW(void* kernel, TF_OpKernelContext* context) {
  const AdamWAttributes& attributes = *static_cast<AdamWAttributes*>(kernel);
  Run run(context);
  const Tensor weights = run.Input(0), gradient = run.Input(1), first = run.Input(2), second = run.Input(3),
               scalars[] = {run.Input(4), run.Input(5), run.Input(6)};
  if (!run.ok()) return;
  const int64_t size = weights.size();
  run.Require(gradient.size() == size, "a gradient is not of its parameter's size");
  run.Require(first.size() == size && second.size() == size, "the moments are not those of this parameter");
  for (const Tensor& scalar : scalars) run.Require(scalar.size() == 1, "rate, kept and root are one number each");
  const Tensor moved[] = {run.Output(0, TF_FLOAT, first.shape()), run.Output(1, TF_FLOAT, second.shape())},
               updated = run.Output(2, TF_FLOAT, weights.shape());
  if (!run.ok()) return;
  EachPart(size, [&](int64_t at, int64_t count) {
    AdamWPart(attributes, *scalars[0].data<float>(), *scalars[1].data<float>(), *scalars[2].data<float>(), count,
              weights.data<float>() + at, gradient.data<float>() + at, first.data<float>() + at,
              second.data<float>() + at, moved[0].data<float>() + at, moved[1].data<float>() + at,
              updated.data<float>() + at);
  });
}

void* MakeAdamW(TF_OpKernelConstruction* construction) {
  return new AdamWAttributes{FloatAttribute(construction, "beta1"), FloatAttribute(construction, "beta2"),
                             FloatAttribute(construction, "epsilon")};
}

void DestroyAdamW(void* kernel) { delete static_cast<AdamWAttributes*>(kernel); }

}  // namespace

void RegisterOptimisers() {
  const bool fresh =
      RegisterOperation({"NormDirectionSgd",
                         {"weights: N * float", "gradients: N * float", "velocity: float", "learning_rate: float"},
                         {"updated: N * float", "moved: float"},
                         {"N: int >= 1", "momentum: float", "weight_decay: float", "nesterov: bool"}}) &&
      RegisterOperation({"NormDirectionAdamW",
                         {"weights: float", "gradient: float", "first: float", "second: float", "rate: float",
                          "kept: float", "root: float"},
                         {"m: float", "v: float", "updated: float"},
                         {"beta1: float", "beta2: float", "epsilon: float"}});
  if (!fresh) return;
  RegisterKernel("NormDirectionSgd", MakeSgd, Sgd, DestroySgd);
  RegisterKernel("NormDirectionAdamW", MakeAdamW, AdamW, DestroyAdamW);
}

}  // namespace norm_direction

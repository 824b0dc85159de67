// One step of stochastic gradient descent on all parameters at once, as PyTorch's SGD with dampening 0.

#include "operations.h"
#include "kernel.h"
#include "threads.h"

namespace norm_direction {
namespace {

struct Attributes {
  int64_t parameters;
  float momentum;
  float weight_decay;
  bool nesterov;
};

void Step(void* kernel, TF_OpKernelContext* context) {
  const Attributes& attributes = *static_cast<Attributes*>(kernel);
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
  const float rate = learning_rate.data<float>()[0], momentum = attributes.momentum,
              decay = attributes.weight_decay;
  InParallel(count, [&](int index) {
    const int64_t size = weights[index].size();
    const float* __restrict w = weights[index].data<float>();
    const float* __restrict g = gradients[index].data<float>();
    const float* __restrict old = velocity.data<float>() + starts[index];
    float* __restrict v = moved.data<float>() + starts[index];
    float* __restrict to = updated[index].data<float>();
    for (int64_t i = 0; i < size; ++i) {
      const float decayed = g[i] + decay * w[i];
      v[i] = momentum * old[i] + decayed;
      to[i] = w[i] - rate * (attributes.nesterov ? decayed + momentum * v[i] : v[i]);
    }
  });
}

void* Make(TF_OpKernelConstruction* construction) {
  return new Attributes{IntAttribute(construction, "N"), FloatAttribute(construction, "momentum"),
                        FloatAttribute(construction, "weight_decay"), BoolAttribute(construction, "nesterov")};
}

void Destroy(void* kernel) { delete static_cast<Attributes*>(kernel); }

}  // namespace

void RegisterSgd() {
  const bool fresh = RegisterOperation(
      {"NormDirectionSgd",
       {"weights: N * float", "gradients: N * float", "velocity: float", "learning_rate: float"},
       {"updated: N * float", "moved: float"},
       {"N: int >= 1", "momentum: float", "weight_decay: float", "nesterov: bool"}});
  if (fresh) RegisterKernel("NormDirectionSgd", Make, Step, Destroy);
}

}  // namespace norm_direction

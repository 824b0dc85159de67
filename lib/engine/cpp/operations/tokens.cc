// What stands between the matrix products of a transformer, each in one pass over memory: GELU and layer norm, and
// their gradients.

#include <math.h>
#include <string.h>

#include <algorithm>
#include <vector>

#ifdef __x86_64__
#include <immintrin.h>
#endif

#include "instructions.h"
#include "kernel.h"
#include "operations.h"
#include "threads.h"

namespace norm_direction {
namespace {

// `count` rows of `size` numbers, one after the other.
struct Rows {
  int64_t count;
  int size;
};

struct TokenLoops {
  // y = x * (the normal distribution's share below x)
  void (*gelu)(const float* x, int64_t count, float* y);
  void (*gelu_gradient)(const float* gradient, const float* x, int64_t count, float* dx);
  // y = scale * (x - mean) * inverse + shift, with mean and inverse deviation of each row.
  void (*layer_norm)(const float* x, Rows rows, const float* scale, const float* shift, float epsilon, float* y,
                     float* mean, float* inverse);
  // Adds these rows' part to dscale and dshift.
  void (*layer_norm_gradient)(const float* gradient, const float* x, Rows rows, const float* scale,
                              const float* mean, const float* inverse, float* dx, float* dscale, float* dshift);
};

namespace plain {
constexpr int kLanes = 4;
#include "numbers.inc"
#include "token_loops.inc"
}  // namespace plain

#ifdef __x86_64__

#pragma GCC push_options
#pragma GCC target("avx2,fma")
namespace avx2 {
constexpr int kLanes = 8;
#include "numbers.inc"
#include "token_loops.inc"
}  // namespace avx2
#pragma GCC pop_options

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,fma,prefer-vector-width=512")
namespace avx512 {
constexpr int kLanes = 16;
#include "numbers.inc"
#include "token_loops.inc"
}  // namespace avx512
#pragma GCC pop_options

#endif

const TokenLoops& Choose() {
#ifdef __x86_64__
  if (HasAvx512()) return avx512::kTokenLoops;
  if (HasAvx2()) return avx2::kTokenLoops;
#endif
  return plain::kTokenLoops;
}

const TokenLoops& Loops() {
  static const TokenLoops& chosen = Choose();
  return chosen;
}

void Gelu(void*, TF_OpKernelContext* context) {
  Run run(context);
  const Tensor x = run.Input(0);
  if (!run.ok()) return;
  const Tensor y = run.Output(0, TF_FLOAT, x.shape());
  if (!run.ok()) return;
  EachPart(x.size(), [&](int64_t at, int64_t count) {
    Loops().gelu(x.data<float>() + at, count, y.data<float>() + at);
  });
}

void GeluGradient(void*, TF_OpKernelContext* context) {
  Run run(context);
  const Tensor gradient = run.Input(0), x = run.Input(1);
  if (!run.ok()) return;
  run.Require(gradient.size() == x.size(), "a GELU's gradient must be of its input's shape");
  const Tensor dx = run.Output(0, TF_FLOAT, x.shape());
  if (!run.ok()) return;
  EachPart(x.size(), [&](int64_t at, int64_t count) {
    Loops().gelu_gradient(gradient.data<float>() + at, x.data<float>() + at, count, dx.data<float>() + at);
  });
}

// Whole rows in parts of about kPart numbers; what is added up does not depend on the number of threads.
struct Parts {
  Parts(int64_t numbers, int64_t size)
      : all{numbers / size, static_cast<int>(size)}, rows(std::max<int64_t>(1, kPart / size)) {
    count = static_cast<int>((all.count + rows - 1) / rows);
  }
  int64_t First(int part) const { return part * rows; }
  Rows Of(int part) const { return {std::min(rows, all.count - part * rows), all.size}; }

  Rows all;
  int64_t rows;
  int count;
};

void LayerNorm(void* kernel, TF_OpKernelContext* context) {
  const float epsilon = *static_cast<float*>(kernel);
  Run run(context);
  const Tensor x = run.Input(0), scale = run.Input(1), shift = run.Input(2);
  if (!run.ok()) return;
  const int64_t size = scale.size();
  run.Require(size > 0 && x.size() > 0 && x.shape().back() == size && shift.size() == size,
              "a layer norm's scale and shift must be of its input's last axis");
  if (!run.ok()) return;
  const Parts parts(x.size(), size);
  const Tensor y = run.Output(0, TF_FLOAT, x.shape()), mean = run.Output(1, TF_FLOAT, {parts.all.count}),
               inverse = run.Output(2, TF_FLOAT, {parts.all.count});
  if (!run.ok()) return;
  InParallel(parts.count, [&](int part) {
    const int64_t row = parts.First(part);
    Loops().layer_norm(x.data<float>() + row * size, parts.Of(part), scale.data<float>(), shift.data<float>(),
                       epsilon, y.data<float>() + row * size, mean.data<float>() + row,
                       inverse.data<float>() + row);
  });
}

void LayerNormGradient(void*, TF_OpKernelContext* context) {
  Run run(context);
  const Tensor gradient = run.Input(0), x = run.Input(1), scale = run.Input(2), mean = run.Input(3),
               inverse = run.Input(4);
  if (!run.ok()) return;
  const int64_t size = scale.size();
  run.Require(size > 0 && x.size() > 0 && gradient.size() == x.size() && x.shape().back() == size &&
                  mean.size() * size == x.size() && inverse.size() == mean.size(),
              "the shapes of a layer norm's gradient do not fit");
  const Tensor dx = run.Output(0, TF_FLOAT, x.shape()), dscale = run.Output(1, TF_FLOAT, {size}),
               dshift = run.Output(2, TF_FLOAT, {size});
  if (!run.ok()) return;
  const Parts parts(x.size(), size);
  std::vector<float> sums(static_cast<size_t>(parts.count) * 2 * size);
  InParallel(parts.count, [&](int part) {
    const int64_t row = parts.First(part);
    float* own = sums.data() + static_cast<size_t>(part) * 2 * size;
    Loops().layer_norm_gradient(gradient.data<float>() + row * size, x.data<float>() + row * size, parts.Of(part),
                                scale.data<float>(), mean.data<float>() + row, inverse.data<float>() + row,
                                dx.data<float>() + row * size, own, own + size);
  });
  for (int64_t c = 0; c < size; ++c) {
    double by_scale = 0, by_shift = 0;
    for (int part = 0; part < parts.count; ++part) {
      const float* own = sums.data() + static_cast<size_t>(part) * 2 * size;
      by_scale += own[c];
      by_shift += own[size + c];
    }
    dscale.data<float>()[c] = static_cast<float>(by_scale);
    dshift.data<float>()[c] = static_cast<float>(by_shift);
  }
}

void* MakeLayerNorm(TF_OpKernelConstruction* construction) {
  return new float(FloatAttribute(construction, "epsilon"));
}

void Destroy(void* kernel) { delete static_cast<float*>(kernel); }

}  // namespace

void RegisterTokens() {
  const bool fresh =
      RegisterOperation({"NormDirectionGelu", {"x: float"}, {"y: float"}, {}}) &&
      RegisterOperation({"NormDirectionGeluGrad", {"gradient: float", "x: float"}, {"dx: float"}, {}}) &&
      RegisterOperation({"NormDirectionLayerNorm",
                         {"x: float", "scale: float", "shift: float"},
                         {"y: float", "mean: float", "inverse_deviation: float"},
                         {"epsilon: float"}}) &&
      RegisterOperation({"NormDirectionLayerNormGrad",
                         {"gradient: float", "x: float", "scale: float", "mean: float", "inverse_deviation: float"},
                         {"dx: float", "dscale: float", "dshift: float"},
                         {}});
  if (!fresh) return;
  RegisterKernel("NormDirectionGelu", Nothing, Gelu, Leave);
  RegisterKernel("NormDirectionGeluGrad", Nothing, GeluGradient, Leave);
  RegisterKernel("NormDirectionLayerNorm", MakeLayerNorm, LayerNorm, Destroy);
  RegisterKernel("NormDirectionLayerNormGrad", Nothing, LayerNormGradient, Leave);
}

}  // namespace norm_direction

// What stands between the matrix products of a transformer's layers, with its gradients: GELU and layer norm, each in
// one pass over memory, and multi-head self-attention, softmax(q k^T / sqrt(depth)) v in each head. A head's numbers
// lie in the processor's cache while it is computed; no transposed tensor is made.

#include <math.h>
#include <string.h>

#include <algorithm>
#include <vector>

#include "instructions.h"
#include "kernel.h"
#include "operations.h"
#include "room.h"
#include "threads.h"

namespace norm_direction {
namespace {

// `count` rows of `size` numbers, one after the other.
struct Rows {
  int64_t count;
  int size;
};

// Numbers by so many make the vectors and panels of every set of instructions.
constexpr int kVectorsBy = 16;
// No product takes more rows at once.
constexpr int kMostRows = 12;

// Queries, keys and values of a head are [tokens][depth] each, `size` numbers apart, their rows three times that.
struct Head {
  int tokens, depth;
  int64_t size;

  int64_t stride() const { return 3 * size; }
  int width() const { return (tokens + kVectorsBy - 1) / kVectorsBy * kVectorsBy; }
  float scale() const { return 1 / sqrtf(static_cast<float>(depth)); }
};

// What a thread computes a head in. Products may write some rows more than there are, and read them too.
struct HeadRoom {
  HeadRoom(const Head& head, bool gradient) {
    static thread_local Room<float> room;
    const size_t rows = head.tokens + kMostRows, by_depth = rows * head.depth, by_width = (rows + 1) * head.width();
    const size_t panels = static_cast<size_t>(head.width()) * head.depth;
    left = room.Of(2 * by_depth + panels + (gradient ? 2 : 1) * by_width);
    result = left + by_depth;
    packed = result + by_depth;
    weights = packed + panels;
    slopes = weights + by_width;
  }

  float *left, *result, *packed, *weights;
  float* slopes;  // for the gradient only
};

// All but layer norms is computed in float32 of what is read in either type, and written in that.
template <typename Number>
struct TokenLoops {
  // y = x * (the normal distribution's share below x)
  void (*gelu)(const Number* x, int64_t count, Number* y);
  void (*gelu_gradient)(const Number* gradient, const Number* x, int64_t count, Number* dx);
  void (*attend)(const Head& head, const Number* joined, const HeadRoom& room, Number* y);
  void (*attend_gradient)(const Head& head, const Number* joined, const Number* gradient, const HeadRoom& room,
                          Number* dx);
};

struct NormLoops {
  // y = scale * (x - mean) * inverse + shift, with mean and inverse deviation of each row.
  void (*layer_norm)(const float* x, Rows rows, const float* scale, const float* shift, float epsilon, float* y,
                     float* mean, float* inverse);
  // Adds these rows' part to dscale and dshift.
  void (*layer_norm_gradient)(const float* gradient, const float* x, Rows rows, const float* scale,
                              const float* mean, const float* inverse, float* dx, float* dscale, float* dshift);
};

#define LOOPS "token_loops.inc"
#define LOOPS_FOR_ALL
#include "instruction_sets.inc"

template <typename Number>
const TokenLoops<Number>& Loops() {
  static const TokenLoops<Number>& chosen = *FASTEST(kTokenLoops<Number>);
  return chosen;
}

const NormLoops& Norms() {
  static const NormLoops& chosen = *FASTEST(kNormLoops);
  return chosen;
}

template <typename Number>
void Gelu(void*, TF_OpKernelContext* context) {
  Run run(context);
  const Tensor x = run.Input(0);
  if (!run.ok()) return;
  const Tensor y = run.Output(0, x.type(), x.shape());
  if (!run.ok()) return;
  EachPart(x.size(), [&](int64_t at, int64_t count) {
    Loops<Number>().gelu(x.data<Number>() + at, count, y.data<Number>() + at);
  });
}

template <typename Number>
void GeluGradient(void*, TF_OpKernelContext* context) {
  Run run(context);
  const Tensor gradient = run.Input(0), x = run.Input(1);
  if (!run.ok()) return;
  run.Require(gradient.size() == x.size(), "a GELU's gradient must be of its input's shape");
  const Tensor dx = run.Output(0, x.type(), x.shape());
  if (!run.ok()) return;
  EachPart(x.size(), [&](int64_t at, int64_t count) {
    Loops<Number>().gelu_gradient(gradient.data<Number>() + at, x.data<Number>() + at, count, dx.data<Number>() + at);
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
    Norms().layer_norm(x.data<float>() + row * size, parts.Of(part), scale.data<float>(), shift.data<float>(),
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
    Norms().layer_norm_gradient(gradient.data<float>() + row * size, x.data<float>() + row * size, parts.Of(part),
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

void DestroyLayerNorm(void* kernel) { delete static_cast<float*>(kernel); }

// Calls work(head, its place in joined, its place in y) for each head of each sequence.
template <typename Work>
void EachHead(const std::vector<int64_t>& shape, int heads, Work work) {
  const int64_t tokens = shape[1], size = shape[2] / 3, depth = size / heads;
  const Head head = {static_cast<int>(tokens), static_cast<int>(depth), size};
  InParallel(static_cast<int>(shape[0]) * heads, [&](int index) {
    const int64_t sequence = index / heads, at = index % heads * depth;
    work(head, sequence * tokens * 3 * size + at, sequence * tokens * size + at);
  });
}

bool Fits(const std::vector<int64_t>& shape, int64_t heads) {
  return shape.size() == 3 && shape[1] > 0 && heads > 0 && shape[2] > 0 && shape[2] % (3 * heads * kVectorsBy) == 0;
}

template <typename Number>
void Attention(void* kernel, TF_OpKernelContext* context) {
  const int heads = *static_cast<int*>(kernel);
  Run run(context);
  const Tensor joined = run.Input(0);
  if (!run.ok()) return;
  const std::vector<int64_t> shape = joined.shape();
  run.Require(Fits(shape, heads), "attention needs [batch, tokens, 3 * size] with heads of sixteen numbers or their multiple");
  if (!run.ok()) return;
  const Tensor y = run.Output(0, joined.type(), {shape[0], shape[1], shape[2] / 3});
  if (!run.ok()) return;
  EachHead(shape, heads, [&](const Head& head, int64_t from, int64_t to) {
    Loops<Number>().attend(head, joined.data<Number>() + from, HeadRoom(head, false), y.data<Number>() + to);
  });
}

template <typename Number>
void AttentionGradient(void* kernel, TF_OpKernelContext* context) {
  const int heads = *static_cast<int*>(kernel);
  Run run(context);
  const Tensor gradient = run.Input(0), joined = run.Input(1);
  if (!run.ok()) return;
  const std::vector<int64_t> shape = joined.shape();
  run.Require(Fits(shape, heads) && 3 * gradient.size() == joined.size(),
              "the shapes of an attention's gradient do not fit");
  if (!run.ok()) return;
  const Tensor dx = run.Output(0, joined.type(), shape);
  if (!run.ok()) return;
  EachHead(shape, heads, [&](const Head& head, int64_t from, int64_t to) {
    Loops<Number>().attend_gradient(head, joined.data<Number>() + from, gradient.data<Number>() + to, HeadRoom(head, true),
                     dx.data<Number>() + from);
  });
}

void* MakeAttention(TF_OpKernelConstruction* construction) {
  return new int(static_cast<int>(IntAttribute(construction, "heads")));
}

void DestroyAttention(void* kernel) { delete static_cast<int*>(kernel); }

template <typename Number>
void RegisterFor(TF_DataType type) {
  RegisterKernel("NormDirectionGelu", Nothing, Gelu<Number>, Leave, &type);
  RegisterKernel("NormDirectionGeluGrad", Nothing, GeluGradient<Number>, Leave, &type);
  RegisterKernel("NormDirectionAttention", MakeAttention, Attention<Number>, DestroyAttention, &type);
  RegisterKernel("NormDirectionAttentionGrad", MakeAttention, AttentionGradient<Number>, DestroyAttention, &type);
}

}  // namespace

void RegisterTokens() {
  const char* types = "T: {float, bfloat16}";
  const bool fresh =
      RegisterOperation({"NormDirectionGelu", {"x: T"}, {"y: T"}, {types}}) &&
      RegisterOperation({"NormDirectionGeluGrad", {"gradient: T", "x: T"}, {"dx: T"}, {types}}) &&
      RegisterOperation({"NormDirectionLayerNorm",
                         {"x: float", "scale: float", "shift: float"},
                         {"y: float", "mean: float", "inverse_deviation: float"},
                         {"epsilon: float"}}) &&
      RegisterOperation({"NormDirectionLayerNormGrad",
                         {"gradient: float", "x: float", "scale: float", "mean: float", "inverse_deviation: float"},
                         {"dx: float", "dscale: float", "dshift: float"},
                         {}}) &&
      RegisterOperation({"NormDirectionAttention", {"joined: T"}, {"y: T"}, {"heads: int >= 1", types}}) &&
      RegisterOperation({"NormDirectionAttentionGrad",
                         {"gradient: T", "joined: T"},
                         {"dx: T"},
                         {"heads: int >= 1", types}});
  if (!fresh) return;
  RegisterFor<float>(TF_FLOAT);
  RegisterFor<BFloat16>(TF_BFLOAT16);
  RegisterKernel("NormDirectionLayerNorm", MakeLayerNorm, LayerNorm, DestroyLayerNorm);
  RegisterKernel("NormDirectionLayerNormGrad", Nothing, LayerNormGradient, Leave);
}

}  // namespace norm_direction

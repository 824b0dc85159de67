// Multi-head self-attention between its two linear layers, softmax(q k^T / sqrt(depth)) v in each head, and its
// gradient. A head's numbers lie in the processor's cache while it is computed; no transposed tensor is made.

#include <math.h>
#include <string.h>

#include <algorithm>

#ifdef __x86_64__
#include <immintrin.h>
#endif

#include "instructions.h"
#include "kernel.h"
#include "operations.h"
#include "room.h"
#include "threads.h"

namespace norm_direction {
namespace {

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

struct AttentionLoops {
  void (*attend)(const Head& head, const float* joined, const HeadRoom& room, float* y);
  void (*gradient)(const Head& head, const float* joined, const float* gradient, const HeadRoom& room, float* dx);
};

namespace plain {
constexpr int kLanes = 4, kVectors = 4, kRows = 2;
#include "numbers.inc"
#include "products.inc"
#include "attention.inc"
}  // namespace plain

#ifdef __x86_64__

#pragma GCC push_options
#pragma GCC target("avx2,fma")
namespace avx2 {
constexpr int kLanes = 8, kVectors = 2, kRows = 6;
#include "numbers.inc"
#include "products.inc"
#include "attention.inc"
}  // namespace avx2
#pragma GCC pop_options

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,fma,prefer-vector-width=512")
namespace avx512 {
constexpr int kLanes = 16, kVectors = 1, kRows = kMostRows;
#include "numbers.inc"
#include "products.inc"
#include "attention.inc"
}  // namespace avx512
#pragma GCC pop_options

#endif

const AttentionLoops& Choose() {
#ifdef __x86_64__
  if (HasAvx512()) return avx512::kAttentionLoops;
  if (HasAvx2()) return avx2::kAttentionLoops;
#endif
  return plain::kAttentionLoops;
}

const AttentionLoops& Loops() {
  static const AttentionLoops& chosen = Choose();
  return chosen;
}

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

void Attention(void* kernel, TF_OpKernelContext* context) {
  const int heads = *static_cast<int*>(kernel);
  Run run(context);
  const Tensor joined = run.Input(0);
  if (!run.ok()) return;
  const std::vector<int64_t> shape = joined.shape();
  run.Require(Fits(shape, heads), "attention needs [batch, tokens, 3 * size] with heads of sixteen numbers or their multiple");
  if (!run.ok()) return;
  const Tensor y = run.Output(0, TF_FLOAT, {shape[0], shape[1], shape[2] / 3});
  if (!run.ok()) return;
  EachHead(shape, heads, [&](const Head& head, int64_t from, int64_t to) {
    Loops().attend(head, joined.data<float>() + from, HeadRoom(head, false), y.data<float>() + to);
  });
}

void AttentionGradient(void* kernel, TF_OpKernelContext* context) {
  const int heads = *static_cast<int*>(kernel);
  Run run(context);
  const Tensor gradient = run.Input(0), joined = run.Input(1);
  if (!run.ok()) return;
  const std::vector<int64_t> shape = joined.shape();
  run.Require(Fits(shape, heads) && 3 * gradient.size() == joined.size(),
              "the shapes of an attention's gradient do not fit");
  if (!run.ok()) return;
  const Tensor dx = run.Output(0, TF_FLOAT, shape);
  if (!run.ok()) return;
  EachHead(shape, heads, [&](const Head& head, int64_t from, int64_t to) {
    Loops().gradient(head, joined.data<float>() + from, gradient.data<float>() + to, HeadRoom(head, true),
                     dx.data<float>() + from);
  });
}

void* Make(TF_OpKernelConstruction* construction) {
  return new int(static_cast<int>(IntAttribute(construction, "heads")));
}

void Destroy(void* kernel) { delete static_cast<int*>(kernel); }

}  // namespace

void RegisterAttention() {
  const bool fresh =
      RegisterOperation({"NormDirectionAttention", {"joined: float"}, {"y: float"}, {"heads: int >= 1"}}) &&
      RegisterOperation({"NormDirectionAttentionGrad",
                         {"gradient: float", "joined: float"},
                         {"dx: float"},
                         {"heads: int >= 1"}});
  if (!fresh) return;
  RegisterKernel("NormDirectionAttention", Make, Attention, Destroy);
  RegisterKernel("NormDirectionAttentionGrad", Make, AttentionGradient, Destroy);
}

}  // namespace norm_direction

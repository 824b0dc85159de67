// Maximum pooling as PyTorch's: zeros around the image do not count. In float32 or bfloat16.

#include <string.h>

#include <algorithm>
#include <limits>

#include "instructions.h"
#include "kernel.h"
#include "operations.h"
#include "room.h"
#include "threads.h"

namespace norm_direction {
namespace {

struct Attributes {
  int64_t kernel, stride, padding;
};

struct Span {
  int64_t begin, end;
};

struct Pool {
  Attributes window;
  int64_t height, width, rows, columns;
  int channels;

  Span Rows(int64_t row) const { return Inside(row, height); }
  Span Columns(int64_t column) const { return Inside(column, width); }

 private:
  // The part of a window that lies in the image.
  Span Inside(int64_t place, int64_t side) const {
    const int64_t first = place * window.stride - window.padding;
    return {std::max<int64_t>(0, first), std::min(side, first + window.kernel)};
  }
};

template <typename Number>
struct PoolLoops {
  // One row of an image's result.
  void (*largest)(const Number* x, const Pool& pool, int64_t row, Number* y);
  void (*gradient)(const Number* gradient, const Number* x, const Number* y, const Pool& pool, float* dx);
  void (*round)(const float* from, int64_t count, Number* to);
};

#define LOOPS "max_pool.inc"
#define LOOPS_FOR_ALL
#include "instruction_sets.inc"

Pool PoolOf(const Attributes& window, const std::vector<int64_t>& shape) {
  const auto places = [&](int64_t side) { return (side + 2 * window.padding - window.kernel) / window.stride + 1; };
  return {window, shape[1], shape[2], places(shape[1]), places(shape[2]), static_cast<int>(shape[3])};
}

template <typename Number>
void Forward(void* kernel, TF_OpKernelContext* context) {
  const Attributes& window = *static_cast<Attributes*>(kernel);
  Run run(context);
  const Tensor x = run.Input(0);
  if (!run.ok()) return;
  const std::vector<int64_t> shape = x.shape();
  run.Require(shape.size() == 4 && window.kernel <= std::min(shape[1], shape[2]) + 2 * window.padding &&
                  2 * window.padding <= window.kernel,
              "a window does not fit into the image, or lies outside of it");
  if (!run.ok()) return;
  const Pool pool = PoolOf(window, shape);
  const Tensor y = run.Output(0, x.type(), {shape[0], pool.rows, pool.columns, shape[3]});
  if (!run.ok()) return;
  const int64_t from = pool.height * pool.width * pool.channels, to = pool.rows * pool.columns * pool.channels;
  InParallel(static_cast<int>(shape[0] * pool.rows), [&](int index) {
    const int64_t image = index / pool.rows;
    FASTEST(kPoolLoops<Number>)
        ->largest(x.data<Number>() + image * from, pool, index % pool.rows, y.data<Number>() + image * to);
  });
}

template <typename Number>
void Backward(void* kernel, TF_OpKernelContext* context) {
  Run run(context);
  const Tensor gradient = run.Input(0), x = run.Input(1), y = run.Input(2);
  if (!run.ok()) return;
  const std::vector<int64_t> shape = x.shape();
  run.Require(shape.size() == 4, "the gradient of a maximum needs [batch, height, width, channels]");
  if (!run.ok()) return;
  const Pool pool = PoolOf(*static_cast<Attributes*>(kernel), shape);
  const std::vector<int64_t> pooled = {shape[0], pool.rows, pool.columns, shape[3]};
  run.Require(gradient.shape() == pooled && y.shape() == pooled, "the gradient of a maximum does not fit");
  const Tensor dx = run.Output(0, x.type(), shape);
  if (!run.ok()) return;
  const int64_t from = pool.height * pool.width * pool.channels, to = pool.rows * pool.columns * pool.channels;
  const PoolLoops<Number>& loops = *FASTEST(kPoolLoops<Number>);
  InParallel(static_cast<int>(shape[0]), [&](int image) {
    static thread_local Room<float> room;
    float* sums = room.Of(from);
    memset(sums, 0, from * sizeof(float));
    loops.gradient(gradient.data<Number>() + image * to, x.data<Number>() + image * from,
                   y.data<Number>() + image * to, pool, sums);
    loops.round(sums, from, dx.data<Number>() + image * from);
  });
}

void* Make(TF_OpKernelConstruction* construction) {
  return new Attributes{IntAttribute(construction, "kernel"), IntAttribute(construction, "stride"),
                        IntAttribute(construction, "padding")};
}

void Destroy(void* kernel) { delete static_cast<Attributes*>(kernel); }

template <typename Number>
void RegisterFor(TF_DataType type) {
  RegisterKernel("NormDirectionMaxPool", Make, Forward<Number>, Destroy, &type);
  RegisterKernel("NormDirectionMaxPoolGrad", Make, Backward<Number>, Destroy, &type);
}

}  // namespace

void RegisterMaxPool() {
  const std::vector<const char*> attributes = {"kernel: int >= 1", "stride: int >= 1", "padding: int >= 0",
                                               "T: {float, bfloat16}"};
  const bool fresh =
      RegisterOperation({"NormDirectionMaxPool", {"x: T"}, {"y: T"}, attributes}) &&
      RegisterOperation({"NormDirectionMaxPoolGrad", {"gradient: T", "x: T", "y: T"}, {"dx: T"}, attributes});
  if (!fresh) return;
  RegisterFor<float>(TF_FLOAT);
  RegisterFor<BFloat16>(TF_BFLOAT16);
}

}  // namespace norm_direction

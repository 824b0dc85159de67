// Batch norm in training with an optional sum and an optional ReLU, and its gradient, each in two passes over
// memory: epsilon, unbiased running variance and momentum as PyTorch has them.

#include <math.h>

#include <algorithm>

#include "batch_norm_loops.h"
#include "operations.h"
#include "threads.h"

namespace norm_direction {
namespace {

struct Attributes {
  bool relu;
  float epsilon;
  float momentum;
};

// Rows are taken in chunks of about this many numbers: a chunk stays in a core's cache. What is added up does
// not depend on the number of threads.
constexpr int64_t kChunk = 32768;

struct Chunks {
  explicit Chunks(Shape whole)
      : shape(whole), rows(std::max<int64_t>(64, kChunk / whole.channels / 64 * 64)) {
    count = static_cast<int>((shape.rows + rows - 1) / rows);
  }
  int64_t Offset(int chunk) const { return chunk * rows * shape.channels; }
  Shape Of(int chunk) const { return {std::min(rows, shape.rows - chunk * rows), shape.channels}; }

  Shape shape;
  int64_t rows;
  int count;
};

Shape RowsOf(const Tensor& x, int64_t channels) {
  return {x.size() / std::max<int64_t>(channels, 1), static_cast<int>(channels)};
}

// Two sums by channel, each over all chunks, in double: places of chunks [2][channels].
std::vector<double> Totals(const std::vector<float>& parts, const Chunks& chunks) {
  const int width = 2 * chunks.shape.channels;
  std::vector<double> totals(width, 0.0);
  for (int chunk = 0; chunk < chunks.count; ++chunk) {
    const float* part = parts.data() + static_cast<size_t>(chunk) * width;
    for (int c = 0; c < width; ++c) totals[c] += part[c];
  }
  return totals;
}

template <typename Number>
void Forward(void* kernel, TF_OpKernelContext* context) {
  const Attributes& attributes = *static_cast<Attributes*>(kernel);
  Run run(context);
  const Tensor x = run.Input(0), scale = run.Input(1), shift = run.Input(2), old_mean = run.Input(3),
               old_variance = run.Input(4);
  if (!run.ok()) return;
  const int64_t channels = scale.size();
  run.Require(channels > 0 && x.size() > 0 && x.shape().back() == channels,
              "the last axis of a batch norm's input must be its channels");
  run.Require(shift.size() == channels && old_mean.size() == channels && old_variance.size() == channels,
              "a batch norm's scale, shift and statistics must have one number a channel");
  const bool summed = run.inputs() > 5;
  const Tensor residual = summed ? run.Input(5) : Tensor(nullptr);
  if (!run.ok()) return;
  run.Require(!summed || residual.shape() == x.shape(), "a batch norm's residual must be of its input's shape");
  const std::vector<int64_t> by_channel = {channels};
  const Tensor y = run.Output(0, x.type(), x.shape()), mean = run.Output(1, TF_FLOAT, by_channel),
               deviation = run.Output(2, TF_FLOAT, by_channel), new_mean = run.Output(3, TF_FLOAT, by_channel),
               new_variance = run.Output(4, TF_FLOAT, by_channel);
  if (!run.ok()) return;

  const BatchNormLoops<Number>& loops = Loops<Number>();
  const Chunks chunks(RowsOf(x, channels));
  const Number* from = x.data<Number>();
  // Centred at the running mean, sums of squares keep their digits as long as the batch's mean is not many deviations
  // away from it.
  const float* centre = old_mean.data<float>();
  std::vector<float> parts(static_cast<size_t>(chunks.count) * 2 * channels);
  std::vector<float> factor(channels), offset(channels);
  const Line line = {factor.data(), offset.data()};
  const auto sums = [&](int chunk) {
    float* part = parts.data() + static_cast<size_t>(chunk) * 2 * channels;
    loops.moments(from + chunks.Offset(chunk), chunks.Of(chunk), centre, part, part + channels);
  };
  const auto statistics = [&] {
    const std::vector<double> totals = Totals(parts, chunks);
    const double count = static_cast<double>(chunks.shape.rows);
    for (int64_t c = 0; c < channels; ++c) {
      const double shifted = totals[c] / count;
      const double variance = std::max(0.0, totals[channels + c] / count - shifted * shifted);
      const double average = centre[c] + shifted;
      const double inverse = 1 / sqrt(variance + attributes.epsilon);
      mean.data<float>()[c] = static_cast<float>(average);
      deviation.data<float>()[c] = static_cast<float>(inverse);
      const double unbiased = variance * count / std::max(1.0, count - 1);
      const double momentum = attributes.momentum;
      new_mean.data<float>()[c] = static_cast<float>((1 - momentum) * centre[c] + momentum * average);
      new_variance.data<float>()[c] =
          static_cast<float>((1 - momentum) * old_variance.data<float>()[c] + momentum * unbiased);
      factor[c] = static_cast<float>(scale.data<float>()[c] * inverse);
      offset[c] = static_cast<float>(shift.data<float>()[c] - average * scale.data<float>()[c] * inverse);
    }
  };
  InParallel(chunks.count, sums, statistics, [&](int chunk) {
    const int64_t at = chunks.Offset(chunk);
    loops.normalise(from + at, summed ? residual.data<Number>() + at : nullptr, chunks.Of(chunk), line,
                    attributes.relu, y.data<Number>() + at);
  });
}

// With statistics from outside: one pass.
template <typename Number>
void Evaluate(void* kernel, TF_OpKernelContext* context) {
  const Attributes& attributes = *static_cast<Attributes*>(kernel);
  Run run(context);
  const Tensor x = run.Input(0), scale = run.Input(1), shift = run.Input(2), mean = run.Input(3),
               variance = run.Input(4);
  if (!run.ok()) return;
  const int64_t channels = scale.size();
  run.Require(channels > 0 && x.size() > 0 && x.shape().back() == channels,
              "the last axis of a batch norm's input must be its channels");
  run.Require(shift.size() == channels && mean.size() == channels && variance.size() == channels,
              "a batch norm's scale, shift and statistics must have one number a channel");
  const bool summed = run.inputs() > 5;
  const Tensor residual = summed ? run.Input(5) : Tensor(nullptr);
  if (!run.ok()) return;
  run.Require(!summed || residual.shape() == x.shape(), "a batch norm's residual must be of its input's shape");
  const Tensor y = run.Output(0, x.type(), x.shape());
  if (!run.ok()) return;
  std::vector<float> factor(channels), offset(channels);
  for (int64_t c = 0; c < channels; ++c) {
    const double a = scale.data<float>()[c] / sqrt(static_cast<double>(variance.data<float>()[c]) + attributes.epsilon);
    factor[c] = static_cast<float>(a);
    offset[c] = static_cast<float>(shift.data<float>()[c] - mean.data<float>()[c] * a);
  }
  const Chunks chunks(RowsOf(x, channels));
  const Line line = {factor.data(), offset.data()};
  InParallel(chunks.count, [&](int chunk) {
    const int64_t at = chunks.Offset(chunk);
    Loops<Number>().normalise(x.data<Number>() + at, summed ? residual.data<Number>() + at : nullptr,
                              chunks.Of(chunk), line, attributes.relu, y.data<Number>() + at);
  });
}

template <typename Number>
void Backward(void* kernel, TF_OpKernelContext* context) {
  const Attributes& attributes = *static_cast<Attributes*>(kernel);
  Run run(context);
  const Tensor gradient = run.Input(0), x = run.Input(1), scale = run.Input(2), mean = run.Input(3),
               deviation = run.Input(4);
  if (!run.ok()) return;
  const int64_t channels = scale.size();
  run.Require(channels > 0 && x.size() > 0 && gradient.size() == x.size() && x.shape().back() == channels &&
                  mean.size() == channels && deviation.size() == channels,
              "the shapes of a batch norm's gradient do not fit");
  run.Require(!attributes.relu || run.inputs() == 6, "the gradient of a ReLU needs its output");
  const Tensor y = attributes.relu ? run.Input(5) : Tensor(nullptr);
  if (!run.ok()) return;
  run.Require(!attributes.relu || y.shape() == x.shape(), "a batch norm's output must be of its input's shape");
  const std::vector<int64_t> by_channel = {channels};
  const Tensor dx = run.Output(0, x.type(), x.shape()), dscale = run.Output(1, TF_FLOAT, by_channel),
               dshift = run.Output(2, TF_FLOAT, by_channel);
  const bool keeps = run.outputs() > 3;
  const Tensor kept = keeps ? run.Output(3, x.type(), x.shape()) : Tensor(nullptr);
  if (!run.ok()) return;

  const BatchNormLoops<Number>& loops = Loops<Number>();
  const Chunks chunks(RowsOf(x, channels));
  const Number* g = gradient.data<Number>();
  const Number* mask = attributes.relu ? y.data<Number>() : nullptr;
  std::vector<float> parts(static_cast<size_t>(chunks.count) * 2 * channels);
  std::vector<float> factor(channels), slope(channels), offset(channels);
  const GradientLine line = {factor.data(), slope.data(), offset.data(), mean.data<float>()};
  const auto sums = [&](int chunk) {
    const int64_t at = chunks.Offset(chunk);
    float* part = parts.data() + static_cast<size_t>(chunk) * 2 * channels;
    loops.sums(g + at, mask ? mask + at : nullptr, x.data<Number>() + at, chunks.Of(chunk), mean.data<float>(),
               part, part + channels, keeps ? kept.data<Number>() + at : nullptr);
  };
  const auto gradients = [&] {
    const std::vector<double> totals = Totals(parts, chunks);
    const double count = static_cast<double>(chunks.shape.rows);
    for (int64_t c = 0; c < channels; ++c) {
      const double inverse = deviation.data<float>()[c];
      const double by_scale = totals[channels + c] * inverse;
      dscale.data<float>()[c] = static_cast<float>(by_scale);
      dshift.data<float>()[c] = static_cast<float>(totals[c]);
      const double a = scale.data<float>()[c] * inverse;
      factor[c] = static_cast<float>(a);
      slope[c] = static_cast<float>(-a * by_scale * inverse / count);
      offset[c] = static_cast<float>(-a * totals[c] / count);
    }
  };
  // What was kept is masked already.
  const Number* masked = keeps ? kept.data<Number>() : g;
  const Number* second_mask = keeps ? nullptr : mask;
  InParallel(chunks.count, sums, gradients, [&](int chunk) {
    const int64_t at = chunks.Offset(chunk);
    loops.input(masked + at, second_mask ? second_mask + at : nullptr, x.data<Number>() + at, chunks.Of(chunk),
                line, dx.data<Number>() + at);
  });
}

void* MakeForward(TF_OpKernelConstruction* construction) {
  return new Attributes{BoolAttribute(construction, "relu"), FloatAttribute(construction, "epsilon"),
                        FloatAttribute(construction, "momentum")};
}

void* MakeEvaluation(TF_OpKernelConstruction* construction) {
  return new Attributes{BoolAttribute(construction, "relu"), FloatAttribute(construction, "epsilon"), 0};
}

void* MakeBackward(TF_OpKernelConstruction* construction) {
  return new Attributes{BoolAttribute(construction, "relu"), 0, 0};
}

void Destroy(void* kernel) { delete static_cast<Attributes*>(kernel); }

template <typename Number>
void RegisterFor(TF_DataType type) {
  RegisterKernel("NormDirectionBatchNorm", MakeForward, Forward<Number>, Destroy, &type);
  RegisterKernel("NormDirectionBatchNormEvaluation", MakeEvaluation, Evaluate<Number>, Destroy, &type);
  RegisterKernel("NormDirectionBatchNormGrad", MakeBackward, Backward<Number>, Destroy, &type);
}

}  // namespace

void RegisterBatchNorm() {
  const bool fresh =
      RegisterOperation({"NormDirectionBatchNorm",
                         {"x: T", "scale: float", "shift: float", "running_mean: float",
                          "running_variance: float", "residual: residuals * T"},
                         {"y: T", "mean: float", "inverse_deviation: float", "new_mean: float",
                          "new_variance: float"},
                         {"T: {float, bfloat16}", "residuals: int >= 0", "relu: bool", "epsilon: float",
                          "momentum: float"}}) &&
      RegisterOperation({"NormDirectionBatchNormEvaluation",
                         {"x: T", "scale: float", "shift: float", "mean: float", "variance: float",
                          "residual: residuals * T"},
                         {"y: T"},
                         {"T: {float, bfloat16}", "residuals: int >= 0", "relu: bool", "epsilon: float"}}) &&
      RegisterOperation({"NormDirectionBatchNormGrad",
                         {"gradient: T", "x: T", "scale: float", "mean: float", "inverse_deviation: float",
                          "y: outputs * T"},
                         {"dx: T", "dscale: float", "dshift: float", "dresidual: residuals * T"},
                         {"T: {float, bfloat16}", "outputs: int >= 0", "residuals: int >= 0", "relu: bool"}});
  if (!fresh) return;
  RegisterFor<float>(TF_FLOAT);
  RegisterFor<BFloat16>(TF_BFLOAT16);
}

}  // namespace norm_direction

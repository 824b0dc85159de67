// The mean over the pixels of an image, and its gradient; the mean is float32 whatever the input is.

#include "batch_norm_loops.h"
#include "operations.h"
#include "threads.h"

namespace norm_direction {
namespace {

template <typename Number>
void Forward(void*, TF_OpKernelContext* context) {
  Run run(context);
  const Tensor x = run.Input(0);
  if (!run.ok()) return;
  const std::vector<int64_t> shape = x.shape();
  run.Require(shape.size() == 4 && x.size() > 0, "the mean over pixels needs [batch, height, width, channels]");
  if (!run.ok()) return;
  const int64_t batch = shape[0], channels = shape[3];
  const Tensor mean = run.Output(0, TF_FLOAT, {batch, channels});
  if (!run.ok()) return;
  const Shape image = {shape[1] * shape[2], static_cast<int>(channels)};
  InParallel(static_cast<int>(batch), [&](int index) {
    Loops<Number>().mean(x.data<Number>() + index * image.rows * channels, image,
                         mean.data<float>() + index * channels);
  });
}

// The type of dx is that of `like`.
template <typename Number>
void Backward(void*, TF_OpKernelContext* context) {
  Run run(context);
  const Tensor gradient = run.Input(0), like = run.Input(1);
  if (!run.ok()) return;
  const std::vector<int64_t> shape = like.shape();
  run.Require(shape.size() == 4 && gradient.size() == shape[0] * shape[3],
              "the gradient of a mean over pixels does not fit");
  if (!run.ok()) return;
  const Tensor dx = run.Output(0, like.type(), shape);
  if (!run.ok()) return;
  const int64_t channels = shape[3];
  const Shape image = {shape[1] * shape[2], static_cast<int>(channels)};
  InParallel(static_cast<int>(shape[0]), [&](int index) {
    std::vector<float> row(gradient.data<float>() + index * channels,
                           gradient.data<float>() + (index + 1) * channels);
    for (float& value : row) value /= static_cast<float>(image.rows);
    Loops<Number>().spread(row.data(), image, dx.data<Number>() + index * image.rows * channels);
  });
}

template <typename Number>
void RegisterFor(TF_DataType type) {
  RegisterKernel("NormDirectionPixelMean", Nothing, Forward<Number>, Leave, &type);
  RegisterKernel("NormDirectionPixelMeanGrad", Nothing, Backward<Number>, Leave, &type);
}

}  // namespace

void RegisterPooling() {
  const bool fresh =
      RegisterOperation({"NormDirectionPixelMean", {"x: T"}, {"mean: float"}, {"T: {float, bfloat16}"}}) &&
      RegisterOperation({"NormDirectionPixelMeanGrad",
                         {"gradient: float", "like: T"},
                         {"dx: T"},
                         {"T: {float, bfloat16}"}});
  if (!fresh) return;
  RegisterFor<float>(TF_FLOAT);
  RegisterFor<BFloat16>(TF_BFLOAT16);
}

}  // namespace norm_direction

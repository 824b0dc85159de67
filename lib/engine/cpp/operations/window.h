// What kernels of convolutions have in common beside their numbers.

#pragma once

#include <stdint.h>

#include <vector>

#include "kernel.h"

namespace norm_direction {

// A kernel's sides, its stride, and the zeros around the image.
struct Window {
  int height, width, stride, padding;
};

// A convolution of images: [height, width, inputs] to [rows, columns, outputs].
struct Convolved {
  int64_t images;
  int height, width, inputs;
  int rows, columns, outputs;
  Window kernel;

  int64_t image() const { return static_cast<int64_t>(height) * width * inputs; }
  int64_t result() const { return static_cast<int64_t>(rows) * columns * outputs; }
  int64_t weights() const { return static_cast<int64_t>(kernel.height) * kernel.width * inputs * outputs; }
};

// Reports a failure where the second shape is not what the window makes of the first.
inline Convolved ConvolvedOf(Run& run, const Window& window, const std::vector<int64_t>& in,
                             const std::vector<int64_t>& out) {
  const auto fits = [&](int64_t side, int kernel, int64_t result) {
    return (side + 2 * window.padding - kernel) / window.stride + 1 == result;
  };
  const bool fit = in.size() == 4 && out.size() == 4 && in[0] == out[0] && fits(in[1], window.height, out[1]) &&
                   fits(in[2], window.width, out[2]);
  run.Require(fit, "the gradient is not of this input's output");
  if (!fit) return {};
  const auto size = [](int64_t value) { return static_cast<int>(value); };
  return {in[0], size(in[1]), size(in[2]), size(in[3]), size(out[1]), size(out[2]), size(out[3]), window};
}

inline const char* const kWindowAttributes[] = {"height: int >= 1", "width: int >= 1", "stride: int >= 1",
                                                "padding: int >= 0"};

inline void* MakeWindow(TF_OpKernelConstruction* construction) {
  const auto side = [&](const char* name) { return static_cast<int>(IntAttribute(construction, name)); };
  return new Window{side("height"), side("width"), side("stride"), side("padding")};
}

inline void DestroyWindow(void* window) { delete static_cast<Window*>(window); }

}  // namespace norm_direction

// The passes of a batch norm over rows of channels, for one chunk of rows each.

#pragma once

#include <stdint.h>

#include "kernel.h"

namespace norm_direction {

// `rows` rows of `channels` numbers, one after the other.
struct Shape {
  int64_t rows;
  int channels;
};

// What turns x into its normalised value, by channel: x * factor + offset.
struct Line {
  const float* factor;
  const float* offset;
};

// dx = factor * g + slope * (x - mean) + offset, by channel.
struct GradientLine {
  const float* factor;
  const float* slope;
  const float* offset;
  const float* mean;
};

template <typename Number>
struct BatchNormLoops {
  // Sums of x - centre and of its square, by channel.
  void (*moments)(const Number* x, Shape shape, const float* centre, float* sum, float* square);
  // y = relu?(x * factor + offset + residual?)
  void (*normalise)(const Number* x, const Number* residual, Shape shape, Line line, bool relu, Number* y);
  // With g = gradient where y > 0 (y null: everywhere): sums of g and of g * (x - mean); g is kept where asked.
  void (*sums)(const Number* gradient, const Number* y, const Number* x, Shape shape, const float* mean,
               float* sum, float* product, Number* kept);
  // The gradient of x.
  void (*input)(const Number* gradient, const Number* y, const Number* x, Shape shape, GradientLine line,
                Number* dx);
  // The mean over the rows.
  void (*mean)(const Number* x, Shape shape, float* mean);
  // Each row becomes `row`.
  void (*spread)(const float* row, Shape shape, Number* x);
};

// For the instructions that this processor has.
template <typename Number>
const BatchNormLoops<Number>& Loops();

}  // namespace norm_direction

// The gradient of a convolution with a stride by its input, in float32. Pixels that lie alike to the stride are met by
// the same places of the kernel: for each such set of pixels it is one matrix product over these places and the
// output's channels, in which nothing is multiplied by the zeros that lie between under a stride.

#include <algorithm>
#include <iterator>
#include <vector>

#include "instructions.h"
#include "kernel.h"
#include "operations.h"
#include "room.h"
#include "threads.h"
#include "window.h"

namespace norm_direction {
namespace {

// A place of the kernel, and what it multiplies for the pixel r * stride + row, c * stride + column: the output's
// pixel r + row, c + column.
struct Place {
  int64_t weight;
  int row, column;
};

// The pixels r * stride + row, c * stride + column; their weights begin at `first` of all packed ones.
struct Alike {
  int row, column;
  int64_t first;
  std::vector<Place> places;
};

struct Loops {
  void (*pack)(const Convolved& g, const Alike& alike, const float* weights, int begin, int end, float* b);
  void (*gradient)(const Convolved& g, const Alike& alike, const float* gradient, const float* b, float* left,
                   float* product, float* x);
};

// A multiple of each kRows; a matrix of so many rows stays in the processor's cache.
constexpr int kPixels = 48;
constexpr int kChannels = 16;

#define LOOPS "input_gradient.inc"
#include "instruction_sets.inc"

// Null where the processor has none of the instructions.
const Loops* Chosen() { return FASTEST(kLoops); }

std::vector<Alike> AllAlike(const Convolved& g) {
  const auto [height, width, stride, padding] = g.kernel;
  std::vector<Alike> all;
  int64_t places = 0;
  for (int row = 0; row < std::min(stride, g.height); ++row) {
    for (int column = 0; column < std::min(stride, g.width); ++column) {
      Alike alike = {row, column, places * g.inputs * g.outputs, {}};
      for (int down = (row + padding) % stride; down < height; down += stride) {
        for (int across = (column + padding) % stride; across < width; across += stride) {
          alike.places.push_back({static_cast<int64_t>(down) * width + across, (row + padding - down) / stride,
                                  (column + padding - across) / stride});
        }
      }
      places += alike.places.size();
      all.push_back(alike);
    }
  }
  return all;
}

void InputGradient(void* kernel, TF_OpKernelContext* context) {
  const Window& window = *static_cast<Window*>(kernel);
  Run run(context);
  const Tensor sizes = run.Input(0), w = run.Input(1), gradient = run.Input(2);
  if (!run.ok()) return;
  const std::vector<int64_t> kernels = w.shape();
  run.Require(sizes.size() == 4, "the input's shape has four sizes");
  if (!run.ok()) return;
  const std::vector<int64_t> in(sizes.data<int32_t>(), sizes.data<int32_t>() + 4);
  const Convolved g = ConvolvedOf(run, window, in, gradient.shape());
  if (!run.ok()) return;
  run.Require(kernels == std::vector<int64_t>{window.height, window.width, g.inputs, g.outputs} &&
                  g.inputs % kChannels == 0 && g.outputs % kChannels == 0,
              "the kernel is of another convolution, or channels are not by sixteen");
  const Tensor x = run.Output(0, TF_FLOAT, in);
  if (!run.ok()) return;

  const std::vector<Alike> all = AllAlike(g);
  static thread_local Room<float> packed;
  float* b = packed.Of(g.weights());
  const Loops& loops = *Chosen();
  // Of few images each set is a task: of many, the images, whose sets read the same.
  const int split = g.images < ThreadCount() ? static_cast<int>(all.size()) : 1;
  const int tasks = static_cast<int>(g.images) * split;
  const int64_t parts = g.inputs / kChannels;
  InParallel(
      tasks,
      [&](int index) {
        for (const Alike& alike : all) {
          loops.pack(g, alike, w.data<float>(), static_cast<int>(parts * index / tasks) * kChannels,
                     static_cast<int>(parts * (index + 1) / tasks) * kChannels, b + alike.first);
        }
      },
      [] {},
      [&](int index) {
        static thread_local Room<float> left, product;
        const int64_t depth = static_cast<int64_t>(window.height) * window.width * g.outputs;
        float *rows = left.Of(kPixels * depth), *sums = product.Of(static_cast<int64_t>(kPixels) * g.inputs);
        const int64_t image = index / split;
        for (size_t set = index % split; set < all.size(); set += split) {
          loops.gradient(g, all[set], gradient.data<float>() + image * g.result(), b + all[set].first, rows, sums,
                         x.data<float>() + image * g.image());
        }
      });
}

}  // namespace

void RegisterInputGradient() {
  if (Chosen() == nullptr) return;
  const char* name = "NormDirectionInputGradient";
  const bool fresh = RegisterOperation({name,
                                        {"sizes: int32", "weights: float", "gradient: float"},
                                        {"x: float"},
                                        {std::begin(kWindowAttributes), std::end(kWindowAttributes)}});
  if (fresh) RegisterKernel(name, MakeWindow, InputGradient, DestroyWindow);
}

}  // namespace norm_direction

// The gradient of a convolution of 1 x 1 in groups by its weights, in float32: for each group a matrix product over all
// pixels, whose columns are of any number from a tile on.

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

// A tile's inputs and outputs.
constexpr int kSide = 16;
constexpr int64_t kTile = kSide * kSide;
// Pixels that all tiles read before the next ones: they stay in the processor's cache.
constexpr int64_t kPixels = 128;

typedef void (*Add)(const float* x, int64_t inputs, const float* g, int64_t outputs, int64_t pixels, float* sums);

#ifdef __x86_64__

#pragma GCC push_options
#pragma GCC target("avx2,fma")
namespace avx2 {
constexpr int kLanes = 8, kVectors = 2, kInputs = 4;
#include "numbers.inc"
#include "point_gradient.inc"
}  // namespace avx2
#pragma GCC pop_options

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,fma,prefer-vector-width=512")
namespace avx512 {
constexpr int kLanes = 16, kVectors = 1, kInputs = 16;
#include "numbers.inc"
#include "point_gradient.inc"
}  // namespace avx512
#pragma GCC pop_options

#endif

// Null where the processor has none of the instructions.
Add Chosen() {
#ifdef __x86_64__
  if (HasAvx512()) return avx512::AddProducts;
  if (HasAvx2()) return avx2::AddProducts;
#endif
  return nullptr;
}

// Tiles along channels; the last one overlaps the one before, so that it is whole.
struct Along {
  int64_t channels;

  int64_t count() const { return (channels + kSide - 1) / kSide; }
  int64_t first(int64_t tile) const { return std::min(tile * kSide, channels - kSide); }
};

// A group's tile, counted over all groups.
struct Tile {
  int64_t group, input, output;
};

void Gradient(void* kernel, TF_OpKernelContext* context) {
  const int64_t groups = *static_cast<int64_t*>(kernel);
  Run run(context);
  const Tensor x = run.Input(0), gradient = run.Input(1);
  if (!run.ok()) return;
  const std::vector<int64_t> in = x.shape(), out = gradient.shape();
  run.Require(in.size() == 4 && out.size() == 4 && std::equal(in.begin(), in.begin() + 3, out.begin()),
              "the gradient is not of this input's output");
  if (!run.ok()) return;
  const int64_t all_inputs = in[3], all_outputs = out[3], pixels = in[0] * in[1] * in[2];
  const Along inputs = {all_inputs / groups}, outputs = {all_outputs / groups};
  run.Require(all_inputs % groups == 0 && all_outputs % groups == 0 && inputs.channels >= kSide &&
                  outputs.channels >= kSide,
              "a group has fewer than sixteen channels, or not all have as many");
  const Tensor weights = run.Output(0, TF_FLOAT, {1, 1, inputs.channels, all_outputs});
  if (!run.ok()) return;

  const int64_t tiles = groups * inputs.count() * outputs.count();
  const auto at = [&](int64_t tile) {
    return Tile{tile / (inputs.count() * outputs.count()), tile / outputs.count() % inputs.count(),
                tile % outputs.count()};
  };
  static thread_local Room<float> all_sums;
  const int parts = ThreadCount();
  float* sums = all_sums.Of(parts * tiles * kTile);
  const Add add = Chosen();
  InParallel(
      parts,
      [&](int index) {
        float* own = sums + index * tiles * kTile;
        memset(own, 0, tiles * kTile * sizeof(float));
        const int64_t last = pixels * (index + 1) / parts;
        for (int64_t begin = pixels * index / parts; begin < last; begin += kPixels) {
          const int64_t count = std::min(kPixels, last - begin);
          for (int64_t tile = 0; tile < tiles; ++tile) {
            const auto [group, input, output] = at(tile);
            add(x.data<float>() + begin * all_inputs + group * inputs.channels + inputs.first(input), all_inputs,
                gradient.data<float>() + begin * all_outputs + group * outputs.channels + outputs.first(output),
                all_outputs, count, own + tile * kTile);
          }
        }
      },
      [] {},
      [&](int index) {
        for (int64_t tile = tiles * index / parts; tile < tiles * (index + 1) / parts; ++tile) {
          const auto [group, input, output] = at(tile);
          float* sum = sums + tile * kTile;
          for (int part = 1; part < parts; ++part) {
            const float* other = sum + part * tiles * kTile;
            for (int64_t i = 0; i < kTile; ++i) sum[i] += other[i];
          }
          // What overlaps is the tile's before.
          const int64_t row = input * kSide - inputs.first(input), column = output * kSide - outputs.first(output);
          for (int64_t i = row; i < kSide; ++i) {
            memcpy(weights.data<float>() + (inputs.first(input) + i) * all_outputs + group * outputs.channels +
                       outputs.first(output) + column,
                   sum + i * kSide + column, (kSide - column) * sizeof(float));
          }
        }
      });
}

void* Make(TF_OpKernelConstruction* construction) { return new int64_t{IntAttribute(construction, "groups")}; }
void Destroy(void* kernel) { delete static_cast<int64_t*>(kernel); }

}  // namespace

void RegisterPointGradient() {
  if (Chosen() == nullptr) return;
  const char* name = "NormDirectionPointGradient";
  if (RegisterOperation({name, {"x: float", "gradient: float"}, {"weights: float"}, {"groups: int >= 1"}})) {
    RegisterKernel(name, Make, Gradient, Destroy);
  }
}

}  // namespace norm_direction

// Convolutions of 1 x 1 without a stride, in groups: for each group a matrix product over its channels, of every pixel.
// In bfloat16, where the processor multiplies such numbers, the convolution and its gradient by the input; in either
// type the gradient by the weights, summed up in float32. A group's channels are of any number from sixteen on.

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

// A tile's inputs and outputs in the gradient by the weights, a panel's columns in a product.
constexpr int kSide = 16;
constexpr int64_t kTile = kSide * kSide;
// Pixels that all of its tiles read before the next ones: they stay in the processor's cache.
constexpr int64_t kGradientPixels = 128;
// Pixels of a product; a multiple of each kRows.
constexpr int kPixels = 48;

// What one group multiplies: the weights [depth][columns], or turned around [columns][depth], in rows of `row` numbers.
struct Group {
  int depth, columns;
  int64_t row;
  bool turned;

  int panels() const { return (columns + kSide - 1) / kSide; }
  int64_t panel() const { return static_cast<int64_t>(depth / 2) * kSide; }
};

struct Loops {
  void (*pack)(const Group& g, const BFloat16* weights, int column, uint32_t* b);
  void (*multiply)(const Group& g, const BFloat16* x, int64_t inputs, const uint32_t* b, int count, float* product,
                   BFloat16* y, int64_t outputs);
};

template <typename Number>
using Add = void (*)(const Number* x, int64_t inputs, const Number* g, int64_t outputs, int64_t pixels, float* sums);

#define LOOPS "points.inc"
#define LOOPS_WITH_PAIRS
#include "instruction_sets.inc"

// Null where the processor has none of the instructions.
const Loops* Chosen() { return WITH_PAIRS(kLoops, nullptr); }

template <typename Number>
Add<Number> ChosenAdd() {
  const Add<Number>* chosen = FASTEST(kAdd<Number>);
  return chosen == nullptr ? nullptr : *chosen;
}

struct Attributes {
  int groups;
  bool turned;
};

void Convolution(void* kernel, TF_OpKernelContext* context) {
  const auto [groups, turned] = *static_cast<Attributes*>(kernel);
  Run run(context);
  const Tensor x = run.Input(0), w = run.Input(1);
  if (!run.ok()) return;
  const std::vector<int64_t> in = x.shape(), kernels = w.shape();
  run.Require(in.size() == 4 && kernels.size() == 4 && kernels[0] == 1 && kernels[1] == 1,
              "needs images and kernels of 1 x 1");
  if (!run.ok()) return;
  const int own_outputs = static_cast<int>(kernels[3] / groups), own_inputs = static_cast<int>(kernels[2]);
  const Group g = {turned ? own_outputs : own_inputs, turned ? own_inputs : own_outputs, kernels[3], turned};
  run.Require(kernels[3] % groups == 0 && in[3] == int64_t{groups} * g.depth && g.depth % 2 == 0 && g.columns >= kSide,
              "the weights do not fit the image's channels: each group's come in pairs and go out by sixteen or more");
  if (!run.ok()) return;
  const int64_t inputs = in[3], outputs = int64_t{groups} * g.columns, pixels = in[0] * in[1] * in[2];
  const Tensor y = run.Output(0, TF_BFLOAT16, {in[0], in[1], in[2], outputs});
  if (!run.ok()) return;

  static thread_local Room<uint32_t> packed;
  uint32_t* b = packed.Of(groups * g.panels() * g.panel());
  const Loops& loops = *Chosen();
  const int blocks = std::max(1, static_cast<int>((pixels + kPixels - 1) / kPixels)), panels = groups * g.panels();
  InParallel(
      blocks,
      [&](int index) {
        for (int panel = panels * int64_t{index} / blocks; panel < panels * (int64_t{index} + 1) / blocks; ++panel) {
          const int64_t group = panel / g.panels();
          loops.pack(g, w.data<BFloat16>() + group * own_outputs, panel % g.panels() * kSide,
                     b + panel * g.panel());
        }
      },
      [] {},
      [&](int index) {
        static thread_local Room<BFloat16> last;
        static thread_local Room<float> product;
        const int64_t begin = int64_t{index} * kPixels;
        const int count = static_cast<int>(std::min<int64_t>(kPixels, pixels - begin));
        const BFloat16* from = x.data<BFloat16>() + begin * inputs;
        if (count < kPixels) {
          // A product reads whole sets of rows.
          BFloat16* copy = last.Of(kPixels * inputs);
          memcpy(copy, from, count * inputs * sizeof(BFloat16));
          from = copy;
        }
        float* sums = product.Of(kPixels * g.panels() * kSide);
        for (int group = 0; group < groups; ++group) {
          loops.multiply(g, from + group * g.depth, inputs, b + group * g.panels() * g.panel(), count, sums,
                         y.data<BFloat16>() + begin * outputs + group * g.columns, outputs);
        }
      });
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

template <typename Number>
void Gradient(void* kernel, TF_OpKernelContext* context) {
  const int64_t groups = static_cast<Attributes*>(kernel)->groups;
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
  const Add<Number> add = ChosenAdd<Number>();
  InParallel(
      parts,
      [&](int index) {
        float* own = sums + index * tiles * kTile;
        memset(own, 0, tiles * kTile * sizeof(float));
        const int64_t last = pixels * (index + 1) / parts;
        for (int64_t begin = pixels * index / parts; begin < last; begin += kGradientPixels) {
          const int64_t count = std::min(kGradientPixels, last - begin);
          for (int64_t tile = 0; tile < tiles; ++tile) {
            const auto [group, input, output] = at(tile);
            add(x.data<Number>() + begin * all_inputs + group * inputs.channels + inputs.first(input), all_inputs,
                gradient.data<Number>() + begin * all_outputs + group * outputs.channels + outputs.first(output),
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

void* Make(TF_OpKernelConstruction* construction) {
  return new Attributes{static_cast<int>(IntAttribute(construction, "groups")), BoolAttribute(construction, "turned")};
}

void* MakeGradient(TF_OpKernelConstruction* construction) {
  return new Attributes{static_cast<int>(IntAttribute(construction, "groups")), false};
}

void Destroy(void* kernel) { delete static_cast<Attributes*>(kernel); }

}  // namespace

void RegisterPoints() {
  if (ChosenAdd<float>() == nullptr) return;
  const char* name = "NormDirectionPointGradient";
  const bool fresh = RegisterOperation(
      {name, {"x: T", "gradient: T"}, {"weights: float"}, {"T: {float, bfloat16}", "groups: int >= 1"}});
  if (!fresh) return;
  const TF_DataType types[2] = {TF_FLOAT, TF_BFLOAT16};
  RegisterKernel(name, MakeGradient, Gradient<float>, Destroy, &types[0]);
  RegisterKernel(name, MakeGradient, Gradient<BFloat16>, Destroy, &types[1]);
  if (Chosen() == nullptr) return;
  const char* forward = "NormDirectionPointsBFloat16";
  RegisterOperation(
      {forward, {"x: bfloat16", "weights: bfloat16"}, {"y: bfloat16"}, {"groups: int >= 1", "turned: bool"}});
  RegisterKernel(forward, Make, Convolution, Destroy);
}

}  // namespace norm_direction

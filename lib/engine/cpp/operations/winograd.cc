// Convolutions by kernels of 3 x 3 without a stride, zeros all around, by Winograd's products (Lavin and Gray, arXiv
// 1509.09308, section 4): F(4 x 4, 3 x 3) in float32, with 36 products where 144 are written out, F(2 x 2, 3 x 3) in
// bfloat16, to which the larger one's transforms lose too much, with 16 for 36. Each image is cut into tiles of so many
// outputs; each place of their transforms is a matrix product over the channels. In bfloat16 where the processor
// multiplies such numbers; the gradient by the weights is multiplied in float32 in either type.

#include <string.h>

#include <algorithm>

#include "instructions.h"
#include "kernel.h"
#include "operations.h"
#include "room.h"
#include "threads.h"

namespace norm_direction {
namespace {

// Outputs on a side of a tile.
template <typename Number>
constexpr int kTileOf = 0;
template <>
constexpr int kTileOf<float> = 4;
template <>
constexpr int kTileOf<BFloat16> = 2;

constexpr int Side(int tile) { return tile + 2; }
constexpr int Places(int tile) { return Side(tile) * Side(tile); }

// A group's channels are neighbours in every pixel.
struct Image {
  int height, width, channels;
  // Numbers from one pixel to the next: the channels of all groups.
  int64_t pixel;
  // Outputs on a side of a tile.
  int tile;

  int64_t line() const { return width * pixel; }
  int64_t size() const { return height * line(); }
  int down() const { return (height + tile - 1) / tile; }
  int across() const { return (width + tile - 1) / tile; }
  int64_t tiles() const { return static_cast<int64_t>(down()) * across(); }
};

// Neighbours in a row of tiles: from `first` to before `end`.
struct Tiles {
  int down, first, end;
};

// What is done to a convolution's result before it is written; pointers may be null.
template <typename Number>
struct Ending {
  const Number* bias;
  const Number* residual;
  bool relu;
};

template <typename Number>
struct Loops {
  void (*weights)(const Number* weights, int begin, int end, int inputs, int outputs, Number* u, int64_t place);
  void (*turned)(const Number* weights, int begin, int end, int inputs, int outputs, Number* u, int64_t place);
  void (*input)(const Number* image, const Image& side, Tiles tiles, const Number* zeros, Number* v, int64_t place);
  void (*output)(const float* m, int64_t place, const Image& side, Tiles tiles, const Ending<Number>& ending,
                 int64_t image, Number* y);
  void (*multiply)(const Number* v, const Number* u, int tiles, int inputs, int outputs, float* m);
};

// Computed in float32 of numbers of either type.
template <typename Number>
struct GradientLoops {
  void (*input)(const Number* image, const Image& side, Tiles tiles, const Number* zeros, float* v, int64_t place);
  void (*gradient)(const Number* image, const Image& side, Tiles tiles, const Number* zeros, float* v, int64_t place);
  void (*multiply_into)(const float* v, const float* g, int tiles, int inputs, int outputs, float* u);
  void (*back)(const float* u, int64_t place, int input, int inputs, int outputs, float* weights);
};

#define LOOPS "winograd.inc"
#define LOOPS_WITH_PAIRS
#include "instruction_sets.inc"

// Null where the processor has none of the instructions.
template <typename Number>
const Loops<Number>* Chosen();

template <>
const Loops<float>* Chosen() {
  return FASTEST(kLoops<float>);
}

template <>
const Loops<BFloat16>* Chosen() {
  return WITH_PAIRS(kLoops<BFloat16>, nullptr);
}

template <typename Number>
const GradientLoops<Number>* ChosenForGradient() {
  return FASTEST(kGradientLoops<Number>);
}

TF_DataType TypeOf(const float*) { return TF_FLOAT; }
TF_DataType TypeOf(const BFloat16*) { return TF_BFLOAT16; }

// Tiles whose transforms lie in the processor's cache at once; half of them is a multiple of each kRows.
constexpr int kTiles = 48;
// Blocks of tiles for a thread, of which none that is late keeps the others waiting long.
constexpr int kBlocks = 8;
// Channels are taken by so many.
constexpr int kChannels = 16;
bool Fits(int64_t channels) { return channels > 0 && channels % kChannels == 0; }
// Numbers that all threads sum up in together: with many threads and channels fewer of them take part.
constexpr int64_t kMostSums = int64_t{1} << 26;

// From one place to the next, of so many rows of channels: more than a power of two, so that they do not meet in the
// same lines of the cache, by whole ones.
int64_t Place(int64_t rows, int64_t channels) { return rows * channels + 2 * kChannels; }

// Calls work(image, tiles, place in the block) for the neighbours among the tiles from `begin` to before `end`.
template <typename Work>
void EachRow(const Image& side, int64_t begin, int64_t end, Work work) {
  for (int64_t tile = begin; tile < end;) {
    const int64_t row = tile / side.across();
    const int first = static_cast<int>(tile % side.across());
    const int count = static_cast<int>(std::min<int64_t>(side.across() - first, end - tile));
    work(row / side.down(), Tiles{static_cast<int>(row % side.down()), first, first + count}, tile - begin);
    tile += count;
  }
}

Image ImageOf(const std::vector<int64_t>& shape, int tile, int64_t groups = 1) {
  return {static_cast<int>(shape[1]), static_cast<int>(shape[2]), static_cast<int>(shape[3] / groups), shape[3], tile};
}

struct Attributes {
  int count;
  bool relu, turned;
};

template <typename Number>
void Convolution(void* kernel, TF_OpKernelContext* context) {
  const Attributes& attributes = *static_cast<Attributes*>(kernel);
  Run run(context);
  const Tensor x = run.Input(0), w = run.Input(1);
  if (!run.ok()) return;
  const std::vector<int64_t> shape = x.shape(), kernels = w.shape();
  run.Require(shape.size() == 4 && kernels.size() == 4 && kernels[0] == 3 && kernels[1] == 3 && Fits(kernels[2]) &&
                  Fits(kernels[3]),
              "needs images and kernels of 3 x 3, with channels by sixteen");
  if (!run.ok()) return;
  // As TensorFlow does, the groups are read off the kernels' depth.
  const int64_t depth = kernels[attributes.turned ? 3 : 2], all_outputs = kernels[attributes.turned ? 2 : 3];
  const int64_t groups = std::max<int64_t>(1, shape[3] / depth);
  run.Require(shape[3] == groups * depth && all_outputs % groups == 0 && Fits(all_outputs / groups) &&
                  (groups == 1 || !attributes.turned),
              "the kernels do not fit the image's channels");
  if (!run.ok()) return;
  const Image in = ImageOf(shape, kTileOf<Number>, groups);
  std::vector<int64_t> result = shape;
  result[3] = all_outputs;
  const Image out = ImageOf(result, kTileOf<Number>, groups);
  const Tensor y = run.Output(0, TypeOf(static_cast<const Number*>(nullptr)), result);
  std::vector<Tensor> more;
  for (int index = 0; index < attributes.count; ++index) more.push_back(run.Input(2 + index));
  if (!run.ok()) return;
  run.Require((more.empty() || more[0].size() == all_outputs) && (more.size() < 2 || more[1].shape() == result),
              "the bias or the residual does not fit");
  if (!run.ok()) return;
  const Ending<Number> ending = {more.empty() ? nullptr : more[0].data<Number>(),
                                 more.size() < 2 ? nullptr : more[1].data<Number>(), attributes.relu};

  constexpr int kPlaces = Places(kTileOf<Number>);
  static thread_local Room<Number> transformed;
  const int inputs = static_cast<int>(kernels[2]), outputs = static_cast<int>(kernels[3]);
  const int64_t apart = Place(inputs, outputs);
  Number* u = transformed.Of(kPlaces * apart);
  const int64_t all = shape[0] * in.tiles();
  const int most = all < int64_t{kBlocks} * kTiles * ThreadCount() ? kTiles / 2 : kTiles;
  // One without any tile where there is no image.
  const int blocks = static_cast<int>(groups) * std::max(1, static_cast<int>((all + most - 1) / most));
  const Loops<Number>& loops = *Chosen<Number>();
  InParallel(
      blocks,
      [&](int index) {
        const auto transform = attributes.turned ? loops.turned : loops.weights;
        const int64_t parts = inputs / kChannels;
        transform(w.data<Number>(), static_cast<int>(parts * index / blocks) * kChannels,
                  static_cast<int>(parts * (index + 1) / blocks) * kChannels, inputs, outputs, u, apart);
      },
      [] {},
      [&](int index) {
        static thread_local Room<Number> input, zeros;
        static thread_local Room<float> product;
        const int64_t group = index % groups, begin = index / groups * most, end = std::min(all, begin + most);
        const int64_t read = group * in.channels, written = group * out.channels;
        const Ending<Number> here = {ending.bias == nullptr ? nullptr : ending.bias + written,
                                     ending.residual == nullptr ? nullptr : ending.residual + written, ending.relu};
        const int64_t from = Place(kTiles, in.channels), to = Place(kTiles, out.channels);
        Number* v = input.Of(kPlaces * from);
        float* m = product.Of(kPlaces * to);
        const Number* nothing = zeros.Of(in.line());
        EachRow(in, begin, end, [&](int64_t image, Tiles tiles, int64_t place) {
          loops.input(x.data<Number>() + image * in.size() + read, in, tiles, nothing, v + place * in.channels, from);
        });
        for (int p = 0; p < kPlaces; ++p) {
          loops.multiply(v + p * from, u + p * apart + written * in.channels,
                         static_cast<int>(end - begin), in.channels, out.channels, m + p * to);
        }
        EachRow(out, begin, end, [&](int64_t image, Tiles tiles, int64_t place) {
          loops.output(m + place * out.channels, to, out, tiles, here, image * out.size(), y.data<Number>() + written);
        });
      });
}

template <typename Number>
void Gradient(void*, TF_OpKernelContext* context) {
  Run run(context);
  const Tensor x = run.Input(0), gradient = run.Input(1);
  if (!run.ok()) return;
  const std::vector<int64_t> shape = x.shape(), other = gradient.shape();
  run.Require(shape.size() == 4 && other.size() == 4 && std::equal(shape.begin(), shape.begin() + 3, other.begin()) &&
                  Fits(shape[3]) && Fits(other[3]),
              "the gradient is not of this input's output, or channels are not by sixteen");
  if (!run.ok()) return;
  const Image in = ImageOf(shape, kTileOf<float>), out = ImageOf(other, kTileOf<float>);
  const Tensor weights = run.Output(0, TF_FLOAT, {3, 3, in.channels, out.channels});
  if (!run.ok()) return;

  constexpr int kPlaces = Places(kTileOf<float>);
  static thread_local Room<float> all_sums;
  const int64_t all = shape[0] * in.tiles();
  const int64_t apart = Place(in.channels, out.channels), size = kPlaces * apart;
  const int64_t most = std::max<int64_t>(1, std::min<int64_t>(ThreadCount(), kMostSums / size));
  const int parts = static_cast<int>(std::clamp<int64_t>((all + kTiles - 1) / kTiles, 1, most));
  float* sums = all_sums.Of(size * parts);
  const GradientLoops<Number>& loops = *ChosenForGradient<Number>();
  InParallel(
      parts,
      [&](int index) {
        static thread_local Room<float> input, outer;
        static thread_local Room<Number> zeros;
        const int64_t from = Place(kTiles, in.channels), to = Place(kTiles, out.channels);
        float *v = input.Of(kPlaces * from), *g = outer.Of(kPlaces * to), *sum = sums + index * size;
        const Number* nothing = zeros.Of(std::max(in.line(), out.line()));
        memset(sum, 0, size * sizeof(float));
        const int64_t last = all * (index + 1) / parts;
        for (int64_t begin = all * index / parts; begin < last; begin += kTiles) {
          const int64_t end = std::min(last, begin + kTiles);
          EachRow(in, begin, end, [&](int64_t image, Tiles tiles, int64_t place) {
            loops.input(x.data<Number>() + image * in.size(), in, tiles, nothing, v + place * in.channels, from);
            loops.gradient(gradient.data<Number>() + image * out.size(), out, tiles, nothing, g + place * out.channels,
                           to);
          });
          for (int p = 0; p < kPlaces; ++p) {
            loops.multiply_into(v + p * from, g + p * to, static_cast<int>(end - begin), in.channels, out.channels,
                                sum + p * apart);
          }
        }
      },
      [] {},
      [&](int index) {
        const int begin = in.channels * index / parts, end = in.channels * (index + 1) / parts;
        const int64_t row = out.channels;
        for (int part = 1; part < parts; ++part) {
          for (int p = 0; p < kPlaces; ++p) {
            float* sum = sums + p * apart;
            for (int64_t i = begin * row; i < end * row; ++i) sum[i] += sum[part * size + i];
          }
        }
        for (int i = begin; i < end; ++i) loops.back(sums, apart, i, in.channels, out.channels, weights.data<float>());
      });
}

void* Make(TF_OpKernelConstruction* construction) {
  return new Attributes{static_cast<int>(IntAttribute(construction, "count")), BoolAttribute(construction, "relu"),
                        BoolAttribute(construction, "turned")};
}

void Destroy(void* kernel) { delete static_cast<Attributes*>(kernel); }

}  // namespace

void RegisterWinograd() {
  if (Chosen<float>() == nullptr) return;
  const std::vector<const char*> attributes = {"count: int >= 0", "relu: bool", "turned: bool"};
  const bool fresh =
      RegisterOperation({"NormDirectionWinograd", {"x: float", "weights: float", "more: count * float"}, {"y: float"},
                         attributes}) &&
      RegisterOperation({"NormDirectionWinogradGradient",
                         {"x: T", "gradient: T"},
                         {"weights: float"},
                         {"T: {float, bfloat16}"}});
  if (!fresh) return;
  RegisterKernel("NormDirectionWinograd", Make, Convolution<float>, Destroy);
  const TF_DataType types[2] = {TF_FLOAT, TF_BFLOAT16};
  RegisterKernel("NormDirectionWinogradGradient", Nothing, Gradient<float>, Leave, &types[0]);
  RegisterKernel("NormDirectionWinogradGradient", Nothing, Gradient<BFloat16>, Leave, &types[1]);
  if (Chosen<BFloat16>() == nullptr) return;
  RegisterOperation({"NormDirectionWinogradBFloat16",
                     {"x: bfloat16", "weights: bfloat16", "more: count * bfloat16"},
                     {"y: bfloat16"},
                     attributes});
  RegisterKernel("NormDirectionWinogradBFloat16", Make, Convolution<BFloat16>, Destroy);
}

}  // namespace norm_direction

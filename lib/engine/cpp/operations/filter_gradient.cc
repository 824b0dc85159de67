// The gradient of a convolution by its weights in bfloat16, summed up in float32, for processors with AVX512-BF16.
//
// It is a matrix product over all pixels of the output, for each place in the kernel. The processor multiplies pairs
// of bfloat16 numbers, so that pixels are taken in pairs: a word holds a channel of both. Images are packed so in
// groups that the processor's cache holds, and each thread takes its share of the images.

#include <stdlib.h>
#include <string.h>

#include <algorithm>
#include <memory>

#ifdef __x86_64__
#include <immintrin.h>
#endif

#include "operations.h"
#include "kernel.h"
#include "threads.h"

namespace norm_direction {
namespace {

struct Attributes {
  int height, width, stride, padding;
};

// A convolution of `images` images: [height, width, inputs] to [rows, columns, outputs].
struct Geometry {
  int64_t images;
  int height, width, inputs;
  int rows, columns, outputs;
  Attributes kernel;

  int pairs() const { return columns / 2; }
  int64_t weights() const {
    return static_cast<int64_t>(kernel.height) * kernel.width * inputs * outputs;
  }
};

#if defined(__x86_64__) && __GNUC__ >= 10

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,fma,prefer-vector-width=512")

#define INLINE inline __attribute__((always_inline))

constexpr int kLanes = 16;
// Pairs of pixels in a group of images: their packed gradients of 64 channels are 256 KiB.
constexpr int kGroupPairs = 1024;

// Room that a thread keeps.
uint32_t* Room(std::unique_ptr<uint32_t, decltype(&free)>& room, size_t& size, size_t wanted) {
  if (size < wanted) {
    size = (wanted + kLanes - 1) / kLanes * kLanes;
    room.reset(static_cast<uint32_t*>(aligned_alloc(64, size * sizeof(uint32_t))));
  }
  return room.get();
}

// The pixels that meet the kernel's column `across`, in pairs: [inputs / kInputs][image][height][pair][kInputs].
template <int kInputs>
INLINE void PackInput(const uint16_t* x, const Geometry& g, int images, int across, int64_t tile, uint32_t* to) {
  alignas(16) static const uint16_t nothing[8] = {};
  for (int64_t row = 0; row < static_cast<int64_t>(images) * g.height; ++row) {
    const uint16_t* pixels = x + row * g.width * g.inputs;
    for (int pair = 0; pair < g.pairs(); ++pair) {
      const int left = 2 * pair * g.kernel.stride + across - g.kernel.padding, right = left + g.kernel.stride;
      const bool has_left = left >= 0 && left < g.width, has_right = right >= 0 && right < g.width;
      const uint16_t* one = has_left ? pixels + static_cast<int64_t>(left) * g.inputs : nothing;
      const uint16_t* two = has_right ? pixels + static_cast<int64_t>(right) * g.inputs : nothing;
      const int one_step = has_left ? 8 : 0, two_step = has_right ? 8 : 0;
      uint32_t* place = to + (row * g.pairs() + pair) * kInputs;
      for (int c = 0; c < g.inputs; c += 8, one += one_step, two += two_step) {
        const __m128i a = _mm_loadu_si128(reinterpret_cast<const __m128i*>(one));
        const __m128i b = _mm_loadu_si128(reinterpret_cast<const __m128i*>(two));
        uint32_t* low = place + (c / kInputs) * tile + c % kInputs;
        uint32_t* high = place + ((c + 4) / kInputs) * tile + (c + 4) % kInputs;
        _mm_store_si128(reinterpret_cast<__m128i*>(low), _mm_unpacklo_epi16(a, b));
        _mm_store_si128(reinterpret_cast<__m128i*>(high), _mm_unpackhi_epi16(a, b));
      }
    }
  }
}

// The output's gradients in pairs of pixels: [outputs / panel][image][row][pair][panel].
INLINE void PackGradient(const uint16_t* gradient, const Geometry& g, int images, int panel, uint32_t* to) {
  const int64_t all = static_cast<int64_t>(images) * g.rows * g.pairs();
  for (int64_t pair = 0; pair < all; ++pair) {
    const uint16_t* one = gradient + 2 * pair * g.outputs;
    const uint16_t* two = one + g.outputs;
    for (int c = 0; c < g.outputs; c += kLanes) {
      const __m512i a = _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(one + c)));
      const __m512i b = _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(two + c)));
      _mm512_store_si512(to + (c / panel) * all * panel + pair * panel + c % panel,
                         _mm512_or_si512(a, _mm512_slli_epi32(b, 16)));
    }
  }
}

// For one place in the kernel: kInputs inputs by kVectors * 16 outputs of the weights' gradient.
template <int kInputs, int kVectors>
INLINE void Tile(const Geometry& g, int images, int down, const uint32_t* inputs, const uint32_t* gradients,
                 bool first, float* weights) {
  __m512 sums[kInputs][kVectors];
  for (int i = 0; i < kInputs; ++i) {
    for (int v = 0; v < kVectors; ++v) {
      sums[i][v] = first ? _mm512_setzero_ps() : _mm512_loadu_ps(weights + i * g.outputs + v * kLanes);
    }
  }
  const int stride = g.kernel.stride, above = g.kernel.padding - down;
  // The rows of the output whose row of the input lies in the image.
  const int from = above > 0 ? (above + stride - 1) / stride : 0;
  const int to = std::min(g.rows, (g.height - 1 + above) / stride + 1);
  // Without a stride all rows lie one after the other.
  const int runs = stride == 1 ? 1 : to - from, run = stride == 1 ? (to - from) * g.pairs() : g.pairs();
  for (int image = 0; image < images; ++image) {
    for (int r = 0; r < runs; ++r) {
      const int64_t row = from + r;
      const uint32_t* a =
          inputs + (static_cast<int64_t>(image) * g.height + row * stride - above) * g.pairs() * kInputs;
      const uint32_t* b =
          gradients + (static_cast<int64_t>(image) * g.rows + row) * g.pairs() * kVectors * kLanes;
      for (int pair = 0; pair < run; ++pair) {
        __m512bh outputs[kVectors];
        for (int v = 0; v < kVectors; ++v) outputs[v] = (__m512bh)_mm512_load_si512(b + v * kLanes);
        for (int i = 0; i < kInputs; ++i) {
          const __m512bh input = (__m512bh)_mm512_set1_epi32(static_cast<int>(a[i]));
          for (int v = 0; v < kVectors; ++v) {
            sums[i][v] = _mm512_dpbf16_ps(sums[i][v], outputs[v], input);
          }
        }
        a += kInputs;
        b += kVectors * kLanes;
      }
    }
  }
  for (int i = 0; i < kInputs; ++i) {
    for (int v = 0; v < kVectors; ++v) _mm512_storeu_ps(weights + i * g.outputs + v * kLanes, sums[i][v]);
  }
}

// Sixteen sums are under way at once, enough to hide how long one takes.
template <int kVectors>
void Share(const Geometry& g, const uint16_t* x, const uint16_t* gradient, int64_t begin, int64_t end,
           float* weights) {
  constexpr int kInputs = 16 / kVectors, kPanel = kVectors * kLanes;
  thread_local std::unique_ptr<uint32_t, decltype(&free)> inputs(nullptr, &free), gradients(nullptr, &free);
  thread_local size_t inputs_size = 0, gradients_size = 0;
  const int most = std::max(1, kGroupPairs / (g.rows * g.pairs()));
  if (begin == end) memset(weights, 0, g.weights() * sizeof(float));
  for (int64_t image = begin; image < end; image += most) {
    const int images = static_cast<int>(std::min<int64_t>(most, end - image));
    // Apart by more than a power of two, so that the tiles do not meet in the same lines of the cache.
    const int64_t tile = static_cast<int64_t>(images) * g.height * g.pairs() * kInputs + kLanes;
    const int64_t column = tile * (g.inputs / kInputs);
    const int64_t panel = static_cast<int64_t>(images) * g.rows * g.pairs() * kPanel;
    uint32_t* a = Room(inputs, inputs_size, column * g.kernel.width);
    uint32_t* b = Room(gradients, gradients_size, panel * (g.outputs / kPanel));
    for (int across = 0; across < g.kernel.width; ++across) {
      PackInput<kInputs>(x + image * g.height * g.width * g.inputs, g, images, across, tile, a + across * column);
    }
    PackGradient(gradient + image * g.rows * g.columns * g.outputs, g, images, kPanel, b);
    for (int c = 0; c < g.outputs / kPanel; ++c) {
      for (int down = 0; down < g.kernel.height; ++down) {
        for (int across = 0; across < g.kernel.width; ++across) {
          for (int i = 0; i < g.inputs / kInputs; ++i) {
            const int64_t place = static_cast<int64_t>(down * g.kernel.width + across) * g.inputs + i * kInputs;
            Tile<kInputs, kVectors>(g, images, down, a + across * column + i * tile, b + c * panel,
                                    image == begin, weights + place * g.outputs + c * kPanel);
          }
        }
      }
    }
  }
}

#pragma GCC pop_options

bool Supported() {
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx512bf16") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}

typedef void (*ShareOf)(const Geometry&, const uint16_t*, const uint16_t*, int64_t, int64_t, float*);

ShareOf ChooseShare(int outputs) {
  if (outputs % 64 == 0) return Share<4>;
  return outputs % 32 == 0 ? Share<2> : Share<1>;
}

#else

bool Supported() { return false; }

typedef void (*ShareOf)(const Geometry&, const uint16_t*, const uint16_t*, int64_t, int64_t, float*);

ShareOf ChooseShare(int) { return nullptr; }

#endif

void Gradient(void* kernel, TF_OpKernelContext* context) {
  const Attributes& attributes = *static_cast<Attributes*>(kernel);
  Run run(context);
  const Tensor x = run.Input(0), gradient = run.Input(1);
  if (!run.ok()) return;
  const std::vector<int64_t> in = x.shape(), out = gradient.shape();
  run.Require(in.size() == 4 && out.size() == 4 && in[0] == out[0], "the gradient is not of this input's output");
  if (!run.ok()) return;
  const Geometry g = {in[0],
                      static_cast<int>(in[1]),
                      static_cast<int>(in[2]),
                      static_cast<int>(in[3]),
                      static_cast<int>(out[1]),
                      static_cast<int>(out[2]),
                      static_cast<int>(out[3]),
                      attributes};
  const auto fits = [&](int side, int kernel_side, int result) {
    return (side + 2 * attributes.padding - kernel_side) / attributes.stride + 1 == result;
  };
  run.Require(fits(g.height, attributes.height, g.rows) && fits(g.width, attributes.width, g.columns),
              "the gradient is not of this input's output");
  run.Require(g.columns % 2 == 0 && g.inputs % 16 == 0 && g.outputs % 16 == 0,
              "pixels are taken in pairs, channels by sixteen");
  const Tensor weights = run.Output(0, TF_FLOAT, {attributes.height, attributes.width, g.inputs, g.outputs});
  if (!run.ok()) return;
  const ShareOf share = ChooseShare(g.outputs);
  const int threads = ThreadCount();
  const int64_t size = g.weights();
  std::vector<float> others(size * (threads - 1));
  float* sum = weights.data<float>();
  InParallel(
      threads,
      [&](int index) {
        share(g, x.data<uint16_t>(), gradient.data<uint16_t>(), g.images * index / threads,
              g.images * (index + 1) / threads, index == 0 ? sum : others.data() + (index - 1) * size);
      },
      [] {},
      [&](int index) {
        for (int other = 1; other < threads; ++other) {
          const float* added = others.data() + (other - 1) * size;
          for (int64_t i = size * index / threads; i < size * (index + 1) / threads; ++i) sum[i] += added[i];
        }
      });
}

void* Make(TF_OpKernelConstruction* construction) {
  return new Attributes{static_cast<int>(IntAttribute(construction, "height")),
                        static_cast<int>(IntAttribute(construction, "width")),
                        static_cast<int>(IntAttribute(construction, "stride")),
                        static_cast<int>(IntAttribute(construction, "padding"))};
}

void Destroy(void* kernel) { delete static_cast<Attributes*>(kernel); }

}  // namespace

// Only where the processor can: whoever asks for the operation looks whether it is there.
void RegisterFilterGradient() {
  if (!Supported()) return;
  const bool fresh = RegisterOperation({"NormDirectionFilterGradient",
                                        {"x: bfloat16", "gradient: bfloat16"},
                                        {"weights: float"},
                                        {"height: int >= 1", "width: int >= 1", "stride: int >= 1",
                                         "padding: int >= 0"}});
  if (fresh) RegisterKernel("NormDirectionFilterGradient", Make, Gradient, Destroy);
}

}  // namespace norm_direction

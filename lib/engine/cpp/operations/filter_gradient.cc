// The gradient of a convolution by its weights, summed up in float32, for processors with AVX512.
//
// It is a matrix product over all pixels of the output, for each place in the kernel. In bfloat16 the processor
// multiplies pairs of numbers, so that pixels are taken in pairs there, and one word holds a channel of both; in
// float32 a word is a channel of one pixel. Images are packed in groups that the processor's cache holds, and each
// thread takes its share of the images.

#include <string.h>

#include <algorithm>
#include <iterator>
#include <memory>

#ifdef __x86_64__
#include <immintrin.h>
#endif

#include "operations.h"
#include "kernel.h"
#include "room.h"
#include "threads.h"
#include "window.h"

namespace norm_direction {
namespace {

struct Geometry : Convolved {
  int words;  // in a row of the output: its columns, or pairs of them
};

template <typename Number>
using Share = void (*)(const Geometry&, const Number* x, const Number* gradient, int64_t begin, int64_t end,
                       float* weights);

#if defined(__x86_64__) && __GNUC__ >= 10

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,fma,prefer-vector-width=512")

#define INLINE inline __attribute__((always_inline))

constexpr int kLanes = 16;
// Words of a row in a group of images: their packed gradients of 64 channels are 256 KiB.
constexpr int kGroupWords = 1024;

alignas(16) const uint32_t kNothing[4] = {};

// A channel's place in [inputs / kInputs][word][kInputs], the first two axes being apart by `tile` and kInputs.
template <int kInputs>
INLINE uint32_t* PlaceOf(uint32_t* word, int channel, int64_t tile) {
  return word + (channel / kInputs) * tile + channel % kInputs;
}

INLINE __m128i Four(const void* from) { return _mm_loadu_si128(static_cast<const __m128i*>(from)); }
INLINE void PutFour(uint32_t* to, __m128i words) { _mm_store_si128(reinterpret_cast<__m128i*>(to), words); }

// What a word of the output's row meets in a row of the input, `first` being its first column there.
template <int kInputs>
INLINE void PackWord(const float* pixels, const Geometry& g, int first, int64_t tile, uint32_t* to) {
  const bool inside = first >= 0 && first < g.width;
  const float* from = pixels + static_cast<int64_t>(first) * g.inputs;
  for (int c = 0; c < g.inputs; c += 4) {
    PutFour(PlaceOf<kInputs>(to, c, tile), inside ? Four(from + c) : Four(kNothing));
  }
}

template <int kInputs>
INLINE void PackWord(const BFloat16* pixels, const Geometry& g, int first, int64_t tile, uint32_t* to) {
  const int second = first + g.kernel.stride;
  const bool has_first = first >= 0 && first < g.width, has_second = second >= 0 && second < g.width;
  const BFloat16* one = pixels + static_cast<int64_t>(first) * g.inputs;
  const BFloat16* two = pixels + static_cast<int64_t>(second) * g.inputs;
  for (int c = 0; c < g.inputs; c += 8) {
    const __m128i a = has_first ? Four(one + c) : Four(kNothing), b = has_second ? Four(two + c) : Four(kNothing);
    PutFour(PlaceOf<kInputs>(to, c, tile), _mm_unpacklo_epi16(a, b));
    PutFour(PlaceOf<kInputs>(to, c + 4, tile), _mm_unpackhi_epi16(a, b));
  }
}

constexpr int Columns(const float*) { return 1; }
constexpr int Columns(const BFloat16*) { return 2; }

// The pixels that meet the kernel's column `across`: [inputs / kInputs][image][height][word][kInputs].
template <int kInputs, typename Number>
INLINE void PackInput(const Number* x, const Geometry& g, int images, int across, int64_t tile, uint32_t* to) {
  for (int64_t row = 0; row < static_cast<int64_t>(images) * g.height; ++row) {
    const Number* pixels = x + row * g.width * g.inputs;
    for (int word = 0; word < g.words; ++word, to += kInputs) {
      const int column = Columns(x) * word * g.kernel.stride + across - g.kernel.padding;
      PackWord<kInputs>(pixels, g, column, tile, to);
    }
  }
}

INLINE __m512i Sixteen(const float* from, int) { return _mm512_loadu_si512(from); }

INLINE __m512i Sixteen(const BFloat16* from, int next) {
  const auto wide = [](const BFloat16* half) __attribute__((always_inline)) {
    return _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(half)));
  };
  return _mm512_or_si512(wide(from), _mm512_slli_epi32(wide(from + next), 16));
}

// The output's gradients: [outputs / panel][image][row][word][panel].
template <typename Number>
INLINE void PackGradient(const Number* gradient, const Geometry& g, int images, int panel, uint32_t* to) {
  const int64_t all = static_cast<int64_t>(images) * g.rows * g.words;
  for (int64_t word = 0; word < all; ++word) {
    const Number* from = gradient + Columns(gradient) * word * g.outputs;
    for (int c = 0; c < g.outputs; c += kLanes) {
      _mm512_store_si512(to + (c / panel) * all * panel + word * panel + c % panel, Sixteen(from + c, g.outputs));
    }
  }
}

INLINE __m512 Added(__m512 sum, __m512i outputs, uint32_t input, const float*) {
  return _mm512_fmadd_ps((__m512)outputs, (__m512)_mm512_set1_epi32(static_cast<int>(input)), sum);
}

INLINE __m512 Added(__m512 sum, __m512i outputs, uint32_t input, const BFloat16*) {
  return _mm512_dpbf16_ps(sum, (__m512bh)outputs, (__m512bh)_mm512_set1_epi32(static_cast<int>(input)));
}

// For one place in the kernel: kInputs inputs by kVectors * 16 outputs of the weights' gradient, over a group.
template <int kInputs, int kVectors, typename Number>
INLINE void Tile(const Geometry& g, int images, int down, const uint32_t* inputs, const uint32_t* gradients,
                 bool first, float* weights) {
  __m512 sums[kInputs][kVectors];
  for (int i = 0; i < kInputs; ++i) {
    for (int v = 0; v < kVectors; ++v) sums[i][v] = _mm512_setzero_ps();
  }
  const int stride = g.kernel.stride, above = g.kernel.padding - down;
  // The rows of the output whose row of the input lies in the image; none where the kernel's row is below it.
  const int last = g.height - 1 + above;
  const int from = above > 0 ? (above + stride - 1) / stride : 0;
  const int to = last < 0 ? from : std::min(g.rows, last / stride + 1);
  // Without a stride all rows lie one after the other.
  const int runs = stride == 1 ? 1 : to - from, run = stride == 1 ? (to - from) * g.words : g.words;
  for (int image = 0; image < images; ++image) {
    for (int r = 0; r < runs; ++r) {
      const int64_t row = from + r;
      const uint32_t* a =
          inputs + (static_cast<int64_t>(image) * g.height + row * stride - above) * g.words * kInputs;
      const uint32_t* b = gradients + (static_cast<int64_t>(image) * g.rows + row) * g.words * kVectors * kLanes;
      for (int word = 0; word < run; ++word) {
        __m512i outputs[kVectors];
        for (int v = 0; v < kVectors; ++v) outputs[v] = _mm512_load_si512(b + v * kLanes);
        for (int i = 0; i < kInputs; ++i) {
          for (int v = 0; v < kVectors; ++v) {
            sums[i][v] = Added(sums[i][v], outputs[v], a[i], static_cast<const Number*>(nullptr));
          }
        }
        a += kInputs;
        b += kVectors * kLanes;
      }
    }
  }
  for (int i = 0; i < kInputs; ++i) {
    for (int v = 0; v < kVectors; ++v) {
      float* place = weights + i * g.outputs + v * kLanes;
      _mm512_storeu_ps(place, first ? sums[i][v] : _mm512_add_ps(_mm512_loadu_ps(place), sums[i][v]));
    }
  }
}

// Sixteen sums are under way at once, enough to hide how long one takes.
template <int kVectors, typename Number>
void ShareOf(const Geometry& g, const Number* x, const Number* gradient, int64_t begin, int64_t end,
             float* weights) {
  constexpr int kInputs = 16 / kVectors, kPanel = kVectors * kLanes;
  static thread_local Room<uint32_t> inputs, gradients;
  const int most = std::max(1, kGroupWords / (g.rows * g.words));
  if (begin == end) memset(weights, 0, g.weights() * sizeof(float));
  for (int64_t image = begin; image < end; image += most) {
    const int images = static_cast<int>(std::min<int64_t>(most, end - image));
    // Apart by more than a power of two, so that the tiles do not meet in the same lines of the cache.
    const int64_t tile = static_cast<int64_t>(images) * g.height * g.words * kInputs + kLanes;
    const int64_t column = tile * (g.inputs / kInputs);
    const int64_t panel = static_cast<int64_t>(images) * g.rows * g.words * kPanel;
    uint32_t* a = inputs.Of(column * g.kernel.width);
    uint32_t* b = gradients.Of(panel * (g.outputs / kPanel));
    for (int across = 0; across < g.kernel.width; ++across) {
      PackInput<kInputs>(x + image * g.height * g.width * g.inputs, g, images, across, tile, a + across * column);
    }
    PackGradient(gradient + image * g.rows * g.columns * g.outputs, g, images, kPanel, b);
    for (int c = 0; c < g.outputs / kPanel; ++c) {
      for (int down = 0; down < g.kernel.height; ++down) {
        for (int across = 0; across < g.kernel.width; ++across) {
          for (int i = 0; i < g.inputs / kInputs; ++i) {
            const int64_t place = static_cast<int64_t>(down * g.kernel.width + across) * g.inputs + i * kInputs;
            Tile<kInputs, kVectors, Number>(g, images, down, a + across * column + i * tile, b + c * panel,
                                            image == begin, weights + place * g.outputs + c * kPanel);
          }
        }
      }
    }
  }
}

#pragma GCC pop_options

bool Has(const float*) {
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("fma");
}

bool Has(const BFloat16*) { return Has(static_cast<const float*>(nullptr)) && __builtin_cpu_supports("avx512bf16"); }

template <typename Number>
Share<Number> Choose(int outputs) {
  if (outputs % 64 == 0) return ShareOf<4, Number>;
  return outputs % 32 == 0 ? ShareOf<2, Number> : ShareOf<1, Number>;
}

#else

constexpr int Columns(const float*) { return 1; }
constexpr int Columns(const BFloat16*) { return 2; }
bool Has(const void*) { return false; }

template <typename Number>
Share<Number> Choose(int) {
  return nullptr;
}

#endif

template <typename Number>
void Gradient(void* kernel, TF_OpKernelContext* context) {
  Run run(context);
  const Tensor x = run.Input(0), gradient = run.Input(1);
  if (!run.ok()) return;
  const Convolved convolved = ConvolvedOf(run, *static_cast<Window*>(kernel), x.shape(), gradient.shape());
  if (!run.ok()) return;
  const int columns = Columns(static_cast<const Number*>(nullptr));
  const Geometry g = {convolved, convolved.columns / columns};
  run.Require(g.columns % columns == 0 && g.inputs % 16 == 0 && g.outputs % 16 == 0,
              "channels are taken by sixteen, and in bfloat16 pixels in pairs");
  const Tensor weights = run.Output(0, TF_FLOAT, {g.kernel.height, g.kernel.width, g.inputs, g.outputs});
  if (!run.ok()) return;
  const Share<Number> share = Choose<Number>(g.outputs);
  const int threads = ThreadCount();
  const int64_t size = g.weights();
  std::unique_ptr<float[]> others(new float[size * (threads - 1)]);
  float* sum = weights.data<float>();
  InParallel(
      threads,
      [&](int index) {
        share(g, x.data<Number>(), gradient.data<Number>(), g.images * index / threads,
              g.images * (index + 1) / threads, index == 0 ? sum : others.get() + (index - 1) * size);
      },
      [] {},
      [&](int index) {
        for (int other = 1; other < threads; ++other) {
          const float* added = others.get() + (other - 1) * size;
          for (int64_t i = size * index / threads; i < size * (index + 1) / threads; ++i) sum[i] += added[i];
        }
      });
}

// One operation for each type: whoever asks for it looks whether it is there.
template <typename Number>
void RegisterFor(const char* name, const char* x, const char* gradient) {
  if (!Has(static_cast<const Number*>(nullptr))) return;
  const bool fresh = RegisterOperation(
      {name, {x, gradient}, {"weights: float"}, {std::begin(kWindowAttributes), std::end(kWindowAttributes)}});
  if (fresh) RegisterKernel(name, MakeWindow, Gradient<Number>, DestroyWindow);
}

}  // namespace

void RegisterFilterGradient() {
  RegisterFor<float>("NormDirectionFilterGradient", "x: float", "gradient: float");
  RegisterFor<BFloat16>("NormDirectionFilterGradientBFloat16", "x: bfloat16", "gradient: bfloat16");
}

}  // namespace norm_direction

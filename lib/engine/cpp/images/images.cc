// A Node add-on that makes images ready, in threads too: decodes parts of JPEGs by the libjpeg-turbo inside of
// TensorFlow, scales images by given kernels, and cuts and normalises those of a batch.

#include <node_api.h>
#include <string.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "tensorflow/core/lib/jpeg/jpeg_mem.h"

namespace {

constexpr int kChannels = 3;
// Chroma between the pixels of its own, smaller grid is taken from the neighbours, which an edge of what is decoded
// lacks.
constexpr int kMargin = 2;

// Fractional bits of a kernel's weights.
constexpr int kPrecision = 22;
constexpr int32_t kHalf = 1 << (kPrecision - 1);

// Loops that the compiler turns, at -O3, into vector instructions of the processor at hand.
#if defined(__x86_64__) && defined(__GNUC__)
#define FOR_EACH_PROCESSOR __attribute__((target_clones("avx2", "default")))
#else
#define FOR_EACH_PROCESSOR
#endif

struct Box {
  int32_t left, top, width, height;
};

template <typename Number>
struct Numbers {
  Number* data = nullptr;
  size_t length = 0;
};

// The numbers of a typed array of this kind.
template <typename Number>
bool Read(napi_env env, napi_value value, napi_typedarray_type wanted, Numbers<Number>* numbers) {
  napi_typedarray_type type;
  void* data = nullptr;
  if (napi_get_typedarray_info(env, value, &type, &numbers->length, &data, nullptr, nullptr) != napi_ok) return false;
  numbers->data = static_cast<Number*>(data);
  return type == wanted;
}

bool Read(napi_env env, napi_value value, int32_t* number) {
  return napi_get_value_int32(env, value, number) == napi_ok;
}

// New bytes for JavaScript.
napi_value Bytes(napi_env env, size_t length, uint8_t** data) {
  void* memory = nullptr;
  napi_value buffer, bytes;
  if (napi_create_arraybuffer(env, length, &memory, &buffer) != napi_ok ||
      napi_create_typedarray(env, napi_uint8_array, length, buffer, 0, &bytes) != napi_ok) {
    return nullptr;
  }
  *data = static_cast<uint8_t*>(memory);
  return bytes;
}

// decode(bytes, left, top, width, height): the box in RGB, or undefined where libjpeg finds anything to say.
napi_value Decode(napi_env env, napi_callback_info info) {
  napi_value given[5];
  size_t count = 5;
  Numbers<uint8_t> bytes;
  Box box;
  if (napi_get_cb_info(env, info, &count, given, nullptr, nullptr) != napi_ok || count != 5 ||
      !Read(env, given[0], napi_uint8_array, &bytes) || !Read(env, given[1], &box.left) ||
      !Read(env, given[2], &box.top) || !Read(env, given[3], &box.width) || !Read(env, given[4], &box.height)) {
    napi_throw_type_error(env, nullptr, "decode takes bytes and four whole numbers");
    return nullptr;
  }
  const int length = static_cast<int>(bytes.length);
  int width = 0;
  int height = 0;
  if (!tensorflow::jpeg::GetImageInfo(bytes.data, length, &width, &height, nullptr)) return nullptr;
  if (box.left < 0 || box.top < 0 || box.width < 1 || box.height < 1 || box.width > width - box.left ||
      box.height > height - box.top) {
    return nullptr;
  }

  tensorflow::jpeg::UncompressFlags flags;
  flags.components = kChannels;
  flags.dct_method = JDCT_ISLOW;
  flags.crop = true;
  flags.crop_x = std::max(0, box.left - kMargin);
  flags.crop_y = std::max(0, box.top - kMargin);
  flags.crop_width = std::min(width, box.left + box.width + kMargin) - flags.crop_x;
  flags.crop_height = std::min(height, box.top + box.height + kMargin) - flags.crop_y;
  std::unique_ptr<uint8_t[]> pixels;
  int64_t warnings = 0;
  const uint8_t* decoded = tensorflow::jpeg::Uncompress(
      bytes.data, length, flags, &warnings, [&pixels](int columns, int rows, int channels) {
        pixels.reset(new uint8_t[static_cast<size_t>(columns) * rows * channels]);
        return pixels.get();
      });
  if (decoded == nullptr || warnings > 0) return nullptr;

  const size_t row = static_cast<size_t>(box.width) * kChannels;
  const size_t from = static_cast<size_t>(flags.crop_width) * kChannels;
  decoded += (box.top - flags.crop_y) * from + (box.left - flags.crop_x) * kChannels;
  uint8_t* to = nullptr;
  napi_value result = Bytes(env, row * box.height, &to);
  if (result == nullptr) return nullptr;
  for (int32_t y = 0; y < box.height; ++y) memcpy(to + y * row, decoded + y * from, row);
  return result;
}

// Of each output, `step` numbers apart: the first input that counts, how many do, and their weights.
struct Kernel {
  const int32_t* numbers;
  int32_t step;
  int32_t first(int32_t output) const { return numbers[output * step]; }
  int32_t taps(int32_t output) const { return numbers[output * step + 1]; }
  int32_t end(int32_t output) const { return first(output) + taps(output); }
  const int32_t* weights(int32_t output) const { return numbers + output * step + 2; }
};

typedef int32_t Sums __attribute__((vector_size(16)));
typedef uint32_t Words __attribute__((vector_size(16)));

uint8_t ToByte(int32_t fixed) { return static_cast<uint8_t>(std::min(255, std::max(0, fixed >> kPrecision))); }

// A row scaled across: the outputs from `left` on. A pixel is read together with the byte after it, up to `end`.
FOR_EACH_PROCESSOR
void Across(const uint8_t* row, const uint8_t* end, Kernel kernel, int32_t left, int32_t width, uint8_t* to) {
  for (int32_t output = left; output < left + width; ++output, to += kChannels) {
    const uint8_t* from = row + kernel.first(output) * kChannels;
    const int32_t* weights = kernel.weights(output);
    const int32_t taps = kernel.taps(output);
    Sums sums = {kHalf, kHalf, kHalf, 0};
    for (int32_t tap = 0; tap < taps; ++tap, from += kChannels) {
      uint32_t pixel = 0;
      if (end - from > kChannels) {
        memcpy(&pixel, from, kChannels + 1);
      } else {
        memcpy(&pixel, from, kChannels);
      }
      const Words levels = (Words{pixel, pixel, pixel, pixel} >> Words{0, 8, 16, 24}) & 255;
      sums += (Sums)levels * weights[tap];
    }
    for (int channel = 0; channel < kChannels; ++channel) to[channel] = ToByte(sums[channel]);
  }
}

// One row of `length` bytes out of rows that lie one after the other.
FOR_EACH_PROCESSOR
void Down(const uint8_t* __restrict rows, const int32_t* weights, int32_t taps, size_t length,
          int32_t* __restrict sums, uint8_t* __restrict to) {
  std::fill(sums, sums + length, kHalf);
  for (int32_t tap = 0; tap < taps; ++tap, rows += length) {
    const int32_t weight = weights[tap];
    for (size_t at = 0; at < length; ++at) sums[at] += rows[at] * weight;
  }
  for (size_t at = 0; at < length; ++at) to[at] = ToByte(sums[at]);
}

// scale(pixels, [pixels in a row, left, top, step across, step down, window's left, top, width, height], across, down):
// what lies to the right of and below (left, top), scaled by the kernels; of the result only the window.
napi_value Scale(napi_env env, napi_callback_info info) {
  napi_value given[4];
  size_t count = 4;
  Numbers<uint8_t> pixels;
  Numbers<int32_t> shape, columns, rows;
  if (napi_get_cb_info(env, info, &count, given, nullptr, nullptr) != napi_ok || count != 4 ||
      !Read(env, given[0], napi_uint8_array, &pixels) || !Read(env, given[1], napi_int32_array, &shape) ||
      !Read(env, given[2], napi_int32_array, &columns) || !Read(env, given[3], napi_int32_array, &rows) ||
      shape.length != 9) {
    napi_throw_type_error(env, nullptr, "scale takes pixels, nine numbers and two kernels");
    return nullptr;
  }
  const int32_t* n = shape.data;
  const int32_t left = n[1], top = n[2];
  const Kernel across = {columns.data, n[3]}, down = {rows.data, n[4]};
  const Box window = {n[5], n[6], n[7], n[8]};
  const int32_t right = window.left + window.width - 1, bottom = window.top + window.height - 1;
  const size_t stride = static_cast<size_t>(n[0]) * kChannels;
  if (static_cast<size_t>(right + 1) * across.step > columns.length ||
      static_cast<size_t>(bottom + 1) * down.step > rows.length || left + across.end(right) > n[0] ||
      (top + down.end(bottom)) * stride > pixels.length) {
    napi_throw_range_error(env, nullptr, "scale would read outside of the image");
    return nullptr;
  }

  const size_t length = static_cast<size_t>(window.width) * kChannels;
  const int32_t first = down.first(window.top);
  // Kept: memory that is new for each image costs more than the sums in it.
  thread_local std::vector<uint8_t> between;
  thread_local std::vector<int32_t> sums;
  between.resize(std::max(between.size(), length * (down.end(bottom) - first)));
  sums.resize(std::max(sums.size(), length));
  const uint8_t* end = pixels.data + pixels.length;
  for (int32_t y = first; y < down.end(bottom); ++y) {
    Across(pixels.data + (top + y) * stride + left * kChannels, end, across, window.left, window.width,
           between.data() + (y - first) * length);
  }
  uint8_t* to = nullptr;
  napi_value result = Bytes(env, length * window.height, &to);
  if (result == nullptr) return nullptr;
  for (int32_t y = window.top; y <= bottom; ++y, to += length) {
    Down(between.data() + (down.first(y) - first) * length, down.weights(y), down.taps(y), length, sums.data(), to);
  }
  return result;
}

constexpr int kLevels = 256;
constexpr int kPlace = 4;

// normalise(pixels, [image, left, top, mirrored] of each of the batch, numbers of all levels for each channel,
// [height, width], to): each image moved by (left, top), black beside it, then mirrored.
napi_value Normalise(napi_env env, napi_callback_info info) {
  napi_value given[5];
  size_t count = 5;
  Numbers<uint8_t> pixels;
  Numbers<int32_t> places, shape;
  Numbers<float> numbers, to;
  if (napi_get_cb_info(env, info, &count, given, nullptr, nullptr) != napi_ok || count != 5 ||
      !Read(env, given[0], napi_uint8_array, &pixels) || !Read(env, given[1], napi_int32_array, &places) ||
      !Read(env, given[2], napi_float32_array, &numbers) || !Read(env, given[3], napi_int32_array, &shape) ||
      !Read(env, given[4], napi_float32_array, &to) || numbers.length != kChannels * kLevels || shape.length != 2) {
    napi_throw_type_error(env, nullptr, "normalise takes pixels, places, 768 numbers, two sides and room");
    return nullptr;
  }
  const int64_t height = shape.data[0], width = shape.data[1];
  const size_t size = static_cast<size_t>(height * width) * kChannels, images = places.length / kPlace;
  const float *red = numbers.data, *green = red + kLevels, *blue = green + kLevels;
  bool fits = height >= 0 && width >= 0 && to.length == images * size;
  for (size_t i = 0; fits && i < images; ++i) {
    const int32_t image = places.data[i * kPlace];
    fits = image >= 0 && (image + size_t{1}) * size <= pixels.length;
  }
  if (!fits) {
    napi_throw_range_error(env, nullptr, "normalise would read or write outside of the images");
    return nullptr;
  }
  for (size_t i = 0; i < images; ++i) {
    const int32_t* place = places.data + i * kPlace;
    const int64_t left = place[1], top = place[2];
    const bool mirrored = place[3] != 0;
    const uint8_t* image = pixels.data + place[0] * size;
    float* written = to.data + i * size;
    if (left != 0 || top != 0) {
      for (size_t at = 0; at < size; at += kChannels) {
        written[at] = red[0], written[at + 1] = green[0], written[at + 2] = blue[0];
      }
    }
    const int64_t first = std::max<int64_t>(0, left), last = std::min(width, width + left);
    const int step = mirrored ? -kChannels : kChannels;
    for (int64_t y = std::max<int64_t>(0, top); y < std::min(height, height + top); ++y) {
      const uint8_t* from = image + (y * width + first) * kChannels;
      const int64_t column = mirrored ? width - 1 - (first - left) : first - left;
      float* at = written + ((y - top) * width + column) * kChannels;
      for (int64_t x = first; x < last; ++x, from += kChannels, at += step) {
        at[0] = red[from[0]], at[1] = green[from[1]], at[2] = blue[from[2]];
      }
    }
  }
  return nullptr;
}

}  // namespace

NAPI_MODULE_INIT() {
  const napi_property_descriptor functions[] = {
      {"decode", nullptr, Decode, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"scale", nullptr, Scale, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"normalise", nullptr, Normalise, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
  };
  napi_define_properties(env, exports, 3, functions);
  return exports;
}

#include "batch_norm_loops.h"

#include <string.h>

#ifdef __x86_64__
#include <immintrin.h>
#endif

#include "instructions.h"

namespace norm_direction {

namespace plain {
constexpr int kLanes = 4;
#include "numbers.inc"
#include "batch_norm_loops.inc"
}  // namespace plain

#ifdef __x86_64__

#pragma GCC push_options
#pragma GCC target("avx2,fma")
namespace avx2 {
constexpr int kLanes = 8;
#include "numbers.inc"
#include "batch_norm_loops.inc"
}  // namespace avx2
#pragma GCC pop_options

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,fma,prefer-vector-width=512")
namespace avx512 {
constexpr int kLanes = 16;
#include "numbers.inc"
#include "batch_norm_loops.inc"
}  // namespace avx512
#pragma GCC pop_options

#if __GNUC__ >= 10
#define BFLOAT16_INSTRUCTION
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,fma,prefer-vector-width=512")
namespace avx512bf16 {
constexpr int kLanes = 16;
#include "numbers.inc"
#include "batch_norm_loops.inc"
}  // namespace avx512bf16
#pragma GCC pop_options
#endif

#endif

namespace {

template <typename Number>
const BatchNormLoops<Number>& Choose() {
#ifdef __x86_64__
  if (HasAvx512()) {
#ifdef BFLOAT16_INSTRUCTION
    if (__builtin_cpu_supports("avx512bf16")) return avx512bf16::kLoops<Number>;
#endif
    return avx512::kLoops<Number>;
  }
  if (HasAvx2()) return avx2::kLoops<Number>;
#endif
  return plain::kLoops<Number>;
}

}  // namespace

template <>
const BatchNormLoops<float>& Loops<float>() {
  static const BatchNormLoops<float>& chosen = Choose<float>();
  return chosen;
}

template <>
const BatchNormLoops<BFloat16>& Loops<BFloat16>() {
  static const BatchNormLoops<BFloat16>& chosen = Choose<BFloat16>();
  return chosen;
}

}  // namespace norm_direction

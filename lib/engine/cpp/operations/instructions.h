// Which sets of instructions this processor has, of those that loops are compiled for (instruction_sets.inc).

#pragma once

// For what instruction_sets.inc compiles inside of a namespace.
#include <string.h>

#ifdef __x86_64__
#include <immintrin.h>

namespace norm_direction {

inline bool HasAvx2() {
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

inline bool HasAvx512() {
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}

#if __GNUC__ >= 10
// It multiplies pairs of bfloat16 numbers.
inline bool HasAvx512BFloat16() { return HasAvx512() && __builtin_cpu_supports("avx512bf16"); }
#endif

}  // namespace norm_direction

#endif

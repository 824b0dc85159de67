#include "batch_norm_loops.h"

#include "instructions.h"

namespace norm_direction {

namespace {

#define LOOPS "batch_norm_loops.inc"
#define LOOPS_FOR_ALL
#define LOOPS_WITH_PAIRS
#include "instruction_sets.inc"

}  // namespace

template <>
const BatchNormLoops<float>& Loops<float>() {
  static const BatchNormLoops<float>& chosen = *FASTEST(kLoops<float>);
  return chosen;
}

template <>
const BatchNormLoops<BFloat16>& Loops<BFloat16>() {
  static const BatchNormLoops<BFloat16>& chosen = *FASTEST(kLoops<BFloat16>);
  return chosen;
}

}  // namespace norm_direction

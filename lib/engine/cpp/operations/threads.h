// A pool of threads for this package's operations: TensorFlow's own cannot be reached through its C
// interface.

#pragma once

#include <functional>

namespace norm_direction {

// Runs task(0) ... task(count - 1), each once, on the calling thread and the pool's; returns when all
// are done. The order is not fixed: what they write must not depend on it.
void InParallel(int count, const std::function<void(int)>& task);

// The same with `first`, then `between` once on the calling thread, then the same with `second`. The threads
// stay awake in between.
void InParallel(int count, const std::function<void(int)>& first, const std::function<void()>& between,
                const std::function<void(int)>& second);

}  // namespace norm_direction

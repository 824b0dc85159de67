// One pool of threads for this package's operations and, through ShareThreads, for TensorFlow's.

#pragma once

#include <stdint.h>

#include <functional>

namespace norm_direction {

// How many threads compute one operation, the calling one included: as many as TensorFlow takes.
int ThreadCount();

// Runs `task` on a thread of the pool, soon. Tasks that wait for each other may wait for ever.
void Schedule(std::function<void()> task);

// The number of this thread in the pool, or -1 on any other.
int PoolThread();

// Runs task(0) ... task(count - 1), each once, on the calling thread and the pool's; returns when all
// are done. The order is not fixed: what they write must not depend on it.
void InParallel(int count, const std::function<void(int)>& task);

// The same with `first`, then `between` once on the calling thread, then the same with `second`. The threads
// stay awake in between.
void InParallel(int count, const std::function<void(int)>& first, const std::function<void()>& between,
                const std::function<void(int)>& second);

// The same with work(first, count) for consecutive parts of so many numbers; the parts depend on that number alone.
void EachPart(int64_t numbers, const std::function<void(int64_t, int64_t)>& work);

// About so many numbers are a part.
constexpr int64_t kPart = 32768;

}  // namespace norm_direction

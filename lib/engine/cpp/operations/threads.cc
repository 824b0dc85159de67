#include "threads.h"

#include <sched.h>
#include <stdint.h>
#include <stdlib.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace norm_direction {
namespace {

// As many as TensorFlow takes for one operation.
int ThreadCount() {
  const char* chosen = getenv("TF_NUM_INTRAOP_THREADS");
  if (chosen != nullptr && atoi(chosen) > 0) return atoi(chosen);
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof(allowed), &allowed) == 0) return CPU_COUNT(&allowed);
  return static_cast<int>(std::thread::hardware_concurrency());
}

// Waits for what another thread is about to do: awake for some microseconds, then giving way to others.
template <typename Condition>
void Await(Condition holds) {
  for (int turn = 0; !holds(); ++turn) {
    if (turn > 2000) std::this_thread::yield();
#ifdef __x86_64__
    __builtin_ia32_pause();
#endif
  }
}

// Counts up to `count` by whoever comes, and knows when all that were taken are done.
class Share {
 public:
  void Reset() {
    next_.store(0);
    done_.store(0);
  }

  void Work(const std::function<void(int)>& task, int count) {
    for (int index; (index = next_.fetch_add(1)) < count;) {
      task(index);
      done_.fetch_add(1);
    }
  }

  bool Done(int count) const { return done_.load() == count; }

 private:
  std::atomic<int> next_{0};
  std::atomic<int> done_{0};
};

struct Job {
  int count;
  const std::function<void(int)>* first;
  const std::function<void(int)>* second;  // may be null
};

class Pool {
 public:
  // Never destroyed: its threads sleep until the process ends.
  static Pool& Instance() {
    static Pool* pool = new Pool(ThreadCount() - 1);
    return *pool;
  }

  void Run(const Job& job, const std::function<void()>& between) {
    std::lock_guard<std::mutex> one_at_a_time(callers_);
    if (helpers_ == 0 || job.count < 2) {
      RunAlone(job, between);
      return;
    }
    {
      std::lock_guard<std::mutex> lock(mutex_);
      job_ = job;
      first_.Reset();
      second_.Reset();
      between_done_.store(false);
      working_.store(helpers_);
      ++round_;
    }
    wake_.notify_all();
    first_.Work(*job.first, job.count);
    if (job.second != nullptr) {
      Await([&] { return first_.Done(job.count); });
      between();
      between_done_.store(true);
      second_.Work(*job.second, job.count);
    }
    Await([this] { return working_.load() == 0; });
  }

 private:
  explicit Pool(int helpers) : helpers_(helpers > 0 ? helpers : 0) {
    for (int index = 0; index < helpers_; ++index) {
      std::thread([this] { Loop(); }).detach();
    }
  }

  static void RunAlone(const Job& job, const std::function<void()>& between) {
    for (int index = 0; index < job.count; ++index) (*job.first)(index);
    if (job.second == nullptr) return;
    between();
    for (int index = 0; index < job.count; ++index) (*job.second)(index);
  }

  void Loop() {
    uint64_t seen = 0;
    for (;;) {
      Job job;
      {
        std::unique_lock<std::mutex> lock(mutex_);
        wake_.wait(lock, [&] { return round_ != seen; });
        seen = round_;
        job = job_;
      }
      first_.Work(*job.first, job.count);
      if (job.second != nullptr) {
        Await([this] { return between_done_.load(); });
        second_.Work(*job.second, job.count);
      }
      working_.fetch_sub(1);
    }
  }

  const int helpers_;
  std::mutex callers_;
  std::mutex mutex_;
  std::condition_variable wake_;
  Job job_{};
  uint64_t round_ = 0;
  Share first_, second_;
  std::atomic<bool> between_done_{false};
  std::atomic<int> working_{0};
};

}  // namespace

void InParallel(int count, const std::function<void(int)>& task) {
  Pool::Instance().Run({count, &task, nullptr}, [] {});
}

void InParallel(int count, const std::function<void(int)>& first, const std::function<void()>& between,
                const std::function<void(int)>& second) {
  Pool::Instance().Run({count, &first, &second}, between);
}

}  // namespace norm_direction

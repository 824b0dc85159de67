#include "threads.h"

#include <sched.h>
#include <stdlib.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

namespace norm_direction {
namespace {

thread_local int pool_thread = -1;

void Pause() {
#ifdef __x86_64__
  __builtin_ia32_pause();
#endif
}

// Waits for what another thread is about to do: awake for some microseconds, then giving way to others.
template <typename Condition>
void Await(Condition holds) {
  for (int turn = 0; !holds(); ++turn) {
    if (turn > 2000) std::this_thread::yield();
    Pause();
  }
}

// Threads that stay awake for a moment after a task, since a training step is thousands of short ones and
// waking a thread takes longer than many of them. One less than there are processors does so, as the calling
// thread computes too; one more sleeps until all others are taken, for tasks that no caller takes part in.
class Pool {
 public:
  // Never destroyed: its threads sleep until the process ends.
  static Pool& Instance() {
    static Pool* pool = new Pool(ThreadCount());
    return *pool;
  }

  void Schedule(std::function<void()> task) {
    {
      std::lock_guard<SpinLock> lock(queue_);
      tasks_.push_back(std::move(task));
      waiting_.store(static_cast<int>(tasks_.size()));
    }
    if (waiting_.load() <= awake_.load() || asleep_.load() == 0) return;
    // Once it has the lock, a thread that was about to sleep has seen the task or hears the call.
    { std::lock_guard<std::mutex> lock(sleep_); }
    wake_.notify_one();
  }

 private:
  class SpinLock {
   public:
    void lock() {
      Await([this] { return !taken_.test_and_set(std::memory_order_acquire); });
    }
    void unlock() { taken_.clear(std::memory_order_release); }

   private:
    std::atomic_flag taken_ = ATOMIC_FLAG_INIT;
  };

  // Some 200 microseconds.
  static constexpr int kAwakeTurns = 20000;

  explicit Pool(int count) {
    for (int index = 0; index < count; ++index) {
      const bool spins = index + 1 < count;
      std::thread([this, index, spins] {
        pool_thread = index;
        Loop(spins ? kAwakeTurns : 0);
      }).detach();
    }
  }

  void Loop(int awake_turns) {
    for (std::function<void()> task;;) {
      bool taken = Take(task);
      if (!taken && awake_turns > 0) {
        awake_.fetch_add(1);
        for (int turn = 0; turn < awake_turns && !(taken = Take(task)); ++turn) Pause();
        awake_.fetch_sub(1);
      }
      if (taken) {
        task();
        task = nullptr;
        continue;
      }
      std::unique_lock<std::mutex> lock(sleep_);
      asleep_.fetch_add(1);
      wake_.wait(lock, [this] { return waiting_.load() > 0; });
      asleep_.fetch_sub(1);
    }
  }

  bool Take(std::function<void()>& task) {
    if (waiting_.load() == 0) return false;
    std::lock_guard<SpinLock> lock(queue_);
    if (tasks_.empty()) return false;
    task = std::move(tasks_.front());
    tasks_.pop_front();
    waiting_.store(static_cast<int>(tasks_.size()));
    return true;
  }

  SpinLock queue_;
  std::deque<std::function<void()>> tasks_;
  std::atomic<int> waiting_{0}, awake_{0}, asleep_{0};
  std::mutex sleep_;
  std::condition_variable wake_;
};

// Counts up to `count` by whoever comes, and knows when all that were taken are done.
class Share {
 public:
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

// What the caller and its helpers share. A helper that comes late finds nothing left and touches no task: the
// caller, to whom the tasks belong, may be gone by then.
struct Job {
  Job(int tasks, const std::function<void(int)>* one, const std::function<void(int)>* two)
      : count(tasks), first(one), second(two) {}

  const int count;
  const std::function<void(int)>* const first;
  const std::function<void(int)>* const second;  // may be null
  Share first_share, second_share;
  std::atomic<bool> between_done{false};
};

void Help(Job& job) {
  job.first_share.Work(*job.first, job.count);
  if (job.second == nullptr) return;
  Await([&job] { return job.between_done.load(); });
  job.second_share.Work(*job.second, job.count);
}

void Run(int count, const std::function<void(int)>* first, const std::function<void()>& between,
         const std::function<void(int)>* second) {
  const auto job = std::make_shared<Job>(count, first, second);
  const int helpers = std::min(ThreadCount(), count) - 1;
  for (int helper = 0; helper < helpers; ++helper) Pool::Instance().Schedule([job] { Help(*job); });
  job->first_share.Work(*first, count);
  Await([&job, count] { return job->first_share.Done(count); });
  if (second == nullptr) return;
  between();
  job->between_done.store(true);
  job->second_share.Work(*second, count);
  Await([&job, count] { return job->second_share.Done(count); });
}

int CountThreads() {
  const char* chosen = getenv("TF_NUM_INTRAOP_THREADS");
  if (chosen != nullptr && atoi(chosen) > 0) return atoi(chosen);
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof(allowed), &allowed) == 0) return CPU_COUNT(&allowed);
  return static_cast<int>(std::thread::hardware_concurrency());
}

}  // namespace

int ThreadCount() {
  static const int count = CountThreads();
  return count;
}

int PoolThread() { return pool_thread; }

void Schedule(std::function<void()> task) { Pool::Instance().Schedule(std::move(task)); }

void InParallel(int count, const std::function<void(int)>& task) {
  Run(count, &task, [] {}, nullptr);
}

void InParallel(int count, const std::function<void(int)>& first, const std::function<void()>& between,
                const std::function<void(int)>& second) {
  Run(count, &first, between, &second);
}

void EachPart(int64_t numbers, const std::function<void(int64_t, int64_t)>& work) {
  InParallel(static_cast<int>((numbers + kPart - 1) / kPart), [&](int part) {
    const int64_t first = part * kPart;
    work(first, std::min(kPart, numbers - first));
  });
}

}  // namespace norm_direction

// Gives this package's pool of threads to TensorFlow's own operations on the CPU. The C interface has no way to
// do that, so that this file alone uses TensorFlow's C++ headers, those of the library that it is linked to.

#define EIGEN_USE_THREADS
#include "unsupported/Eigen/CXX11/Tensor"

#include "tensorflow/core/framework/device_base.h"
#include "tensorflow/core/framework/op_kernel.h"
#include "xla/tsl/platform/threadpool.h"
#include "xla/tsl/platform/threadpool_interface.h"

#include "operations.h"
#include "kernel.h"
#include "threads.h"

namespace norm_direction {
namespace {

class SharedPool : public tsl::thread::ThreadPoolInterface {
 public:
  void Schedule(std::function<void()> task) override { norm_direction::Schedule(std::move(task)); }
  int NumThreads() const override { return ThreadCount(); }
  int CurrentThreadId() const override { return PoolThread(); }
};

// A second time does nothing. The device lives as long as the process, and so do its threads.
bool ShareWith(tensorflow::DeviceBase* device) {
  static tensorflow::DeviceBase::CpuWorkerThreads shared;
  const auto* own = device->tensorflow_cpu_worker_threads();
  if (own == &shared) return true;
  if (own == nullptr || own->num_threads != ThreadCount() || ThreadCount() < 2) return false;
  auto* pool = new SharedPool;
  shared.num_threads = ThreadCount();
  shared.workers = new tsl::thread::ThreadPool(pool);
  device->set_tensorflow_cpu_worker_threads(&shared);
  device->set_eigen_cpu_device(new Eigen::ThreadPoolDevice(pool, ThreadCount()));
  return true;
}

void Share(void*, TF_OpKernelContext* context) {
  // What TensorFlow's C interface does itself to get at its own type.
  auto* device = reinterpret_cast<tensorflow::OpKernelContext*>(context)->device();
  const bool shared = ShareWith(device);
  Run run(context);
  const Tensor threads = run.Output(0, TF_INT32, {});
  if (run.ok()) threads.data<int32_t>()[0] = shared ? ThreadCount() : 0;
}

}  // namespace

void RegisterShareThreads() {
  if (RegisterOperation({"NormDirectionShareThreads", {}, {"threads: int32"}, {}})) {
    RegisterKernel("NormDirectionShareThreads", Nothing, Share, Leave, nullptr);
  }
}

}  // namespace norm_direction

// A thin cover over TensorFlow's C interface for kernels: what an operation is given, and what it gives.

#pragma once

#include <stdint.h>
#include <string.h>

#include <string>
#include <utility>
#include <vector>

#include "tensorflow_kernels.h"
#include "tensorflow/c/ops.h"

namespace norm_direction {

// The upper half of a float's bits.
struct BFloat16 {
  uint16_t bits;
};

inline float Float(float value) { return value; }
inline float Float(BFloat16 value) {
  const uint32_t bits = static_cast<uint32_t>(value.bits) << 16;
  float number;
  memcpy(&number, &bits, sizeof(number));
  return number;
}

class Status {
 public:
  Status() : status_(TF_NewStatus()) {}
  ~Status() { TF_DeleteStatus(status_); }
  Status(const Status&) = delete;
  Status& operator=(const Status&) = delete;
  TF_Status* get() const { return status_; }
  bool ok() const { return TF_GetCode(status_) == TF_OK; }

 private:
  TF_Status* status_;
};

class Tensor {
 public:
  explicit Tensor(TF_Tensor* tensor) : tensor_(tensor) {}
  ~Tensor() {
    if (tensor_ != nullptr) TF_DeleteTensor(tensor_);
  }
  Tensor(Tensor&& other) noexcept : tensor_(std::exchange(other.tensor_, nullptr)) {}
  Tensor(const Tensor&) = delete;
  Tensor& operator=(const Tensor&) = delete;

  template <typename Number>
  Number* data() const {
    return static_cast<Number*>(TF_TensorData(tensor_));
  }
  int64_t size() const { return TF_TensorElementCount(tensor_); }
  TF_DataType type() const { return TF_TensorType(tensor_); }
  std::vector<int64_t> shape() const {
    std::vector<int64_t> sizes(TF_NumDims(tensor_));
    for (size_t axis = 0; axis < sizes.size(); ++axis) sizes[axis] = TF_Dim(tensor_, axis);
    return sizes;
  }

 private:
  TF_Tensor* tensor_;
};

// One run of an operation. A failure is told to TensorFlow, and what follows it must not be used.
class Run {
 public:
  explicit Run(TF_OpKernelContext* context) : context_(context) {}

  bool ok() const { return status_.ok(); }

  Tensor Input(int index) {
    TF_Tensor* tensor = nullptr;
    if (ok()) TF_GetInput(context_, index, &tensor, status_.get());
    Report();
    return Tensor(tensor);
  }

  Tensor Output(int index, TF_DataType type, const std::vector<int64_t>& shape) {
    size_t bytes = TF_DataTypeSize(type);
    for (int64_t size : shape) bytes *= size;
    TF_Tensor* tensor = nullptr;
    if (ok()) {
      tensor = TF_AllocateOutput(context_, index, type, shape.data(), static_cast<int>(shape.size()),
                                 bytes, status_.get());
    }
    Report();
    return Tensor(tensor);
  }

  void Require(bool holds, const char* otherwise) {
    if (!ok() || holds) return;
    TF_SetStatus(status_.get(), TF_INVALID_ARGUMENT, otherwise);
    Report();
  }

  int inputs() const { return TF_NumInputs(context_); }
  int outputs() const { return TF_NumOutputs(context_); }

 private:
  void Report() {
    if (ok() || reported_) return;
    TF_OpKernelContext_Failure(context_, status_.get());
    reported_ = true;
  }

  TF_OpKernelContext* context_;
  Status status_;
  bool reported_ = false;
};

// An operation's definition in TensorFlow's own words ("x: T", "relu: bool").
struct Definition {
  const char* name;
  std::vector<const char*> inputs, outputs, attributes;
};

// Registers the definition. A second registration in one process, of two copies of this package, is refused
// by TensorFlow: false.
bool RegisterOperation(const Definition& definition);

typedef void* (*Create)(TF_OpKernelConstruction*);
typedef void (*Compute)(void*, TF_OpKernelContext*);
typedef void (*Delete)(void*);

// Registers a kernel on the CPU, for numbers of this type where the operation has an attribute T.
void RegisterKernel(const char* name, Create create, Compute compute, Delete destroy,
                    const TF_DataType* number = nullptr);

// For a kernel that keeps nothing from run to run.
inline void* Nothing(TF_OpKernelConstruction*) { return nullptr; }
inline void Leave(void*) {}

// Attributes, while a kernel is made.
bool BoolAttribute(TF_OpKernelConstruction* construction, const char* name);
float FloatAttribute(TF_OpKernelConstruction* construction, const char* name);
int64_t IntAttribute(TF_OpKernelConstruction* construction, const char* name);

}  // namespace norm_direction

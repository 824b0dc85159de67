// A Node add-on: loading it registers this package's operations with the TensorFlow of this process.

#include <node_api.h>

#include "operations.h"
#include "tensorflow/c/c_api.h"

namespace {

// All operations that this TensorFlow knows, as a serialized OpList.
napi_value OperationDefinitions(napi_env env, napi_callback_info) {
  TF_Buffer* list = TF_GetAllOpList();
  void* copy = nullptr;
  napi_value bytes = nullptr;
  if (napi_create_buffer_copy(env, list->length, list->data, &copy, &bytes) != napi_ok) bytes = nullptr;
  TF_DeleteBuffer(list);
  return bytes;
}

}  // namespace

NAPI_MODULE_INIT() {
  norm_direction::RegisterBatchNorm();
  norm_direction::RegisterFilterGradient();
  norm_direction::RegisterInputGradient();
  norm_direction::RegisterMaxPool();
  norm_direction::RegisterOptimisers();
  norm_direction::RegisterPoints();
  norm_direction::RegisterPooling();
  norm_direction::RegisterShareThreads();
  norm_direction::RegisterTokens();
  norm_direction::RegisterWinograd();
  napi_value definitions;
  if (napi_create_function(env, "operationDefinitions", NAPI_AUTO_LENGTH, OperationDefinitions, nullptr,
                           &definitions) == napi_ok) {
    napi_set_named_property(env, exports, "operationDefinitions", definitions);
  }
  return exports;
}

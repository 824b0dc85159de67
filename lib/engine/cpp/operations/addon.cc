// A Node add-on: loading it registers this package's operations with the TensorFlow of this process.

#include <node_api.h>

#include "operations.h"

NAPI_MODULE_INIT() {
  (void)env;
  norm_direction::RegisterBatchNorm();
  norm_direction::RegisterPooling();
  norm_direction::RegisterSgd();
  norm_direction::RegisterShareThreads();
  return exports;
}

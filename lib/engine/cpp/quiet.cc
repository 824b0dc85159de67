// A Node add-on that holds back what is written to standard error while TensorFlow is loaded. Two
// of TensorFlow's notes come from constructors of its libraries, before it looks at
// TF_CPP_MIN_LOG_LEVEL, so that nothing inside of it can silence them.

#include <fcntl.h>
#include <node_api.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include <string>

namespace {

int kept_stderr = -1;
int held = -1;

// start(): from now on standard error goes to memory.
napi_value Start(napi_env, napi_callback_info) {
  if (kept_stderr >= 0) return nullptr;
  held = memfd_create("held-stderr", MFD_CLOEXEC);
  if (held < 0) return nullptr;
  kept_stderr = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
  if (kept_stderr < 0 || dup2(held, STDERR_FILENO) < 0) {
    if (kept_stderr >= 0) close(kept_stderr);
    close(held);
    kept_stderr = held = -1;
  }
  return nullptr;
}

// stop(): standard error is as before; returns what was written to it meanwhile.
napi_value Stop(napi_env env, napi_callback_info) {
  std::string text;
  if (kept_stderr >= 0) {
    fflush(stderr);
    dup2(kept_stderr, STDERR_FILENO);
    close(kept_stderr);
    char part[4096];
    lseek(held, 0, SEEK_SET);
    for (ssize_t count; (count = read(held, part, sizeof(part))) > 0;) text.append(part, count);
    close(held);
    kept_stderr = held = -1;
  }
  napi_value result = nullptr;
  napi_create_string_utf8(env, text.data(), text.size(), &result);
  return result;
}

}  // namespace

NAPI_MODULE_INIT() {
  napi_value function = nullptr;
  napi_create_function(env, "start", NAPI_AUTO_LENGTH, Start, nullptr, &function);
  napi_set_named_property(env, exports, "start", function);
  napi_create_function(env, "stop", NAPI_AUTO_LENGTH, Stop, nullptr, &function);
  napi_set_named_property(env, exports, "stop", function);
  return exports;
}

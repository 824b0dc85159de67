// A Node add-on for the time before TensorFlow is loaded.
//
// It holds back what is written to standard error meanwhile: two of TensorFlow's notes come from constructors of its
// libraries, before it looks at TF_CPP_MIN_LOG_LEVEL, so that nothing inside of it can silence them.
//
// It leaves signals to threads that do not compute. On processors without AVX512 oneDNN's matrix product (its
// jit_avx_gemm_f32, with more than 256 summands) lets the stack pointer stand in its buffer, so that the handler
// of a signal, of Ctrl-C say, writes over the heap's bookkeeping.

#include <fcntl.h>
#include <node_api.h>
#include <signal.h>
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

// leaveSignals(): this thread and those that it starts from now on get no signal from outside. V8's threads, which are
// there already, take them; a program that is started begins with a mask of its own.
napi_value LeaveSignals(napi_env, napi_callback_info) {
  sigset_t outside;
  sigfillset(&outside);
  // Of the thread itself; a profiler asks a thread for its stack by SIGPROF.
  for (int own : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS, SIGPROF}) {
    sigdelset(&outside, own);
  }
  pthread_sigmask(SIG_BLOCK, &outside, nullptr);
  return nullptr;
}

}  // namespace

NAPI_MODULE_INIT() {
  napi_value function = nullptr;
  napi_create_function(env, "start", NAPI_AUTO_LENGTH, Start, nullptr, &function);
  napi_set_named_property(env, exports, "start", function);
  napi_create_function(env, "stop", NAPI_AUTO_LENGTH, Stop, nullptr, &function);
  napi_set_named_property(env, exports, "stop", function);
  napi_create_function(env, "leaveSignals", NAPI_AUTO_LENGTH, LeaveSignals, nullptr, &function);
  napi_set_named_property(env, exports, "leaveSignals", function);
  return exports;
}

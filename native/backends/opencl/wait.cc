#include "backends/opencl/wait.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>

namespace npb::opencl {
namespace {

/// Some drivers lose a callback: the state is looked at this often beside it.
constexpr std::chrono::milliseconds kLookAgain{50};

}  // namespace

struct Waiter::Signal {
  std::mutex mutex;
  std::condition_variable changed;
  bool called = false;
  uint64_t outstanding = 0;  // callbacks that the driver still owes

  static void CL_CALLBACK complete(cl_event, cl_int, void* signal) {
    auto& self = *static_cast<Signal*>(signal);
    const std::lock_guard lock(self.mutex);
    self.called = true;
    --self.outstanding;
    self.changed.notify_one();
  }
};

Waiter::Waiter(const Api& cl, std::chrono::milliseconds limit)
    : cl_(cl), limit_(limit), signal_(new Signal) {}

Waiter::~Waiter() {
  bool owed = false;
  {
    const std::lock_guard lock(signal_->mutex);
    owed = signal_->outstanding > 0;
  }
  if (!owed) delete signal_;
}

Error Waiter::hang_error(const std::string& what) const {
  return {ErrorCode::timeout, what + " didn't finish in " + std::to_string(limit_.count()) +
                                  " ms: the GPU hangs; try again with a smaller --input-length, "
                                  "or --backend vulkan."};
}

Result<void> Waiter::wait(cl_event event, const std::string& what) {
  if (hung_) return hang_error(what);
  std::unique_lock lock(signal_->mutex);
  signal_->called = false;
  ++signal_->outstanding;
  lock.unlock();
  cl_int status = cl_.clSetEventCallback(event, CL_COMPLETE, &Signal::complete, signal_);
  lock.lock();
  if (status != CL_SUCCESS) {
    --signal_->outstanding;
    return opencl_error(status, what);
  }
  const auto deadline = std::chrono::steady_clock::now() + limit_;
  while (true) {
    const auto left = deadline - std::chrono::steady_clock::now();
    signal_->changed.wait_for(lock, std::min<std::chrono::nanoseconds>(kLookAgain, left),
                              [&] { return signal_->called; });
    signal_->called = false;
    // The callback may be of an earlier event, whose state was seen before it came.
    cl_int state = CL_QUEUED;
    lock.unlock();
    status =
        cl_.clGetEventInfo(event, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof state, &state, nullptr);
    lock.lock();
    if (status != CL_SUCCESS) return opencl_error(status, what);
    if (state < 0) return opencl_error(state, what);
    if (state == CL_COMPLETE) return {};
    if (std::chrono::steady_clock::now() >= deadline) {
      hung_ = true;
      return hang_error(what);
    }
  }
}

Result<uint64_t> Event::ns(cl_profiling_info what) const {
  cl_ulong value = 0;
  const cl_int status = cl_.clGetEventProfilingInfo(handle_, what, sizeof value, &value, nullptr);
  if (status != CL_SUCCESS) return opencl_error(status, "Reading the GPU's clock");
  return static_cast<uint64_t>(value);
}

}  // namespace npb::opencl

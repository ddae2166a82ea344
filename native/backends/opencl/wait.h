// Waiting for a device that may never answer.
#pragma once

#include <chrono>
#include <string>

#include "backends/opencl/loader.h"

namespace npb::opencl {

/// Waits for events, each for a bounded time: OpenCL's own waits have no limit, so a driver that
/// hangs would take the process with it. One thread waits at a time.
class Waiter {
 public:
  Waiter(const Api& cl, std::chrono::milliseconds limit);
  ~Waiter();
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;

  /// Until `event` is complete. Errors: timeout, after which hung() holds and every later wait
  /// fails at once; device_lost and others, when the command failed.
  Result<void> wait(cl_event event, const std::string& what);
  bool hung() const { return hung_; }
  /// The error of a device that has hung.
  Error hang_error(const std::string& what) const;

 private:
  struct Signal;
  const Api& cl_;
  std::chrono::milliseconds limit_;
  Signal* signal_;  // left behind while the driver still owes a callback
  bool hung_ = false;
};

/// An event that is released with the object.
class Event {
 public:
  explicit Event(const Api& cl) : cl_(cl) {}
  ~Event() {
    if (handle_) cl_.clReleaseEvent(handle_);
  }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  /// Where an enqueue puts it.
  cl_event* out() { return &handle_; }
  cl_event get() const { return handle_; }
  /// Nanoseconds on the device's own clock.
  Result<uint64_t> ns(cl_profiling_info what) const;

 private:
  const Api& cl_;
  cl_event handle_ = nullptr;
};

}  // namespace npb::opencl

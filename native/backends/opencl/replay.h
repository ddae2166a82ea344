// Launches recorded once and submitted as a whole: cl_khr_command_buffer, or Qualcomm's
// cl_qcom_recordable_queues, behind one interface.
#pragma once

#include <memory>
#include <span>

#include "backends/opencl/loader.h"

namespace npb::opencl {

enum class ReplayKind { none, command_buffer, recording };
const char* name(ReplayKind kind);

struct Launch {
  cl_kernel kernel = nullptr;  // its arguments are set
  size_t global[3] = {1, 1, 1};
  size_t local[3] = {1, 1, 1};
};

class Replay {
 public:
  virtual ~Replay() = default;
  /// Submits all launches, in order, to a queue of the device that they were recorded for.
  virtual cl_int enqueue(cl_command_queue queue) = 0;
};

/// Records `launches`, whose kernels must outlive the replay. `queue` is the one it will be
/// submitted to. Errors: those of the driver, in a sentence.
Result<std::unique_ptr<Replay>> make_replay(ReplayKind kind, const Api& cl, cl_platform_id platform,
                                            cl_device_id device, cl_context context,
                                            cl_command_queue queue,
                                            std::span<const Launch> launches);

}  // namespace npb::opencl

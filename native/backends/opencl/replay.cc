#include "backends/opencl/replay.h"

#include <string>

#include "backends/opencl/command_buffer.h"

namespace npb::opencl {
namespace {

Error refused(cl_int status, const char* what) {
  return {ErrorCode::unsupported, std::string(what) + " failed with " + status_name(status) +
                                      "; launches are submitted one by one instead."};
}

template <class Function>
Result<void> find(const Api& cl, cl_platform_id platform, const char* name, Function& function) {
  function = reinterpret_cast<Function>(cl.extension(platform, name));
  if (function) return {};
  return Error{ErrorCode::unsupported, std::string("The OpenCL driver offers no ") + name +
                                           "; launches are submitted one by one instead."};
}

class CommandBuffer : public Replay {
 public:
  ~CommandBuffer() override {
    if (buffer_) release_(buffer_);
  }

  Result<void> record(const Api& cl, cl_platform_id platform, cl_command_queue queue,
                      std::span<const Launch> launches) {
    CreateCommandBuffer create = nullptr;
    CommandNDRangeKernel command = nullptr;
    FinalizeCommandBuffer finalize = nullptr;
    NPB_TRY(find(cl, platform, "clCreateCommandBufferKHR", create));
    NPB_TRY(find(cl, platform, "clCommandNDRangeKernelKHR", command));
    NPB_TRY(find(cl, platform, "clFinalizeCommandBufferKHR", finalize));
    NPB_TRY(find(cl, platform, "clReleaseCommandBufferKHR", release_));
    NPB_TRY(find(cl, platform, "clEnqueueCommandBufferKHR", enqueue_));
    cl_int status = CL_SUCCESS;
    buffer_ = create(1, &queue, nullptr, &status);
    if (status != CL_SUCCESS) return refused(status, "Making a command buffer");
    // An in-order queue orders the commands too: no synchronisation points.
    for (const Launch& launch : launches) {
      SyncPoint point = 0;
      status = command(buffer_, nullptr, nullptr, launch.kernel, 3, nullptr, launch.global,
                       launch.local, 0, nullptr, &point, nullptr);
      if (status != CL_SUCCESS) return refused(status, "Recording a command buffer");
    }
    status = finalize(buffer_);
    if (status != CL_SUCCESS) return refused(status, "Finishing a command buffer");
    return {};
  }

  cl_int enqueue(cl_command_queue) override {
    return enqueue_(0, nullptr, buffer_, 0, nullptr, nullptr);
  }

 private:
  ReleaseCommandBuffer release_ = nullptr;
  EnqueueCommandBuffer enqueue_ = nullptr;
  CommandBufferHandle buffer_ = nullptr;
};

class Recording : public Replay {
 public:
  explicit Recording(const Api& cl) : cl_(cl) {}
  ~Recording() override {
    if (recording_) release_(recording_);
    if (queue_) cl_.clReleaseCommandQueue(queue_);
  }

  Result<void> record(cl_platform_id platform, cl_device_id device, cl_context context,
                      std::span<const Launch> launches) {
    NewRecording create = nullptr;
    EndRecording end = nullptr;
    NPB_TRY(find(cl_, platform, "clNewRecordingQCOM", create));
    NPB_TRY(find(cl_, platform, "clEndRecordingQCOM", end));
    NPB_TRY(find(cl_, platform, "clReleaseRecordingQCOM", release_));
    NPB_TRY(find(cl_, platform, "clEnqueueRecordingQCOM", enqueue_));
    cl_int status = CL_SUCCESS;
    // A queue of its own that records instead of running; it allows no profiling.
    queue_ = cl_.clCreateCommandQueue(context, device, kQueueRecordable, &status);
    if (status != CL_SUCCESS) return refused(status, "Making a recordable queue");
    recording_ = create(queue_, &status);
    if (status != CL_SUCCESS) return refused(status, "Beginning a recording");
    for (const Launch& launch : launches) {
      status = cl_.clEnqueueNDRangeKernel(queue_, launch.kernel, 3, nullptr, launch.global,
                                          launch.local, 0, nullptr, nullptr);
      if (status != CL_SUCCESS) return refused(status, "Recording a launch");
    }
    status = end(recording_);
    if (status != CL_SUCCESS) return refused(status, "Ending a recording");
    return {};
  }

  cl_int enqueue(cl_command_queue queue) override {
    return enqueue_(queue, recording_, 0, nullptr, 0, nullptr, 0, nullptr, 0, nullptr, 0, nullptr,
                    nullptr);
  }

 private:
  const Api& cl_;
  ReleaseRecording release_ = nullptr;
  EnqueueRecording enqueue_ = nullptr;
  cl_command_queue queue_ = nullptr;
  RecordingHandle recording_ = nullptr;
};

}  // namespace

const char* name(ReplayKind kind) {
  switch (kind) {
    case ReplayKind::command_buffer:
      return "cl_khr_command_buffer";
    case ReplayKind::recording:
      return "cl_qcom_recordable_queues";
    case ReplayKind::none:
      break;
  }
  return "none";
}

Result<std::unique_ptr<Replay>> make_replay(ReplayKind kind, const Api& cl, cl_platform_id platform,
                                            cl_device_id device, cl_context context,
                                            cl_command_queue queue,
                                            std::span<const Launch> launches) {
  if (kind == ReplayKind::command_buffer) {
    auto made = std::make_unique<CommandBuffer>();
    NPB_TRY(made->record(cl, platform, queue, launches));
    return std::unique_ptr<Replay>(std::move(made));
  }
  auto made = std::make_unique<Recording>(cl);
  NPB_TRY(made->record(platform, device, context, launches));
  return std::unique_ptr<Replay>(std::move(made));
}

}  // namespace npb::opencl

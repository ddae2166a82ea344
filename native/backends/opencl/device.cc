#include "backends/opencl/device.h"

#include <algorithm>
#include <cstring>

#include "backends/opencl/source.h"
#include "core/clock.h"

namespace npb::opencl {
namespace {

// cl_qcom_perf_hint, version 1.0.4.
constexpr cl_context_properties kPerformanceHint = 0x40C2, kPerformanceHintHigh = 0x40C3;
constexpr const char* kBuildOptions = "-cl-std=CL1.2 -cl-mad-enable";

struct PushBlock {
  uint32_t words[gpu::kMaxPushWords] = {};
};

struct OpenClList : gpu::RecordedList {
  explicit OpenClList(const Api& api) : cl(api) {}
  ~OpenClList() override {
    for (const Launch& launch : launches) cl.clReleaseKernel(launch.kernel);
    if (program) cl.clReleaseProgram(program);
  }
  struct Launch {
    cl_kernel kernel = nullptr;  // its arguments are set
    size_t global[3] = {1, 1, 1};
    size_t local[3] = {1, 1, 1};
  };
  const Api& cl;
  cl_program program = nullptr;
  std::vector<Launch> launches;
};

}  // namespace

Result<std::unique_ptr<OpenClDevice>> OpenClDevice::open(const PlatformDevice& device,
                                                         std::filesystem::path cache_folder) {
  NPB_TRY_ASSIGN(const Api* cl, api());
  std::unique_ptr<OpenClDevice> opened(new OpenClDevice(*cl, device, std::move(cache_folder)));
  NPB_TRY(opened->initialize());
  return opened;
}

Result<void> OpenClDevice::initialize() {
  cl_int status = CL_SUCCESS;
  std::vector<cl_context_properties> properties = {
      CL_CONTEXT_PLATFORM, reinterpret_cast<cl_context_properties>(platform_.platform)};
  if (platform_.performance_hint)
    properties.insert(properties.end(), {kPerformanceHint, kPerformanceHintHigh});
  properties.push_back(0);
  context_ =
      cl_.clCreateContext(properties.data(), 1, &platform_.device, nullptr, nullptr, &status);
  if (status != CL_SUCCESS)
    return Error{ErrorCode::device_unavailable,
                 "The GPU " + platform_.info.name + " could not be opened (" + status_name(status) +
                     "); close programs that use it, or update its driver."};
  queue_ = cl_.clCreateCommandQueue(context_, platform_.device, CL_QUEUE_PROFILING_ENABLE, &status);
  if (status != CL_SUCCESS) return opencl_error(status, "Creating the command queue");
  return {};
}

OpenClDevice::~OpenClDevice() {
  if (queue_) cl_.clFinish(queue_);
  for (const auto& [key, handle] : sub_buffers_) cl_.clReleaseMemObject(handle);
  for (const Buffer& buffer : buffers_) cl_.clReleaseMemObject(buffer.handle);
  if (queue_) cl_.clReleaseCommandQueue(queue_);
  if (context_) cl_.clReleaseContext(context_);
}

Result<gpu::BufferId> OpenClDevice::create_buffer(uint64_t bytes, gpu::BufferKind kind) {
  if (bytes > platform_.limits.max_allocation_bytes)
    return gpu::out_of_memory(bytes, "CL_DEVICE_MAX_MEM_ALLOC_SIZE",
                              "it gives at most " +
                                  std::to_string(platform_.limits.max_allocation_bytes >> 20) +
                                  " MiB at once");
  Buffer buffer;
  buffer.bytes = bytes;
  cl_int status = CL_SUCCESS;
  buffer.handle = cl_.clCreateBuffer(context_, CL_MEM_READ_WRITE, bytes, nullptr, &status);
  if (status != CL_SUCCESS)
    return gpu::out_of_memory(bytes, status_name(status),
                              gpu::memory_in_all(platform_.info.memory_bytes, held_bytes_));
  held_bytes_ += bytes;
  if (kind == gpu::BufferKind::host_shared) buffer.shadow.resize(bytes);
  buffers_.push_back(std::move(buffer));
  return static_cast<gpu::BufferId>(buffers_.size() - 1);
}

Result<void> OpenClDevice::write(gpu::BufferId buffer, uint64_t offset,
                                 std::span<const std::byte> bytes) {
  const cl_int status = cl_.clEnqueueWriteBuffer(queue_, buffers_[buffer].handle, CL_TRUE, offset,
                                                 bytes.size(), bytes.data(), 0, nullptr, nullptr);
  if (status != CL_SUCCESS) return opencl_error(status, "Copying to the GPU");
  return {};
}

Result<void> OpenClDevice::read(gpu::BufferId buffer, uint64_t offset, std::span<std::byte> bytes) {
  const cl_int status = cl_.clEnqueueReadBuffer(queue_, buffers_[buffer].handle, CL_TRUE, offset,
                                                bytes.size(), bytes.data(), 0, nullptr, nullptr);
  if (status != CL_SUCCESS) return opencl_error(status, "Copying from the GPU");
  return {};
}

std::byte* OpenClDevice::mapped(gpu::BufferId buffer) { return buffers_[buffer].shadow.data(); }

Result<cl_mem> OpenClDevice::memory(const gpu::Binding& binding) {
  const Buffer& buffer = buffers_[binding.buffer];
  if (binding.offset == 0 && binding.bytes == buffer.bytes) return buffer.handle;
  cl_mem& sub = sub_buffers_[{binding.buffer, binding.offset, binding.bytes}];
  if (!sub) {
    const cl_buffer_region region{binding.offset, binding.bytes};
    cl_int status = CL_SUCCESS;
    sub = cl_.clCreateSubBuffer(buffer.handle, CL_MEM_READ_WRITE, CL_BUFFER_CREATE_TYPE_REGION,
                                &region, &status);
    if (status != CL_SUCCESS) return opencl_error(status, "Dividing a buffer");
  }
  return sub;
}

Result<cl_program> OpenClDevice::compile(const std::string& source) {
  cl_int status = CL_SUCCESS;
  const char* text = source.c_str();
  const size_t length = source.size();
  cl_program program = cl_.clCreateProgramWithSource(context_, 1, &text, &length, &status);
  if (status != CL_SUCCESS) return opencl_error(status, "Loading the kernels");
  status = cl_.clBuildProgram(program, 1, &platform_.device, kBuildOptions, nullptr, nullptr);
  if (status == CL_SUCCESS) return program;
  size_t size = 0;
  cl_.clGetProgramBuildInfo(program, platform_.device, CL_PROGRAM_BUILD_LOG, 0, nullptr, &size);
  std::string log(size, '\0');
  cl_.clGetProgramBuildInfo(program, platform_.device, CL_PROGRAM_BUILD_LOG, size, log.data(),
                            nullptr);
  cl_.clReleaseProgram(program);
  return Error{ErrorCode::unsupported, "The GPU driver can't compile the kernels (" +
                                           status_name(status) + "): " + log.substr(0, 400) +
                                           "; update the driver, or try --backend vulkan."};
}

cl_program OpenClDevice::load_binary(std::span<const std::byte> binary) {
  const size_t size = binary.size();
  const auto* bytes = reinterpret_cast<const unsigned char*>(binary.data());
  cl_int loaded = CL_SUCCESS, status = CL_SUCCESS;
  cl_program program = cl_.clCreateProgramWithBinary(context_, 1, &platform_.device, &size, &bytes,
                                                     &loaded, &status);
  if (status != CL_SUCCESS) return nullptr;
  if (loaded == CL_SUCCESS && cl_.clBuildProgram(program, 1, &platform_.device, kBuildOptions,
                                                 nullptr, nullptr) == CL_SUCCESS)
    return program;
  cl_.clReleaseProgram(program);
  return nullptr;
}

std::vector<std::byte> OpenClDevice::binary_of(cl_program program) const {
  size_t size = 0;
  if (cl_.clGetProgramInfo(program, CL_PROGRAM_BINARY_SIZES, sizeof size, &size, nullptr) !=
      CL_SUCCESS)
    return {};
  std::vector<std::byte> binary(size);
  auto* bytes = reinterpret_cast<unsigned char*>(binary.data());
  if (size == 0 || cl_.clGetProgramInfo(program, CL_PROGRAM_BINARIES, sizeof bytes, &bytes,
                                        nullptr) != CL_SUCCESS)
    return {};
  return binary;
}

Result<cl_program> OpenClDevice::program(const std::string& source) {
  uint64_t key = gpu::hash_text(platform_.info.name);
  for (const std::string& part : {platform_.info.driver, platform_.info.compute_capability,
                                  std::string(kBuildOptions), source})
    key = gpu::hash_text(part, key);
  const gpu::KernelCacheFile file(cache_folder_, "opencl", key);
  if (const std::vector<std::byte> kept = file.read(); !kept.empty()) {
    if (cl_program loaded = load_binary(kept)) return loaded;
  }
  NPB_TRY_ASSIGN(cl_program compiled, compile(source));
  if (!file.enabled()) return compiled;
  const std::vector<std::byte> binary = binary_of(compiled);
  if (binary.empty())
    ++programs_opaque_;
  else
    ++(file.write(binary).ok() ? programs_written_ : writes_failed_);
  return compiled;
}

gpu::KernelCache OpenClDevice::keep_kernels() {
  if (cache_folder_.empty()) return gpu::KernelCache::off;
  if (writes_failed_ > 0) return gpu::KernelCache::failed;
  if (programs_written_ > 0) return gpu::KernelCache::written;
  return programs_opaque_ > 0 ? gpu::KernelCache::opaque : gpu::KernelCache::hit;
}

Result<std::unique_ptr<gpu::RecordedList>> OpenClDevice::record(
    std::span<const gpu::Dispatch> list) {
  auto recorded = std::make_unique<OpenClList>(cl_);
  NPB_TRY_ASSIGN(recorded->program, program(program_source(list)));
  for (const gpu::Dispatch& dispatch : list) {
    OpenClList::Launch launch;
    cl_int status = CL_SUCCESS;
    launch.kernel = cl_.clCreateKernel(recorded->program, kernel_name(dispatch).c_str(), &status);
    if (status != CL_SUCCESS)
      return opencl_error(status, "Creating the kernel " + kernel_name(dispatch));
    recorded->launches.push_back(launch);
    OpenClList::Launch& made = recorded->launches.back();
    for (uint32_t dimension = 0; dimension < 3; ++dimension)
      made.global[dimension] = dispatch.groups[dimension];
    made.local[0] = dispatch.variant.local_size;
    made.global[0] *= dispatch.variant.local_size;
    cl_uint argument = 0;
    for (const gpu::Binding& binding : dispatch.bindings) {
      NPB_TRY_ASSIGN(cl_mem handle, memory(binding));
      status = cl_.clSetKernelArg(made.kernel, argument++, sizeof handle, &handle);
      if (status != CL_SUCCESS) return opencl_error(status, "Binding " + kernel_name(dispatch));
    }
    PushBlock push;
    std::copy(dispatch.push.begin(), dispatch.push.end(), push.words);
    status = cl_.clSetKernelArg(made.kernel, argument, sizeof push, &push);
    if (status != CL_SUCCESS) return opencl_error(status, "Binding " + kernel_name(dispatch));
  }
  return std::unique_ptr<gpu::RecordedList>(std::move(recorded));
}

Result<void> OpenClDevice::exchange_shared(bool to_device) {
  for (Buffer& buffer : buffers_) {
    if (buffer.shadow.empty()) continue;
    const cl_int status =
        to_device ? cl_.clEnqueueWriteBuffer(queue_, buffer.handle, CL_FALSE, 0, buffer.bytes,
                                             buffer.shadow.data(), 0, nullptr, nullptr)
                  : cl_.clEnqueueReadBuffer(queue_, buffer.handle, CL_TRUE, 0, buffer.bytes,
                                            buffer.shadow.data(), 0, nullptr, nullptr);
    if (status != CL_SUCCESS) return opencl_error(status, "Exchanging tokens with the GPU");
  }
  return {};
}

Result<uint64_t> OpenClDevice::event_ns(cl_event event, cl_profiling_info what) const {
  cl_ulong value = 0;
  const cl_int status = cl_.clGetEventProfilingInfo(event, what, sizeof value, &value, nullptr);
  if (status != CL_SUCCESS) return opencl_error(status, "Reading the GPU's clock");
  return static_cast<uint64_t>(value);
}

Result<void> OpenClDevice::execute(gpu::RecordedList& list, StepTiming& timing) {
  auto& recorded = static_cast<OpenClList&>(list);
  const uint64_t begin = now_ns();
  NPB_TRY(exchange_shared(true));
  const uint64_t written = now_ns();
  cl_event first = nullptr, last = nullptr;
  for (size_t i = 0; i < recorded.launches.size(); ++i) {
    const OpenClList::Launch& launch = recorded.launches[i];
    cl_event* event = i == 0 ? &first : i + 1 == recorded.launches.size() ? &last : nullptr;
    const cl_int status = cl_.clEnqueueNDRangeKernel(
        queue_, launch.kernel, 3, nullptr, launch.global, launch.local, 0, nullptr, event);
    if (status != CL_SUCCESS) return opencl_error(status, "Launching a kernel");
  }
  cl_int status = cl_.clFlush(queue_);
  if (status != CL_SUCCESS) return opencl_error(status, "Submitting a step to the GPU");
  const uint64_t submitted = now_ns();
  status = cl_.clFinish(queue_);
  if (status != CL_SUCCESS) return opencl_error(status, "Waiting for the GPU");
  const uint64_t finished = now_ns();
  NPB_TRY(exchange_shared(false));
  const uint64_t read = now_ns();
  const auto start_ns = event_ns(first, CL_PROFILING_COMMAND_START);
  const auto end_ns = event_ns(last ? last : first, CL_PROFILING_COMMAND_END);
  cl_.clReleaseEvent(first);
  if (last) cl_.clReleaseEvent(last);
  NPB_TRY(start_ns);
  NPB_TRY(end_ns);
  gpu::split_submission(submitted - written, finished - submitted, *end_ns - *start_ns, timing);
  timing.transfer_ns = (written - begin) + (read - finished);
  return {};
}

Result<std::vector<uint64_t>> OpenClDevice::profile(std::span<const gpu::Dispatch> list) {
  NPB_TRY_ASSIGN(std::unique_ptr<gpu::RecordedList> made, record(list));
  auto& recorded = static_cast<OpenClList&>(*made);
  std::vector<uint64_t> times;
  for (const OpenClList::Launch& launch : recorded.launches) {
    cl_event event = nullptr;
    cl_int status = cl_.clEnqueueNDRangeKernel(queue_, launch.kernel, 3, nullptr, launch.global,
                                               launch.local, 0, nullptr, &event);
    if (status == CL_SUCCESS) status = cl_.clFinish(queue_);
    if (status != CL_SUCCESS) return opencl_error(status, "Profiling a kernel");
    const auto begin = event_ns(event, CL_PROFILING_COMMAND_START);
    const auto end = event_ns(event, CL_PROFILING_COMMAND_END);
    cl_.clReleaseEvent(event);
    NPB_TRY(begin);
    NPB_TRY(end);
    times.push_back(*end - *begin);
  }
  return times;
}

}  // namespace npb::opencl

#include "backends/opencl/device.h"

#include <algorithm>
#include <cstring>

#include "backends/opencl/source.h"
#include "core/clock.h"

namespace npb::opencl {
namespace {

constexpr uint64_t kTexelBytes = 16;

struct PushBlock {
  uint32_t words[gpu::kMaxPushWords] = {};
};

struct OpenClList : gpu::RecordedList {
  OpenClList(const Api& api, const Waiter& waits) : cl(api), waiter(waits) {}
  ~OpenClList() override {
    // A device that hangs still holds all of it.
    if (waiter.hung()) {
      static_cast<void>(replay.release());
      return;
    }
    replay.reset();
    for (const Launch& launch : launches) cl.clReleaseKernel(launch.kernel);
    if (program) cl.clReleaseProgram(program);
  }
  const Api& cl;
  const Waiter& waiter;
  cl_program program = nullptr;
  std::vector<Launch> launches;
  std::unique_ptr<Replay> replay;  // null: launches are submitted one by one
};

/// A compiler's log in the middle of a sentence.
std::string one_line(std::string log) {
  std::replace(log.begin(), log.end(), '\n', ' ');
  return log;
}

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
  const auto hints = context_properties(platform_.wanted, platform_.features.hints);
  properties.insert(properties.end(), hints.begin(), hints.end());
  properties.push_back(0);
  context_ =
      cl_.clCreateContext(properties.data(), 1, &platform_.device, nullptr, nullptr, &status);
  if (status != CL_SUCCESS)
    return Error{ErrorCode::device_unavailable,
                 "The GPU " + platform_.info.name + " could not be opened (" + status_name(status) +
                     "); close programs that use it, or update its driver."};
  queue_ = cl_.clCreateCommandQueue(context_, platform_.device, CL_QUEUE_PROFILING_ENABLE, &status);
  if (status != CL_SUCCESS) return opencl_error(status, "Creating the command queue");
  return prove_features();
}

OpenClDevice::~OpenClDevice() {
  if (waiter_.hung()) {
    // What the device may still read or write is left to the end of the process.
    for (Buffer& buffer : buffers_) static_cast<void>(buffer.shadow.release());
    return;
  }
  if (queue_) cl_.clFinish(queue_);
  for (const auto& [key, handle] : images_) cl_.clReleaseMemObject(handle);
  for (const auto& [key, handle] : sub_buffers_) cl_.clReleaseMemObject(handle);
  for (const Buffer& buffer : buffers_) cl_.clReleaseMemObject(buffer.handle);
  if (queue_) cl_.clReleaseCommandQueue(queue_);
  if (context_) cl_.clReleaseContext(context_);
}

std::string OpenClDevice::build_options() const {
  return "-cl-std=" + platform_.features.c_standard + " -cl-mad-enable";
}

Result<void> OpenClDevice::prove_features() {
  Features& features = platform_.features;
  gpu::Limits& limits = platform_.limits;
  const auto compiles = [&](Shuffle shuffle, bool image, bool f16) {
    const auto made = compile(feature_source(shuffle, image, f16));
    if (made.ok()) cl_.clReleaseProgram(*made);
    return made.ok();
  };
  const bool image = limits.max_image_texels > 0;
  if (features.shuffle == Shuffle::none && !image && !limits.f16_arithmetic) return {};
  if (compiles(features.shuffle, image, limits.f16_arithmetic)) return {};
  const char* refused = "offered, but refused by its compiler";
  if (image && !compiles(Shuffle::none, true, false)) {
    limits.max_image_texels = 0;
    platform_.info.properties["image_weights"] = refused;
  }
  if (limits.f16_arithmetic && !compiles(Shuffle::none, false, true)) {
    limits.f16_arithmetic = false;
    platform_.info.properties["f16_arithmetic"] = refused;
  }
  if (features.shuffle != Shuffle::none && !compiles(features.shuffle, false, false)) {
    features.shuffle = Shuffle::none;
    features.c_standard = "CL1.2";
    platform_.info.properties["subgroup_shuffle"] = refused;
  }
  return {};
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
  const auto id = static_cast<gpu::BufferId>(buffers_.size());
  if (kind == gpu::BufferKind::host_shared) {
    if (shared_ != gpu::kNoBuffer)
      return Error{ErrorCode::internal,
                   "A second buffer was shared with an OpenCL device; report it."};
    buffer.shadow = std::make_unique<std::byte[]>(bytes);
    shared_ = id;
  }
  buffers_.push_back(std::move(buffer));
  return id;
}

Result<void> OpenClDevice::write(gpu::BufferId buffer, uint64_t offset,
                                 std::span<const std::byte> bytes) {
  constexpr const char* kWhat = "Copying to the GPU";
  if (waiter_.hung()) return waiter_.hang_error(kWhat);
  Event copied(cl_);
  cl_int status = cl_.clEnqueueWriteBuffer(queue_, buffers_[buffer].handle, CL_FALSE, offset,
                                           bytes.size(), bytes.data(), 0, nullptr, copied.out());
  if (status == CL_SUCCESS) status = cl_.clFlush(queue_);
  if (status != CL_SUCCESS) return opencl_error(status, kWhat);
  return waiter_.wait(copied.get(), kWhat);
}

Result<void> OpenClDevice::read(gpu::BufferId buffer, uint64_t offset, std::span<std::byte> bytes) {
  constexpr const char* kWhat = "Copying from the GPU";
  if (waiter_.hung()) return waiter_.hang_error(kWhat);
  Event copied(cl_);
  cl_int status = cl_.clEnqueueReadBuffer(queue_, buffers_[buffer].handle, CL_FALSE, offset,
                                          bytes.size(), bytes.data(), 0, nullptr, copied.out());
  if (status == CL_SUCCESS) status = cl_.clFlush(queue_);
  if (status != CL_SUCCESS) return opencl_error(status, kWhat);
  return waiter_.wait(copied.get(), kWhat);
}

std::byte* OpenClDevice::mapped(gpu::BufferId buffer) { return buffers_[buffer].shadow.get(); }

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

Result<OpenClDevice::Image> OpenClDevice::image(const gpu::Binding& binding) {
  // Over the whole buffer where that fits: not every driver takes an image over a part of one.
  gpu::Binding within = {binding.buffer, 0, buffers_[binding.buffer].bytes};
  if (within.bytes / kTexelBytes > platform_.limits.max_image_texels) within = binding;
  cl_mem& made = images_[{within.buffer, within.offset, within.bytes}];
  const Image whole{made, static_cast<uint32_t>((binding.offset - within.offset) / kTexelBytes)};
  if (made) return whole;
  NPB_TRY_ASSIGN(const cl_mem buffer, memory(within));
  const cl_image_format format = {CL_RGBA, CL_UNSIGNED_INT32};
  cl_image_desc shape = {};
  shape.image_type = CL_MEM_OBJECT_IMAGE1D_BUFFER;
  shape.image_width = within.bytes / kTexelBytes;
  shape.buffer = buffer;
  cl_int status = CL_SUCCESS;
  made = cl_.clCreateImage(context_, CL_MEM_READ_ONLY, &format, &shape, nullptr, &status);
  if (status == CL_SUCCESS) return Image{made, whole.base};
  made = nullptr;
  return Error{ErrorCode::unsupported,
               "The GPU driver refuses an image over weights (" + status_name(status) +
                   "); set NPU_BENCH_OPENCL_WITHOUT=images, or try --backend vulkan."};
}

Result<cl_program> OpenClDevice::compile(const std::string& source) {
  cl_int status = CL_SUCCESS;
  const char* text = source.c_str();
  const size_t length = source.size();
  cl_program program = cl_.clCreateProgramWithSource(context_, 1, &text, &length, &status);
  if (status != CL_SUCCESS) return opencl_error(status, "Loading the kernels");
  status =
      cl_.clBuildProgram(program, 1, &platform_.device, build_options().c_str(), nullptr, nullptr);
  if (status == CL_SUCCESS) return program;
  size_t size = 0;
  cl_.clGetProgramBuildInfo(program, platform_.device, CL_PROGRAM_BUILD_LOG, 0, nullptr, &size);
  std::string log(size, '\0');
  cl_.clGetProgramBuildInfo(program, platform_.device, CL_PROGRAM_BUILD_LOG, size, log.data(),
                            nullptr);
  cl_.clReleaseProgram(program);
  return Error{ErrorCode::unsupported,
               "The GPU driver can't compile the kernels (" + status_name(status) + "): " +
                   one_line(log.substr(0, 400)) + "; update the driver, or try --backend vulkan."};
}

cl_program OpenClDevice::load_binary(std::span<const std::byte> binary) {
  const size_t size = binary.size();
  const auto* bytes = reinterpret_cast<const unsigned char*>(binary.data());
  cl_int loaded = CL_SUCCESS, status = CL_SUCCESS;
  cl_program program = cl_.clCreateProgramWithBinary(context_, 1, &platform_.device, &size, &bytes,
                                                     &loaded, &status);
  if (status != CL_SUCCESS) return nullptr;
  if (loaded == CL_SUCCESS &&
      cl_.clBuildProgram(program, 1, &platform_.device, build_options().c_str(), nullptr,
                         nullptr) == CL_SUCCESS)
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
  for (const std::string& part :
       {platform_.info.driver, platform_.info.compute_capability, build_options(), source})
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

Result<void> OpenClDevice::set_arguments(const gpu::Dispatch& dispatch, cl_kernel kernel) {
  PushBlock push;
  std::copy(dispatch.push.begin(), dispatch.push.end(), push.words);
  cl_uint argument = 0;
  for (const gpu::Binding& binding : dispatch.bindings) {
    cl_mem handle = nullptr;
    if (dispatch.variant.image && argument == 0) {  // the quants
      NPB_TRY_ASSIGN(const Image quants, image(binding));
      handle = quants.handle;
      push.words[kImageBase] = quants.base;
    } else {
      NPB_TRY_ASSIGN(handle, memory(binding));
    }
    const cl_int status = cl_.clSetKernelArg(kernel, argument++, sizeof handle, &handle);
    if (status != CL_SUCCESS) return opencl_error(status, "Binding " + kernel_name(dispatch));
  }
  const cl_int status = cl_.clSetKernelArg(kernel, argument, sizeof push, &push);
  if (status != CL_SUCCESS) return opencl_error(status, "Binding " + kernel_name(dispatch));
  return {};
}

Result<std::unique_ptr<gpu::RecordedList>> OpenClDevice::record(
    std::span<const gpu::Dispatch> list) {
  auto recorded = std::make_unique<OpenClList>(cl_, waiter_);
  NPB_TRY_ASSIGN(recorded->program, program(program_source(list, platform_.limits.software,
                                                           platform_.features.shuffle)));
  for (const gpu::Dispatch& dispatch : list) {
    Launch launch;
    cl_int status = CL_SUCCESS;
    launch.kernel = cl_.clCreateKernel(recorded->program, kernel_name(dispatch).c_str(), &status);
    if (status != CL_SUCCESS)
      return opencl_error(status, "Creating the kernel " + kernel_name(dispatch));
    for (uint32_t dimension = 0; dimension < 3; ++dimension)
      launch.global[dimension] = dispatch.groups[dimension];
    launch.local[0] = dispatch.variant.local_size;
    launch.global[0] *= dispatch.variant.local_size;
    recorded->launches.push_back(launch);
    NPB_TRY(set_arguments(dispatch, launch.kernel));
  }
  if (platform_.features.replay != ReplayKind::none) {
    auto replay = make_replay(platform_.features.replay, cl_, platform_.platform, platform_.device,
                              context_, queue_, recorded->launches);
    if (replay.ok())
      recorded->replay = std::move(replay).value();
    else  // a faster way to the same launches, not another device
      platform_.info.properties["replay"] = replay.error().message;
  }
  return std::unique_ptr<gpu::RecordedList>(std::move(recorded));
}

Result<void> OpenClDevice::execute(gpu::RecordedList& list, StepTiming& timing) {
  constexpr const char* kWhat = "A step on the GPU";
  if (waiter_.hung()) return waiter_.hang_error(kWhat);
  auto& recorded = static_cast<OpenClList&>(list);
  const Buffer& shared = buffers_[shared_];
  Event written(cl_), first(cl_), last(cl_), fetched(cl_);
  const uint64_t begin = now_ns();
  cl_int status = cl_.clEnqueueWriteBuffer(queue_, shared.handle, CL_FALSE, 0, shared.bytes,
                                           shared.shadow.get(), 0, nullptr, written.out());
  if (recorded.replay) {
    if (status == CL_SUCCESS) status = recorded.replay->enqueue(queue_);
  } else {
    const size_t count = recorded.launches.size();
    for (size_t i = 0; i < count && status == CL_SUCCESS; ++i) {
      const Launch& launch = recorded.launches[i];
      cl_event* event = i + 1 == count ? last.out() : i == 0 ? first.out() : nullptr;
      status = cl_.clEnqueueNDRangeKernel(queue_, launch.kernel, 3, nullptr, launch.global,
                                          launch.local, 0, nullptr, event);
    }
  }
  if (status == CL_SUCCESS)
    status = cl_.clEnqueueReadBuffer(queue_, shared.handle, CL_FALSE, 0, shared.bytes,
                                     shared.shadow.get(), 0, nullptr, fetched.out());
  if (status == CL_SUCCESS) status = cl_.clFlush(queue_);
  if (status != CL_SUCCESS) return opencl_error(status, "Submitting a step to the GPU");
  const uint64_t submitted = now_ns();
  NPB_TRY(waiter_.wait(fetched.get(), kWhat));
  const uint64_t finished = now_ns();
  NPB_TRY_ASSIGN(const uint64_t queued, written.ns(CL_PROFILING_COMMAND_QUEUED));
  NPB_TRY_ASSIGN(const uint64_t write_begin, written.ns(CL_PROFILING_COMMAND_START));
  NPB_TRY_ASSIGN(uint64_t execute_begin, written.ns(CL_PROFILING_COMMAND_END));
  NPB_TRY_ASSIGN(uint64_t execute_end, fetched.ns(CL_PROFILING_COMMAND_START));
  NPB_TRY_ASSIGN(const uint64_t read_end, fetched.ns(CL_PROFILING_COMMAND_END));
  const uint64_t copies = (execute_begin - write_begin) + (read_end - execute_end);
  // Of what is replayed, drivers differ in what its event tells: it is what lies between the
  // copies.
  if (!recorded.replay) {
    const Event& opening = first.get() ? first : last;
    NPB_TRY_ASSIGN(execute_begin, opening.ns(CL_PROFILING_COMMAND_START));
    NPB_TRY_ASSIGN(execute_end, last.ns(CL_PROFILING_COMMAND_END));
  }
  // What the device was given and what it took up are known on its own clock: calls that it ran
  // beside are not dispatch, and neither is the host's waking up.
  const uint64_t taken_up = execute_begin > queued ? execute_begin - queued : submitted - begin;
  const uint64_t total = finished - begin;
  timing.transfer_ns = std::min(copies, total);
  const uint64_t rest = total - *timing.transfer_ns;
  const uint64_t dispatch = std::min({submitted - begin, taken_up, rest});
  gpu::split_submission(dispatch, rest - dispatch, execute_end - execute_begin, timing);
  return {};
}

Result<std::vector<uint64_t>> OpenClDevice::profile(std::span<const gpu::Dispatch> list) {
  constexpr const char* kWhat = "Profiling a kernel";
  if (waiter_.hung()) return waiter_.hang_error(kWhat);
  NPB_TRY_ASSIGN(std::unique_ptr<gpu::RecordedList> made, record(list));
  auto& recorded = static_cast<OpenClList&>(*made);
  std::vector<uint64_t> times;
  for (const Launch& launch : recorded.launches) {
    Event event(cl_);
    cl_int status = cl_.clEnqueueNDRangeKernel(queue_, launch.kernel, 3, nullptr, launch.global,
                                               launch.local, 0, nullptr, event.out());
    if (status == CL_SUCCESS) status = cl_.clFlush(queue_);
    if (status != CL_SUCCESS) return opencl_error(status, kWhat);
    NPB_TRY(waiter_.wait(event.get(), kWhat));
    NPB_TRY_ASSIGN(const uint64_t begin, event.ns(CL_PROFILING_COMMAND_START));
    NPB_TRY_ASSIGN(const uint64_t end, event.ns(CL_PROFILING_COMMAND_END));
    times.push_back(end - begin);
  }
  return times;
}

}  // namespace npb::opencl

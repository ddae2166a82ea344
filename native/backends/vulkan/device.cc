#include "backends/vulkan/device.h"

#include <algorithm>
#include <cstring>

#include "backends/vulkan/buffers.h"
#include "backends/vulkan/pipelines.h"
#include "core/clock.h"

namespace npb::vulkan {
namespace {

/// A driver that takes longer than this for one step hangs.
constexpr uint64_t kFenceTimeoutNs = 120'000'000'000;
/// Lists that share a buffer for their stamps; a session records one for each length of step.
constexpr uint32_t kStampSlots = 64;
constexpr uint64_t kRecalibrateNs = 1'000'000'000;

}  // namespace

uint64_t timestamp_difference(uint64_t begin, uint64_t end, uint32_t valid_bits) {
  const uint64_t mask = valid_bits >= 64 ? ~0ull : (1ull << valid_bits) - 1;
  return (end - begin) & mask;
}

uint64_t VulkanDevice::stamp_ns(uint64_t begin, uint64_t end) const {
  const double period = physical_.properties.limits.timestampPeriod;
  return static_cast<uint64_t>(
      static_cast<double>(timestamp_difference(begin, end, physical_.timestamp_valid_bits)) *
      period);
}

void VulkanDevice::calibrate() {
  if (!get_calibrated_ || (calibration_ && now_ns() - calibration_->host_ns < kRecalibrateNs))
    return;
  VkCalibratedTimestampInfoEXT clocks[2]{};
  clocks[0].sType = clocks[1].sType = VK_STRUCTURE_TYPE_CALIBRATED_TIMESTAMP_INFO_EXT;
  clocks[0].timeDomain = VK_TIME_DOMAIN_DEVICE_EXT;
  clocks[1].timeDomain = VK_TIME_DOMAIN_CLOCK_MONOTONIC_EXT;
  uint64_t stamps[2], deviation_ns = 0;
  // Without a new one the last stays: durations don't rest on it.
  if (get_calibrated_(device_, 2, clocks, stamps, &deviation_ns) == VK_SUCCESS)
    calibration_ = Calibration{stamps[0], stamps[1]};
}

std::optional<uint64_t> VulkanDevice::host_ns(uint64_t stamp) const {
  if (!calibration_) return std::nullopt;
  // Either may be the later one: the shorter way round the counter is the true one.
  const uint32_t bits = physical_.timestamp_valid_bits;
  const bool later = timestamp_difference(calibration_->stamp, stamp, bits) <=
                     timestamp_difference(stamp, calibration_->stamp, bits);
  return later ? calibration_->host_ns + stamp_ns(calibration_->stamp, stamp)
               : calibration_->host_ns - stamp_ns(stamp, calibration_->stamp);
}

Result<std::unique_ptr<VulkanDevice>> VulkanDevice::open(
    const PhysicalDevice& physical, const std::filesystem::path& cache_folder) {
  std::unique_ptr<VulkanDevice> device(new VulkanDevice(physical));
  NPB_TRY(device->initialize(cache_folder));
  return device;
}

Result<void> VulkanDevice::initialize(const std::filesystem::path& cache_folder) {
  const float priority = 1.0f;
  VkDeviceQueueCreateInfo queue{};
  queue.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO;
  queue.queueFamilyIndex = physical_.queue_family;
  queue.queueCount = 1;
  queue.pQueuePriorities = &priority;
  std::vector<const char*> extensions;
  if (physical_.memory_budget) extensions.push_back(VK_EXT_MEMORY_BUDGET_EXTENSION_NAME);
  if (physical_.calibrated_timestamps) extensions.push_back(physical_.calibrated_timestamps);
  VkDeviceCreateInfo create{};
  create.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO;
  create.queueCreateInfoCount = 1;
  create.pQueueCreateInfos = &queue;
  create.enabledExtensionCount = static_cast<uint32_t>(extensions.size());
  create.ppEnabledExtensionNames = extensions.data();
  VkResult result = vkCreateDevice(physical_.handle, &create, nullptr, &device_);
  if (result != VK_SUCCESS)
    return Error{ErrorCode::device_unavailable,
                 "The GPU " + physical_.info.name + " could not be opened (" + result_name(result) +
                     "); close programs that use it, or update its driver."};
  vkGetDeviceQueue(device_, physical_.queue_family, 0, &queue_);
  for (const char* name : {"vkGetCalibratedTimestampsKHR", "vkGetCalibratedTimestampsEXT"})
    if (physical_.calibrated_timestamps && !get_calibrated_)
      get_calibrated_ =
          reinterpret_cast<PFN_vkGetCalibratedTimestampsEXT>(vkGetDeviceProcAddr(device_, name));
  VkCommandPoolCreateInfo pool{};
  pool.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO;
  pool.queueFamilyIndex = physical_.queue_family;
  result = vkCreateCommandPool(device_, &pool, nullptr, &commands_);
  if (result != VK_SUCCESS) return vulkan_error(result, "Creating the command pool");
  VkFenceCreateInfo fence{};
  fence.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO;
  result = vkCreateFence(device_, &fence, nullptr, &fence_);
  if (result != VK_SUCCESS) return vulkan_error(result, "Creating the fence");
  buffers_ = std::make_unique<Buffers>(physical_, device_);
  NPB_TRY_ASSIGN(pipelines_, Pipelines::make(physical_.properties, device_, cache_folder));
  return {};
}

VulkanDevice::~VulkanDevice() {
  if (device_ == VK_NULL_HANDLE) return;
  if (hung_) {
    // Waiting would hang too, and what the device still holds can't be freed: all of it is left to
    // the end of the process.
    static_cast<void>(pipelines_.release());
    static_cast<void>(buffers_.release());
    return;
  }
  vkDeviceWaitIdle(device_);
  pipelines_.reset();
  buffers_.reset();
  vkDestroyFence(device_, fence_, nullptr);
  vkDestroyCommandPool(device_, commands_, nullptr);
  vkDestroyDevice(device_, nullptr);
}

Result<gpu::BufferId> VulkanDevice::create_buffer(uint64_t bytes, gpu::BufferKind kind) {
  return buffers_->create(bytes, kind);
}

std::byte* VulkanDevice::mapped(gpu::BufferId buffer) { return buffers_->mapped(buffer); }

Result<void> VulkanDevice::write(gpu::BufferId buffer, uint64_t offset,
                                 std::span<const std::byte> bytes) {
  if (std::byte* to = buffers_->mapped(buffer)) {
    std::memcpy(to + offset, bytes.data(), bytes.size());
    return {};
  }
  NPB_TRY_ASSIGN(const gpu::BufferId staging, buffers_->staging());
  for (uint64_t at = 0; at < bytes.size(); at += Buffers::kStagingBytes) {
    const uint64_t count = std::min<uint64_t>(Buffers::kStagingBytes, bytes.size() - at);
    std::memcpy(buffers_->mapped(staging), bytes.data() + at, count);
    NPB_TRY_ASSIGN(VkCommandBuffer commands, begin_commands(device_, commands_));
    const VkBufferCopy copy{0, offset + at, count};
    vkCmdCopyBuffer(commands, buffers_->handle(staging), buffers_->handle(buffer), 1, &copy);
    memory_barrier(commands, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_ACCESS_TRANSFER_WRITE_BIT,
                   VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, VK_ACCESS_SHADER_READ_BIT);
    vkEndCommandBuffer(commands);
    const Result<void> done = run_once(commands);
    if (!hung_) vkFreeCommandBuffers(device_, commands_, 1, &commands);
    NPB_TRY(done);
  }
  return {};
}

Result<void> VulkanDevice::read(gpu::BufferId buffer, uint64_t offset, std::span<std::byte> bytes) {
  if (const std::byte* from = buffers_->mapped(buffer)) {
    std::memcpy(bytes.data(), from + offset, bytes.size());
    return {};
  }
  NPB_TRY_ASSIGN(const gpu::BufferId staging, buffers_->staging());
  for (uint64_t at = 0; at < bytes.size(); at += Buffers::kStagingBytes) {
    const uint64_t count = std::min<uint64_t>(Buffers::kStagingBytes, bytes.size() - at);
    NPB_TRY_ASSIGN(VkCommandBuffer commands, begin_commands(device_, commands_));
    memory_barrier(commands, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, VK_ACCESS_SHADER_WRITE_BIT,
                   VK_PIPELINE_STAGE_TRANSFER_BIT, VK_ACCESS_TRANSFER_READ_BIT);
    const VkBufferCopy copy{offset + at, 0, count};
    vkCmdCopyBuffer(commands, buffers_->handle(buffer), buffers_->handle(staging), 1, &copy);
    memory_barrier(commands, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_ACCESS_TRANSFER_WRITE_BIT,
                   VK_PIPELINE_STAGE_HOST_BIT, VK_ACCESS_HOST_READ_BIT);
    vkEndCommandBuffer(commands);
    const Result<void> done = run_once(commands);
    if (!hung_) vkFreeCommandBuffers(device_, commands_, 1, &commands);
    NPB_TRY(done);
    std::memcpy(bytes.data() + at, buffers_->mapped(staging), count);
  }
  return {};
}

Result<std::unique_ptr<gpu::RecordedList>> VulkanDevice::record(
    std::span<const gpu::Dispatch> list) {
  NPB_TRY_ASSIGN(const StampSlot slot, stamp_slot());
  NPB_TRY_ASSIGN(std::unique_ptr<VulkanList> recorded,
                 recorder().record(list, Stamps::around_all, slot));
  return std::unique_ptr<gpu::RecordedList>(std::move(recorded));
}

Result<StampSlot> VulkanDevice::stamp_slot() {
  constexpr uint64_t kPairBytes = 2 * sizeof(uint64_t);
  if (stamp_slots_used_ % kStampSlots == 0) {
    NPB_TRY_ASSIGN(stamps_,
                   buffers_->create(kStampSlots * kPairBytes, gpu::BufferKind::host_shared));
  }
  const uint64_t offset = stamp_slots_used_++ % kStampSlots * kPairBytes;
  return StampSlot{buffers_->handle(stamps_), offset,
                   reinterpret_cast<const uint64_t*>(buffers_->mapped(stamps_) + offset)};
}

Recorder VulkanDevice::recorder() {
  return Recorder(physical_, device_, commands_, hung_, *buffers_, *pipelines_);
}

Result<uint32_t> VulkanDevice::submit(const std::vector<VkCommandBuffer>& commands, VkFence fence) {
  if (hung_) return vulkan_error(VK_TIMEOUT, "An earlier step of the GPU");
  VkResult result = vkResetFences(device_, 1, &fence);
  // One submission per command buffer: there is more than one only where long submissions hang.
  for (size_t i = 0; result == VK_SUCCESS && i < commands.size(); ++i) {
    VkSubmitInfo submit{};
    submit.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO;
    submit.commandBufferCount = 1;
    submit.pCommandBuffers = &commands[i];
    result = vkQueueSubmit(queue_, 1, &submit, i + 1 == commands.size() ? fence : VK_NULL_HANDLE);
  }
  if (result != VK_SUCCESS) return vulkan_error(result, "Submitting a step to the GPU");
  return static_cast<uint32_t>(commands.size());
}

Result<std::optional<uint64_t>> VulkanDevice::wait_for(VkFence fence) {
  if (hung_) return vulkan_error(VK_TIMEOUT, "An earlier step of the GPU");
  const std::optional<uint64_t> cpu_before_ns = thread_cpu_ns();
  const VkResult result = vkWaitForFences(device_, 1, &fence, VK_TRUE, kFenceTimeoutNs);
  hung_ = result == VK_TIMEOUT;
  if (result != VK_SUCCESS) return vulkan_error(result, "Waiting for the GPU");
  if (!cpu_before_ns) return std::optional<uint64_t>();
  return std::optional<uint64_t>(*thread_cpu_ns() - *cpu_before_ns);
}

Result<void> VulkanDevice::run_once(VkCommandBuffer commands) {
  NPB_TRY(submit({commands}, fence_));
  NPB_TRY(wait_for(fence_));
  return {};
}

Result<uint32_t> VulkanDevice::submit(gpu::RecordedList& list) {
  const auto& recorded = static_cast<VulkanList&>(list);
  return submit(recorded.commands, recorded.fence);
}

Result<gpu::Finished> VulkanDevice::finish(gpu::RecordedList& list) {
  const auto& recorded = static_cast<VulkanList&>(list);
  gpu::Finished finished;
  NPB_TRY_ASSIGN(finished.waiting_cpu_ns, wait_for(recorded.fence));
  if (!recorded.stamps) return finished;
  const uint64_t* stamps = recorded.stamps;
  finished.execute_ns = stamp_ns(stamps[0], stamps[1]);
  calibrate();
  finished.begin_ns = host_ns(stamps[0]);
  finished.end_ns = host_ns(stamps[1]);
  return finished;
}

Result<std::vector<uint64_t>> VulkanDevice::profile(std::span<const gpu::Dispatch> list) {
  if (physical_.timestamp_valid_bits == 0)
    return Error{ErrorCode::unsupported,
                 "This GPU's queue has no timestamps, so there is no per-op profile."};
  NPB_TRY_ASSIGN(std::unique_ptr<VulkanList> made,
                 recorder().record(list, Stamps::around_each, {}));
  const VulkanList& recorded = *made;
  NPB_TRY(submit(recorded.commands, recorded.fence));
  NPB_TRY(wait_for(recorded.fence));
  std::vector<uint64_t> stamps(recorded.query_count);
  const VkResult result =
      vkGetQueryPoolResults(device_, recorded.queries, 0, recorded.query_count, stamps.size() * 8,
                            stamps.data(), 8, VK_QUERY_RESULT_64_BIT | VK_QUERY_RESULT_WAIT_BIT);
  if (result != VK_SUCCESS) return vulkan_error(result, "Reading the GPU's clock");
  std::vector<uint64_t> times(list.size());
  for (size_t i = 0; i < times.size(); ++i) times[i] = stamp_ns(stamps[2 * i], stamps[2 * i + 1]);
  return times;
}

}  // namespace npb::vulkan

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
  const char* budget = VK_EXT_MEMORY_BUDGET_EXTENSION_NAME;
  VkDeviceCreateInfo create{};
  create.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO;
  create.queueCreateInfoCount = 1;
  create.pQueueCreateInfos = &queue;
  create.enabledExtensionCount = physical_.memory_budget ? 1 : 0;
  create.ppEnabledExtensionNames = &budget;
  VkResult result = vkCreateDevice(physical_.handle, &create, nullptr, &device_);
  if (result != VK_SUCCESS)
    return Error{ErrorCode::device_unavailable,
                 "The GPU " + physical_.info.name + " could not be opened (" + result_name(result) +
                     "); close programs that use it, or update its driver."};
  vkGetDeviceQueue(device_, physical_.queue_family, 0, &queue_);
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
  StepTiming timing;
  for (uint64_t at = 0; at < bytes.size(); at += Buffers::kStagingBytes) {
    const uint64_t count = std::min<uint64_t>(Buffers::kStagingBytes, bytes.size() - at);
    std::memcpy(buffers_->mapped(staging), bytes.data() + at, count);
    NPB_TRY_ASSIGN(VkCommandBuffer commands, begin_commands(device_, commands_));
    const VkBufferCopy copy{0, offset + at, count};
    vkCmdCopyBuffer(commands, buffers_->handle(staging), buffers_->handle(buffer), 1, &copy);
    memory_barrier(commands, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_ACCESS_TRANSFER_WRITE_BIT,
                   VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, VK_ACCESS_SHADER_READ_BIT);
    vkEndCommandBuffer(commands);
    const Result<void> done = submit_and_wait({commands}, timing);
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
  StepTiming timing;
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
    const Result<void> done = submit_and_wait({commands}, timing);
    if (!hung_) vkFreeCommandBuffers(device_, commands_, 1, &commands);
    NPB_TRY(done);
    std::memcpy(bytes.data() + at, buffers_->mapped(staging), count);
  }
  return {};
}

Result<std::unique_ptr<gpu::RecordedList>> VulkanDevice::record(
    std::span<const gpu::Dispatch> list) {
  NPB_TRY_ASSIGN(std::unique_ptr<VulkanList> recorded, recorder().record(list, Stamps::around_all));
  return std::unique_ptr<gpu::RecordedList>(std::move(recorded));
}

Recorder VulkanDevice::recorder() {
  return Recorder(physical_, device_, commands_, hung_, *buffers_, *pipelines_);
}

Result<void> VulkanDevice::submit_and_wait(const std::vector<VkCommandBuffer>& commands,
                                           StepTiming& timing) {
  if (hung_) return vulkan_error(VK_TIMEOUT, "An earlier step of the GPU");
  const uint64_t begin = now_ns();
  VkResult result = vkResetFences(device_, 1, &fence_);
  // One submission per command buffer: there is more than one only where long submissions hang.
  for (size_t i = 0; result == VK_SUCCESS && i < commands.size(); ++i) {
    VkSubmitInfo submit{};
    submit.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO;
    submit.commandBufferCount = 1;
    submit.pCommandBuffers = &commands[i];
    result = vkQueueSubmit(queue_, 1, &submit, i + 1 == commands.size() ? fence_ : VK_NULL_HANDLE);
  }
  if (result != VK_SUCCESS) return vulkan_error(result, "Submitting a step to the GPU");
  const uint64_t submitted = now_ns();
  result = vkWaitForFences(device_, 1, &fence_, VK_TRUE, kFenceTimeoutNs);
  hung_ = result == VK_TIMEOUT;
  if (result != VK_SUCCESS) return vulkan_error(result, "Waiting for the GPU");
  timing.dispatch_ns = submitted - begin;
  timing.synchronize_ns = now_ns() - submitted;  // execute() takes the device's own share out
  return {};
}

Result<void> VulkanDevice::execute(gpu::RecordedList& list, StepTiming& timing) {
  auto& recorded = static_cast<VulkanList&>(list);
  NPB_TRY(submit_and_wait(recorded.commands, timing));
  if (recorded.queries == VK_NULL_HANDLE) return {};
  uint64_t stamps[2];
  const VkResult result = vkGetQueryPoolResults(device_, recorded.queries, 0, 2, sizeof stamps,
                                                stamps, 8, VK_QUERY_RESULT_64_BIT);
  if (result != VK_SUCCESS) return vulkan_error(result, "Reading the GPU's clock");
  gpu::split_submission(*timing.dispatch_ns, *timing.synchronize_ns, stamp_ns(stamps[0], stamps[1]),
                        timing);
  return {};
}

Result<std::vector<uint64_t>> VulkanDevice::profile(std::span<const gpu::Dispatch> list) {
  if (physical_.timestamp_valid_bits == 0)
    return Error{ErrorCode::unsupported,
                 "This GPU's queue has no timestamps, so there is no per-op profile."};
  NPB_TRY_ASSIGN(std::unique_ptr<VulkanList> made, recorder().record(list, Stamps::around_each));
  const VulkanList& recorded = *made;
  StepTiming timing;
  NPB_TRY(submit_and_wait(recorded.commands, timing));
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

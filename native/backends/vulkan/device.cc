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

struct VulkanList : gpu::RecordedList {
  explicit VulkanList(VkDevice d, VkCommandPool p) : device(d), pool(p) {}
  ~VulkanList() override {
    if (!commands.empty())
      vkFreeCommandBuffers(device, pool, static_cast<uint32_t>(commands.size()), commands.data());
    vkDestroyDescriptorPool(device, descriptors, nullptr);
    vkDestroyQueryPool(device, queries, nullptr);
  }
  VkDevice device;
  VkCommandPool pool;
  std::vector<VkCommandBuffer> commands;
  VkDescriptorPool descriptors = VK_NULL_HANDLE;
  VkQueryPool queries = VK_NULL_HANDLE;  // null when the queue has no timestamps
  uint32_t query_count = 0;
};

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

Result<std::unique_ptr<VulkanDevice>> VulkanDevice::open(const PhysicalDevice& physical) {
  std::unique_ptr<VulkanDevice> device(new VulkanDevice(physical));
  NPB_TRY(device->initialize());
  return device;
}

Result<void> VulkanDevice::initialize() {
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
  NPB_TRY_ASSIGN(pipelines_, Pipelines::make(device_));
  return {};
}

VulkanDevice::~VulkanDevice() {
  if (device_ == VK_NULL_HANDLE) return;
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

namespace {

/// A one-time command buffer for a copy.
Result<VkCommandBuffer> begin_copy(VkDevice device, VkCommandPool pool) {
  VkCommandBufferAllocateInfo allocate{};
  allocate.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO;
  allocate.commandPool = pool;
  allocate.level = VK_COMMAND_BUFFER_LEVEL_PRIMARY;
  allocate.commandBufferCount = 1;
  VkCommandBuffer commands = VK_NULL_HANDLE;
  VkResult result = vkAllocateCommandBuffers(device, &allocate, &commands);
  if (result != VK_SUCCESS) return vulkan_error(result, "Allocating commands");
  VkCommandBufferBeginInfo begin{};
  begin.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO;
  result = vkBeginCommandBuffer(commands, &begin);
  if (result != VK_SUCCESS) return vulkan_error(result, "Recording commands");
  return commands;
}

void memory_barrier(VkCommandBuffer commands, VkPipelineStageFlags from, VkAccessFlags wrote,
                    VkPipelineStageFlags to, VkAccessFlags reads) {
  VkMemoryBarrier barrier{};
  barrier.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER;
  barrier.srcAccessMask = wrote;
  barrier.dstAccessMask = reads;
  vkCmdPipelineBarrier(commands, from, to, 0, 1, &barrier, 0, nullptr, 0, nullptr);
}

}  // namespace

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
    NPB_TRY_ASSIGN(VkCommandBuffer commands, begin_copy(device_, commands_));
    const VkBufferCopy copy{0, offset + at, count};
    vkCmdCopyBuffer(commands, buffers_->handle(staging), buffers_->handle(buffer), 1, &copy);
    memory_barrier(commands, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_ACCESS_TRANSFER_WRITE_BIT,
                   VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, VK_ACCESS_SHADER_READ_BIT);
    vkEndCommandBuffer(commands);
    const Result<void> done = submit_and_wait({commands}, timing);
    vkFreeCommandBuffers(device_, commands_, 1, &commands);
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
    NPB_TRY_ASSIGN(VkCommandBuffer commands, begin_copy(device_, commands_));
    memory_barrier(commands, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, VK_ACCESS_SHADER_WRITE_BIT,
                   VK_PIPELINE_STAGE_TRANSFER_BIT, VK_ACCESS_TRANSFER_READ_BIT);
    const VkBufferCopy copy{offset + at, 0, count};
    vkCmdCopyBuffer(commands, buffers_->handle(buffer), buffers_->handle(staging), 1, &copy);
    memory_barrier(commands, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_ACCESS_TRANSFER_WRITE_BIT,
                   VK_PIPELINE_STAGE_HOST_BIT, VK_ACCESS_HOST_READ_BIT);
    vkEndCommandBuffer(commands);
    const Result<void> done = submit_and_wait({commands}, timing);
    vkFreeCommandBuffers(device_, commands_, 1, &commands);
    NPB_TRY(done);
    std::memcpy(bytes.data() + at, buffers_->mapped(staging), count);
  }
  return {};
}

Result<std::unique_ptr<gpu::RecordedList>> VulkanDevice::record(
    std::span<const gpu::Dispatch> list) {
  return record_stamped(list, false);
}

Result<std::unique_ptr<gpu::RecordedList>> VulkanDevice::record_stamped(
    std::span<const gpu::Dispatch> list, bool every) {
  auto recorded = std::make_unique<VulkanList>(device_, commands_);
  const uint32_t count = static_cast<uint32_t>(list.size());
  const VkDescriptorPoolSize size{VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
                                  count * static_cast<uint32_t>(gpu::kMaxBindings)};
  VkDescriptorPoolCreateInfo pool{};
  pool.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO;
  pool.maxSets = count;
  pool.poolSizeCount = 1;
  pool.pPoolSizes = &size;
  VkResult result = vkCreateDescriptorPool(device_, &pool, nullptr, &recorded->descriptors);
  if (result != VK_SUCCESS) return vulkan_error(result, "Creating descriptors");
  if (physical_.timestamp_valid_bits > 0) {
    recorded->query_count = every ? 2 * count : 2;
    VkQueryPoolCreateInfo queries{};
    queries.sType = VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO;
    queries.queryType = VK_QUERY_TYPE_TIMESTAMP;
    queries.queryCount = recorded->query_count;
    result = vkCreateQueryPool(device_, &queries, nullptr, &recorded->queries);
    if (result != VK_SUCCESS) return vulkan_error(result, "Creating timestamps");
  }

  const uint32_t limit = physical_.limits.max_dispatches_per_submit;
  VkCommandBuffer commands = VK_NULL_HANDLE;
  for (uint32_t i = 0; i < count; ++i) {
    const gpu::Dispatch& dispatch = list[i];
    if (i == 0 || (limit > 0 && i % limit == 0)) {
      if (commands != VK_NULL_HANDLE) vkEndCommandBuffer(commands);
      NPB_TRY_ASSIGN(commands, begin_copy(device_, commands_));
      recorded->commands.push_back(commands);
      // The host's tokens, and what an earlier command buffer wrote.
      memory_barrier(commands, VK_PIPELINE_STAGE_HOST_BIT | VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT,
                     VK_ACCESS_HOST_WRITE_BIT | VK_ACCESS_SHADER_WRITE_BIT,
                     VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT,
                     VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT);
      if (i == 0 && recorded->queries != VK_NULL_HANDLE) {
        vkCmdResetQueryPool(commands, recorded->queries, 0, recorded->query_count);
        if (!every)
          vkCmdWriteTimestamp(commands, VK_PIPELINE_STAGE_TOP_OF_PIPE_BIT, recorded->queries, 0);
      }
    } else if (dispatch.barrier_before) {
      memory_barrier(commands, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, VK_ACCESS_SHADER_WRITE_BIT,
                     VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT,
                     VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT);
    }
    NPB_TRY_ASSIGN(const VkPipeline pipeline, pipelines_->get(dispatch));
    VkDescriptorSetAllocateInfo allocate{};
    allocate.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO;
    allocate.descriptorPool = recorded->descriptors;
    allocate.descriptorSetCount = 1;
    const VkDescriptorSetLayout layout = pipelines_->set_layout();
    allocate.pSetLayouts = &layout;
    VkDescriptorSet set = VK_NULL_HANDLE;
    result = vkAllocateDescriptorSets(device_, &allocate, &set);
    if (result != VK_SUCCESS) return vulkan_error(result, "Allocating descriptors");
    std::array<VkDescriptorBufferInfo, gpu::kMaxBindings> infos{};
    std::array<VkWriteDescriptorSet, gpu::kMaxBindings> writes{};
    for (uint32_t b = 0; b < gpu::kMaxBindings; ++b) {
      // A kernel with fewer bindings still needs every slot valid.
      const gpu::Binding& binding = dispatch.bindings[b < dispatch.bindings.size() ? b : 0];
      infos[b] = {buffers_->handle(binding.buffer), binding.offset, binding.bytes};
      writes[b].sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET;
      writes[b].dstSet = set;
      writes[b].dstBinding = b;
      writes[b].descriptorCount = 1;
      writes[b].descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER;
      writes[b].pBufferInfo = &infos[b];
    }
    vkUpdateDescriptorSets(device_, static_cast<uint32_t>(writes.size()), writes.data(), 0,
                           nullptr);
    vkCmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline);
    vkCmdBindDescriptorSets(commands, VK_PIPELINE_BIND_POINT_COMPUTE, pipelines_->layout(), 0, 1,
                            &set, 0, nullptr);
    vkCmdPushConstants(commands, pipelines_->layout(), VK_SHADER_STAGE_COMPUTE_BIT, 0,
                       static_cast<uint32_t>(dispatch.push.size() * 4), dispatch.push.data());
    if (every && recorded->queries != VK_NULL_HANDLE)
      vkCmdWriteTimestamp(commands, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, recorded->queries, 2 * i);
    vkCmdDispatch(commands, dispatch.groups[0], dispatch.groups[1], dispatch.groups[2]);
    if (every && recorded->queries != VK_NULL_HANDLE)
      vkCmdWriteTimestamp(commands, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, recorded->queries,
                          2 * i + 1);
  }
  // What the host reads next.
  memory_barrier(commands, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, VK_ACCESS_SHADER_WRITE_BIT,
                 VK_PIPELINE_STAGE_HOST_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT,
                 VK_ACCESS_HOST_READ_BIT | VK_ACCESS_TRANSFER_READ_BIT);
  if (!every && recorded->queries != VK_NULL_HANDLE)
    vkCmdWriteTimestamp(commands, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, recorded->queries, 1);
  result = vkEndCommandBuffer(commands);
  if (result != VK_SUCCESS) return vulkan_error(result, "Recording commands");
  return std::unique_ptr<gpu::RecordedList>(std::move(recorded));
}

Result<void> VulkanDevice::submit_and_wait(const std::vector<VkCommandBuffer>& commands,
                                           StepTiming& timing) {
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
  const uint64_t execute = stamp_ns(stamps[0], stamps[1]);
  timing.execute_ns = execute;
  // The device may start while the host still submits: what remains of the wait is synchronisation.
  timing.synchronize_ns = *timing.synchronize_ns > execute ? *timing.synchronize_ns - execute : 0;
  return {};
}

Result<std::vector<uint64_t>> VulkanDevice::profile(std::span<const gpu::Dispatch> list) {
  if (physical_.timestamp_valid_bits == 0)
    return Error{ErrorCode::unsupported,
                 "This GPU's queue has no timestamps, so there is no per-op profile."};
  NPB_TRY_ASSIGN(std::unique_ptr<gpu::RecordedList> made, record_stamped(list, true));
  auto& recorded = static_cast<VulkanList&>(*made);
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

#include "backends/vulkan/record.h"

#include <algorithm>
#include <array>

namespace npb::vulkan {

VulkanList::~VulkanList() {
  if (hung) return;
  if (!commands.empty())
    vkFreeCommandBuffers(device, pool, static_cast<uint32_t>(commands.size()), commands.data());
  for (VkBufferView view : views) vkDestroyBufferView(device, view, nullptr);
  vkDestroyDescriptorPool(device, descriptors, nullptr);
  vkDestroyQueryPool(device, queries, nullptr);
  vkDestroyFence(device, fence, nullptr);
}

Result<VkCommandBuffer> begin_commands(VkDevice device, VkCommandPool pool) {
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

namespace {

constexpr VkAccessFlags kKernelReads =
    VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_UNIFORM_READ_BIT;

}  // namespace

Result<void> Recorder::prepare(VulkanList& recorded, uint32_t count, Stamps stamps) const {
  const uint32_t slots = count * static_cast<uint32_t>(gpu::kMaxBindings);
  const std::array<VkDescriptorPoolSize, 3> sizes = {
      {{VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, slots},
       {VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER, count},
       {VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER, 2 * count}}};
  VkDescriptorPoolCreateInfo pool{};
  pool.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO;
  pool.maxSets = count;
  pool.poolSizeCount = static_cast<uint32_t>(sizes.size());
  pool.pPoolSizes = sizes.data();
  VkResult result = vkCreateDescriptorPool(device_, &pool, nullptr, &recorded.descriptors);
  if (result != VK_SUCCESS) return vulkan_error(result, "Creating descriptors");
  VkFenceCreateInfo fence{};
  fence.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO;
  result = vkCreateFence(device_, &fence, nullptr, &recorded.fence);
  if (result != VK_SUCCESS) return vulkan_error(result, "Creating the fence");
  if (physical_.timestamp_valid_bits == 0) return {};
  recorded.query_count = stamps == Stamps::around_each ? 2 * count : 2;
  VkQueryPoolCreateInfo queries{};
  queries.sType = VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO;
  queries.queryType = VK_QUERY_TYPE_TIMESTAMP;
  queries.queryCount = recorded.query_count;
  result = vkCreateQueryPool(device_, &queries, nullptr, &recorded.queries);
  if (result != VK_SUCCESS) return vulkan_error(result, "Creating timestamps");
  return {};
}

Result<std::unique_ptr<VulkanList>> Recorder::record(std::span<const gpu::Dispatch> list,
                                                     Stamps stamps, const StampSlot& slot) {
  auto recorded = std::make_unique<VulkanList>(device_, pool_, hung_);
  const uint32_t count = static_cast<uint32_t>(list.size());
  NPB_TRY(prepare(*recorded, count, stamps));
  const bool clock = recorded->queries != VK_NULL_HANDLE,
             each = clock && stamps == Stamps::around_each;
  const uint32_t limit = physical_.limits.max_dispatches_per_submit;
  VkCommandBuffer commands = VK_NULL_HANDLE;
  auto stamp = [&](VkPipelineStageFlagBits stage, uint32_t query) {
    vkCmdWriteTimestamp(commands, stage, recorded->queries, query);
  };
  for (uint32_t i = 0; i < count; ++i) {
    if (i == 0 || (limit > 0 && i % limit == 0)) {
      if (commands != VK_NULL_HANDLE) vkEndCommandBuffer(commands);
      NPB_TRY_ASSIGN(commands, begin_commands(device_, pool_));
      recorded->commands.push_back(commands);
      // The host's tokens, and what an earlier command buffer wrote.
      memory_barrier(commands, VK_PIPELINE_STAGE_HOST_BIT | VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT,
                     VK_ACCESS_HOST_WRITE_BIT | VK_ACCESS_SHADER_WRITE_BIT,
                     VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, kKernelReads);
      if (i == 0 && clock) {
        vkCmdResetQueryPool(commands, recorded->queries, 0, recorded->query_count);
        if (!each) stamp(VK_PIPELINE_STAGE_TOP_OF_PIPE_BIT, 0);
      }
    } else if (list[i].barrier_before) {
      memory_barrier(commands, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, VK_ACCESS_SHADER_WRITE_BIT,
                     VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, kKernelReads);
    }
    if (each) stamp(VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, 2 * i);
    NPB_TRY(launch(*recorded, commands, list[i]));
    if (each) stamp(VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, 2 * i + 1);
  }
  if (clock && !each) {
    stamp(VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, 1);
    vkCmdCopyQueryPoolResults(commands, recorded->queries, 0, 2, slot.buffer, slot.offset, 8,
                              VK_QUERY_RESULT_64_BIT | VK_QUERY_RESULT_WAIT_BIT);
    recorded->stamps = slot.mapped;
  }
  // What the host reads next.
  memory_barrier(commands, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT,
                 VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT,
                 VK_PIPELINE_STAGE_HOST_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT,
                 VK_ACCESS_HOST_READ_BIT | VK_ACCESS_TRANSFER_READ_BIT);
  const VkResult result = vkEndCommandBuffer(commands);
  if (result != VK_SUCCESS) return vulkan_error(result, "Recording commands");
  return recorded;
}

Result<VkBufferView> Recorder::view(VulkanList& recorded, const gpu::Binding& binding,
                                    VkFormat format) {
  VkBufferView& made =
      views_[{uint64_t{binding.buffer} << 32 | static_cast<uint32_t>(format), binding.offset}];
  if (made != VK_NULL_HANDLE) return made;
  VkBufferViewCreateInfo create{};
  create.sType = VK_STRUCTURE_TYPE_BUFFER_VIEW_CREATE_INFO;
  create.buffer = buffers_.handle(binding.buffer);
  create.format = format;
  create.offset = binding.offset;
  create.range = binding.bytes;
  const VkResult result = vkCreateBufferView(device_, &create, nullptr, &made);
  if (result != VK_SUCCESS) return vulkan_error(result, "Viewing weights as texels");
  recorded.views.push_back(made);
  return made;
}

Result<VkDescriptorSet> Recorder::bind(VulkanList& recorded, const gpu::Dispatch& dispatch) {
  const bool texel = dispatch.variant.texel;
  const VkDescriptorSetLayout layout = pipelines_.set_layout(texel);
  VkDescriptorSetAllocateInfo allocate{};
  allocate.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO;
  allocate.descriptorPool = recorded.descriptors;
  allocate.descriptorSetCount = 1;
  allocate.pSetLayouts = &layout;
  VkDescriptorSet set = VK_NULL_HANDLE;
  const VkResult result = vkAllocateDescriptorSets(device_, &allocate, &set);
  if (result != VK_SUCCESS) return vulkan_error(result, "Allocating descriptors");
  std::array<VkDescriptorBufferInfo, gpu::kMaxBindings> infos{};
  std::array<VkBufferView, gpu::kMaxBindings> views{};
  std::array<VkWriteDescriptorSet, gpu::kMaxBindings> writes{};
  for (uint32_t b = 0; b < gpu::kMaxBindings; ++b) {
    // A kernel with fewer bindings still needs every slot valid: the last one is repeated.
    const gpu::Binding& binding =
        dispatch.bindings[std::min<size_t>(b, dispatch.bindings.size() - 1)];
    writes[b].sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET;
    writes[b].dstSet = set;
    writes[b].dstBinding = b;
    writes[b].descriptorCount = 1;
    writes[b].descriptorType = Pipelines::binding_type(texel, b);
    if (writes[b].descriptorType == VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER) {
      NPB_TRY_ASSIGN(views[b], view(recorded, binding,
                                    b == 0 ? VK_FORMAT_R32G32B32A32_UINT : VK_FORMAT_R32_UINT));
      writes[b].pTexelBufferView = &views[b];
    } else {
      infos[b] = {buffers_.handle(binding.buffer), binding.offset, binding.bytes};
      writes[b].pBufferInfo = &infos[b];
    }
  }
  vkUpdateDescriptorSets(device_, static_cast<uint32_t>(writes.size()), writes.data(), 0, nullptr);
  return set;
}

Result<void> Recorder::launch(VulkanList& recorded, VkCommandBuffer commands,
                              const gpu::Dispatch& dispatch) {
  NPB_TRY_ASSIGN(const VkPipeline pipeline, pipelines_.get(dispatch));
  NPB_TRY_ASSIGN(const VkDescriptorSet set, bind(recorded, dispatch));
  const VkPipelineLayout layout = pipelines_.layout(dispatch.variant.texel);
  vkCmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline);
  vkCmdBindDescriptorSets(commands, VK_PIPELINE_BIND_POINT_COMPUTE, layout, 0, 1, &set, 0, nullptr);
  vkCmdPushConstants(commands, layout, VK_SHADER_STAGE_COMPUTE_BIT, 0,
                     static_cast<uint32_t>(dispatch.push.size() * 4), dispatch.push.data());
  vkCmdDispatch(commands, dispatch.groups[0], dispatch.groups[1], dispatch.groups[2]);
  return {};
}

}  // namespace npb::vulkan

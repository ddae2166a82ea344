// Launch lists as command buffers, with the device's clock around them.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "backends/vulkan/buffers.h"
#include "backends/vulkan/pipelines.h"

namespace npb::vulkan {

struct VulkanList : gpu::RecordedList {
  VulkanList(VkDevice d, VkCommandPool p, const bool& h) : device(d), pool(p), hung(h) {}
  ~VulkanList() override;
  VkDevice device;
  VkCommandPool pool;
  const bool& hung;  // the device's: it still holds the commands, so they can't be freed
  std::vector<VkCommandBuffer> commands;  // more than one only where long submissions hang
  std::vector<VkBufferView> views;
  VkDescriptorPool descriptors = VK_NULL_HANDLE;
  VkQueryPool queries = VK_NULL_HANDLE;  // null when the queue has no timestamps
  uint32_t query_count = 0;
  VkFence fence = VK_NULL_HANDLE;
  /// Where the device leaves the two stamps around all launches for the host. Asking the driver for
  /// them instead waits for whatever runs meanwhile on some (lavapipe locks its queue).
  const uint64_t* stamps = nullptr;
};

/// A place in host-visible memory for the two stamps of a list.
struct StampSlot {
  VkBuffer buffer = VK_NULL_HANDLE;
  uint64_t offset = 0;
  const uint64_t* mapped = nullptr;
};

/// A stamp costs about 20 us on some drivers: one pair by default, a pair per launch only for
/// profiles.
enum class Stamps { around_all, around_each };

class Recorder {
 public:
  Recorder(const PhysicalDevice& physical, VkDevice device, VkCommandPool pool, const bool& hung,
           const Buffers& buffers, Pipelines& pipelines)
      : physical_(physical),
        device_(device),
        pool_(pool),
        hung_(hung),
        buffers_(buffers),
        pipelines_(pipelines) {}

  /// `slot` is for Stamps::around_all.
  Result<std::unique_ptr<VulkanList>> record(std::span<const gpu::Dispatch> list, Stamps stamps,
                                             const StampSlot& slot);

 private:
  Result<void> prepare(VulkanList& recorded, uint32_t count, Stamps stamps) const;
  Result<void> launch(VulkanList& recorded, VkCommandBuffer commands,
                      const gpu::Dispatch& dispatch);
  Result<VkDescriptorSet> bind(VulkanList& recorded, const gpu::Dispatch& dispatch);
  /// A texel view of a weight binding: quants by four words, scales by one.
  Result<VkBufferView> view(VulkanList& recorded, const gpu::Binding& binding, VkFormat format);

  const PhysicalDevice& physical_;
  VkDevice device_;
  VkCommandPool pool_;
  const bool& hung_;
  const Buffers& buffers_;
  Pipelines& pipelines_;
  std::map<std::pair<uint64_t, uint64_t>, VkBufferView> views_;  // by (buffer and format, offset)
};

/// A primary command buffer, begun.
Result<VkCommandBuffer> begin_commands(VkDevice device, VkCommandPool pool);
void memory_barrier(VkCommandBuffer commands, VkPipelineStageFlags from, VkAccessFlags wrote,
                    VkPipelineStageFlags to, VkAccessFlags reads);

}  // namespace npb::vulkan

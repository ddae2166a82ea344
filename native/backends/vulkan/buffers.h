// Buffers with memory of their own: a handful of large ones, so no allocator is needed.
#pragma once

#include <vector>

#include "backends/vulkan/instance.h"

namespace npb::vulkan {

class Buffers {
 public:
  Buffers(const PhysicalDevice& physical, VkDevice device) : physical_(physical), device_(device) {}
  ~Buffers();
  Buffers(const Buffers&) = delete;
  Buffers& operator=(const Buffers&) = delete;

  Result<gpu::BufferId> create(uint64_t bytes, gpu::BufferKind kind);
  VkBuffer handle(gpu::BufferId id) const { return buffers_[id].handle; }
  /// Null for memory that the host can't see.
  std::byte* mapped(gpu::BufferId id) const { return buffers_[id].mapped; }
  uint64_t bytes(gpu::BufferId id) const { return buffers_[id].bytes; }
  /// Host-visible scratch for transfers to invisible memory, made at the first need.
  Result<gpu::BufferId> staging();
  static constexpr uint64_t kStagingBytes = 8u << 20;

 private:
  struct Buffer {
    VkBuffer handle = VK_NULL_HANDLE;
    VkDeviceMemory memory = VK_NULL_HANDLE;
    uint64_t bytes = 0;
    std::byte* mapped = nullptr;
  };
  /// The memory type for a kind of buffer among those allowed, best first; -1 if there is none.
  int memory_type(uint32_t allowed, gpu::BufferKind kind) const;
  Error out_of_memory(uint64_t bytes, VkResult result) const;

  const PhysicalDevice& physical_;
  VkDevice device_;
  std::vector<Buffer> buffers_;
  uint64_t held_bytes_ = 0;
  gpu::BufferId staging_ = gpu::kNoBuffer;
};

}  // namespace npb::vulkan

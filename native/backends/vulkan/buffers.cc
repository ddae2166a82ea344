#include "backends/vulkan/buffers.h"

#include <algorithm>

namespace npb::vulkan {

Buffers::~Buffers() {
  for (const Buffer& buffer : buffers_) {
    vkDestroyBuffer(device_, buffer.handle, nullptr);
    vkFreeMemory(device_, buffer.memory, nullptr);
  }
}

int Buffers::memory_type(uint32_t allowed, gpu::BufferKind kind) const {
  constexpr VkMemoryPropertyFlags kVisible =
      VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
  const bool shared = kind == gpu::BufferKind::host_shared;
  // Each list best first. Unified memory lets weights be written where they lie.
  const std::vector<VkMemoryPropertyFlags> wishes =
      shared ? std::vector<VkMemoryPropertyFlags>{kVisible | VK_MEMORY_PROPERTY_HOST_CACHED_BIT,
                                                  kVisible}
      : physical_.limits.unified_memory
          ? std::vector<VkMemoryPropertyFlags>{VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT | kVisible,
                                               VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT}
          : std::vector<VkMemoryPropertyFlags>{VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT, kVisible};
  for (VkMemoryPropertyFlags wish : wishes)
    for (uint32_t i = 0; i < physical_.memory.memoryTypeCount; ++i)
      if ((allowed >> i & 1u) && (physical_.memory.memoryTypes[i].propertyFlags & wish) == wish)
        return static_cast<int>(i);
  return -1;
}

Error Buffers::out_of_memory(uint64_t bytes, VkResult result) const {
  std::string available = gpu::memory_in_all(physical_.info.memory_bytes, held_bytes_);
  if (physical_.memory_budget) {
    VkPhysicalDeviceMemoryBudgetPropertiesEXT budget{};
    budget.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_BUDGET_PROPERTIES_EXT;
    VkPhysicalDeviceMemoryProperties2 memory{};
    memory.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_PROPERTIES_2;
    memory.pNext = &budget;
    vkGetPhysicalDeviceMemoryProperties2(physical_.handle, &memory);
    uint64_t most = 0;
    for (uint32_t i = 0; i < memory.memoryProperties.memoryHeapCount; ++i)
      if (budget.heapBudget[i] > budget.heapUsage[i])
        most = std::max(most, budget.heapBudget[i] - budget.heapUsage[i]);
    available = std::to_string(most >> 20) + " MiB are free";
  }
  return gpu::out_of_memory(bytes, result_name(result), available);
}

Result<gpu::BufferId> Buffers::create(uint64_t bytes, gpu::BufferKind kind) {
  Buffer buffer;
  buffer.bytes = bytes;
  VkBufferCreateInfo create{};
  create.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO;
  create.size = bytes;
  create.usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_UNIFORM_BUFFER_BIT |
                 VK_BUFFER_USAGE_UNIFORM_TEXEL_BUFFER_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT |
                 VK_BUFFER_USAGE_TRANSFER_SRC_BIT;
  VkResult result = vkCreateBuffer(device_, &create, nullptr, &buffer.handle);
  if (result != VK_SUCCESS) return vulkan_error(result, "Creating a buffer");
  // From here the buffer is ours to destroy, whatever fails next.
  buffers_.push_back(buffer);
  Buffer& made = buffers_.back();
  VkMemoryRequirements needs;
  vkGetBufferMemoryRequirements(device_, made.handle, &needs);
  const int type = memory_type(needs.memoryTypeBits, kind);
  if (type < 0)
    return Error{
        ErrorCode::unsupported,
        "The GPU offers no memory that the host can share; use --backend opencl or --device cpu."};
  VkMemoryAllocateInfo allocate{};
  allocate.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO;
  allocate.allocationSize = needs.size;
  allocate.memoryTypeIndex = static_cast<uint32_t>(type);
  result = vkAllocateMemory(device_, &allocate, nullptr, &made.memory);
  if (result == VK_ERROR_OUT_OF_DEVICE_MEMORY || result == VK_ERROR_OUT_OF_HOST_MEMORY ||
      result == VK_ERROR_TOO_MANY_OBJECTS)
    return out_of_memory(needs.size, result);
  if (result != VK_SUCCESS) return vulkan_error(result, "Allocating memory");
  held_bytes_ += needs.size;
  result = vkBindBufferMemory(device_, made.handle, made.memory, 0);
  if (result != VK_SUCCESS) return vulkan_error(result, "Binding a buffer");
  const VkMemoryPropertyFlags flags = physical_.memory.memoryTypes[type].propertyFlags;
  // Beside unified memory a visible piece of the device's own is a small window, slow to read.
  const bool wanted = kind == gpu::BufferKind::host_shared || physical_.limits.unified_memory;
  if (wanted && (flags & VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT) &&
      (flags & VK_MEMORY_PROPERTY_HOST_COHERENT_BIT)) {
    void* address = nullptr;
    result = vkMapMemory(device_, made.memory, 0, VK_WHOLE_SIZE, 0, &address);
    if (result != VK_SUCCESS) return vulkan_error(result, "Mapping a buffer");
    made.mapped = static_cast<std::byte*>(address);
  }
  return static_cast<gpu::BufferId>(buffers_.size() - 1);
}

Result<gpu::BufferId> Buffers::staging() {
  if (staging_ == gpu::kNoBuffer) {
    NPB_TRY_ASSIGN(staging_, create(kStagingBytes, gpu::BufferKind::host_shared));
  }
  return staging_;
}

}  // namespace npb::vulkan

// Compute pipelines by kernel, weight format and variant; made once each, at the first need.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <tuple>

#include "backends/vulkan/instance.h"

namespace npb::vulkan {

class Pipelines {
 public:
  /// `cache_folder` empty: compiled kernels are not kept.
  static Result<std::unique_ptr<Pipelines>> make(const VkPhysicalDeviceProperties& properties,
                                                 VkDevice device,
                                                 const std::filesystem::path& cache_folder);
  ~Pipelines();
  Pipelines(const Pipelines&) = delete;
  Pipelines& operator=(const Pipelines&) = delete;

  /// Errors: unsupported, when the driver refuses the kernel (some do, silently or not).
  Result<VkPipeline> get(const gpu::Dispatch& dispatch);
  /// Two shapes of bindings: all storage buffers, or weights as texel and x as uniform buffers.
  VkPipelineLayout layout(bool texel) const { return shapes_[texel].layout; }
  VkDescriptorSetLayout set_layout(bool texel) const { return shapes_[texel].set; }
  /// Writes the pipeline cache to its file, if kernels were compiled that it lacked.
  gpu::KernelCache keep() const;
  static VkDescriptorType binding_type(bool texel, uint32_t binding);

 private:
  Pipelines(VkDevice device, gpu::KernelCacheFile file) : device_(device), file_(std::move(file)) {}
  Result<void> initialize();

  using Key = std::tuple<std::string, uint32_t, uint32_t, uint32_t, uint32_t, uint32_t, uint32_t>;
  struct Shape {
    VkDescriptorSetLayout set = VK_NULL_HANDLE;
    VkPipelineLayout layout = VK_NULL_HANDLE;
  };
  VkDevice device_;
  Shape shapes_[2];  // [texel]
  gpu::KernelCacheFile file_;
  std::vector<std::byte> kept_;  // what the file held
  VkPipelineCache cache_ = VK_NULL_HANDLE;
  std::map<Key, VkPipeline> pipelines_;
};

/// "matvec.q4.sg": the SPIR-V module of a launch.
std::string module_name(const gpu::Dispatch& dispatch);

}  // namespace npb::vulkan

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
  static Result<std::unique_ptr<Pipelines>> make(VkDevice device);
  ~Pipelines();
  Pipelines(const Pipelines&) = delete;
  Pipelines& operator=(const Pipelines&) = delete;

  /// Errors: unsupported, when the driver refuses the kernel (some do, silently or not).
  Result<VkPipeline> get(const gpu::Dispatch& dispatch);
  VkPipelineLayout layout() const { return layout_; }
  VkDescriptorSetLayout set_layout() const { return set_layout_; }

 private:
  explicit Pipelines(VkDevice device) : device_(device) {}
  Result<void> initialize();

  using Key = std::tuple<std::string, uint32_t, uint32_t, uint32_t, uint32_t>;
  VkDevice device_;
  VkDescriptorSetLayout set_layout_ = VK_NULL_HANDLE;
  VkPipelineLayout layout_ = VK_NULL_HANDLE;
  VkPipelineCache cache_ = VK_NULL_HANDLE;
  std::map<Key, VkPipeline> pipelines_;
};

/// "matvec.q4.sg": the SPIR-V module of a launch.
std::string module_name(const gpu::Dispatch& dispatch);

}  // namespace npb::vulkan

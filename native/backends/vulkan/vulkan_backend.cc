#include "backends/vulkan/vulkan_backend.h"

#include "backends/gpu/session.h"
#include "backends/vulkan/device.h"
#include "core/clock.h"

namespace npb {
namespace {

class VulkanBackend : public Backend {
 public:
  const char* id() const override { return "vulkan"; }
  DeviceKind kind() const override { return DeviceKind::gpu; }

  ProbeResult probe(const SessionOptions&) const override {
    const auto devices = vulkan::physical_devices();
    if (!devices.ok()) return gpu::unavailable_probe(devices.error());
    ProbeResult result;
    for (const vulkan::PhysicalDevice& device : *devices) result.devices.push_back(device.info);
    return result;
  }

  Result<std::unique_ptr<Session>> open(Graph graph, const SessionOptions& options) const override {
    const uint64_t begin = now_ns();
    NPB_TRY_ASSIGN(const std::vector<vulkan::PhysicalDevice> devices, vulkan::physical_devices());
    for (const vulkan::PhysicalDevice& physical : devices) {
      if (physical.info.index != options.device_index) continue;
      NPB_TRY_ASSIGN(std::unique_ptr<vulkan::VulkanDevice> device,
                     vulkan::VulkanDevice::open(physical, gpu::kernel_cache_folder(options)));
      return gpu::open_session(std::move(device), std::move(graph), options, begin, now_ns());
    }
    return Error{ErrorCode::not_found, "There is no Vulkan device " +
                                           std::to_string(options.device_index) +
                                           "; `npu-bench devices` lists those that there are."};
  }
};

}  // namespace

const Backend& vulkan_backend() {
  static const VulkanBackend backend;
  return backend;
}

}  // namespace npb

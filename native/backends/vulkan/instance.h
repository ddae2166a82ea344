// The Vulkan loader and its devices. One instance per process, made at the first need.
#pragma once

#define VK_NO_PROTOTYPES
#include <volk.h>

#include <string>
#include <vector>

#include "backends/backend.h"
#include "backends/gpu/device.h"

namespace npb::vulkan {

/// "VK_ERROR_DEVICE_LOST (-4)": the constant's name where it is a known one.
std::string result_name(VkResult result);
/// A failed call as an error: out of memory and a lost device have codes of their own.
Error vulkan_error(VkResult result, const std::string& what);

struct PhysicalDevice {
  VkPhysicalDevice handle = VK_NULL_HANDLE;
  VkPhysicalDeviceProperties properties{};
  VkPhysicalDeviceMemoryProperties memory{};
  uint32_t queue_family = 0;
  uint32_t timestamp_valid_bits = 0;
  bool memory_budget = false;
  /// The extension that relates the device's clock to CLOCK_MONOTONIC; null where there is none.
  const char* calibrated_timestamps = nullptr;
  DeviceInfo info;
  gpu::Limits limits;
};

/// Compute-capable devices, in the loader's order. Errors: device_unavailable, with the remedy
/// after a line break.
Result<std::vector<PhysicalDevice>> physical_devices();
Result<VkInstance> instance();

}  // namespace npb::vulkan

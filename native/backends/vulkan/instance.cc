#include "backends/vulkan/instance.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <optional>

namespace npb::vulkan {
namespace {

constexpr uint32_t kQualcommVendor = 0x5143;

std::string version_text(uint32_t version) {
  return std::to_string(VK_API_VERSION_MAJOR(version)) + "." +
         std::to_string(VK_API_VERSION_MINOR(version)) + "." +
         std::to_string(VK_API_VERSION_PATCH(version));
}

Result<VkInstance> make_instance() {
  if (volkInitialize() != VK_SUCCESS)
    return Error{ErrorCode::device_unavailable,
                 "No Vulkan loader (libvulkan.so.1, vulkan-1.dll) is installed; install the "
                 "device's GPU driver, or libvulkan1 and the driver's ICD."};
  if (volkGetInstanceVersion() < VK_API_VERSION_1_1)
    return Error{ErrorCode::device_unavailable,
                 "The Vulkan loader is older than 1.1; update the GPU driver."};
  VkApplicationInfo app{};
  app.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO;
  app.pApplicationName = "npu-bench";
  app.apiVersion = VK_API_VERSION_1_1;
  VkInstanceCreateInfo create{};
  create.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO;
  create.pApplicationInfo = &app;
  VkInstance instance = VK_NULL_HANDLE;
  const VkResult result = vkCreateInstance(&create, nullptr, &instance);
  if (result != VK_SUCCESS)
    return Error{ErrorCode::device_unavailable,
                 "Vulkan could not start (" + result_name(result) +
                     "); check that an ICD of the GPU's driver is installed (VK_DRIVER_FILES)."};
  volkLoadInstance(instance);  // through the instance: several devices may be open at once
  return instance;
}

void read_limits(PhysicalDevice& device) {
  VkPhysicalDeviceSubgroupProperties subgroup{};
  subgroup.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_PROPERTIES;
  VkPhysicalDeviceMaintenance3Properties maintenance{};
  maintenance.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_3_PROPERTIES;
  maintenance.pNext = &subgroup;
  VkPhysicalDeviceProperties2 properties{};
  properties.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2;
  properties.pNext = &maintenance;
  vkGetPhysicalDeviceProperties2(device.handle, &properties);
  const VkPhysicalDeviceLimits& limits = device.properties.limits;

  gpu::Limits& out = device.limits;
  out.subgroup_size = subgroup.subgroupSize;
  out.subgroup_arithmetic = (subgroup.supportedStages & VK_SHADER_STAGE_COMPUTE_BIT) &&
                            (subgroup.supportedOperations & VK_SUBGROUP_FEATURE_ARITHMETIC_BIT);
  out.max_workgroup_size =
      std::min(limits.maxComputeWorkGroupInvocations, limits.maxComputeWorkGroupSize[0]);
  out.max_shared_bytes = limits.maxComputeSharedMemorySize;
  out.max_groups = std::min(limits.maxComputeWorkGroupCount[0], limits.maxComputeWorkGroupCount[1]);
  out.max_binding_bytes = limits.maxStorageBufferRange;
  out.max_allocation_bytes = maintenance.maxMemoryAllocationSize;
  out.max_texel_elements = limits.maxTexelBufferElements;
  out.max_uniform_bytes = limits.maxUniformBufferRange;
  out.binding_alignment = static_cast<uint32_t>(std::max<VkDeviceSize>(
      {limits.minStorageBufferOffsetAlignment, limits.minTexelBufferOffsetAlignment, 16}));
  out.software = device.properties.deviceType == VK_PHYSICAL_DEVICE_TYPE_CPU;
  // Long submissions have hung or lost Qualcomm's device (llama.cpp issue 5186).
  out.max_dispatches_per_submit = device.properties.vendorID == kQualcommVendor ? 100 : 0;
  for (uint32_t i = 0; i < device.memory.memoryTypeCount; ++i) {
    const VkMemoryPropertyFlags both =
        VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT | VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT;
    const VkMemoryType& type = device.memory.memoryTypes[i];
    // A small window into device memory isn't unified memory.
    if ((type.propertyFlags & both) == both &&
        device.memory.memoryHeaps[type.heapIndex].size >= (1ull << 30))
      out.unified_memory = true;
  }
}

void read_info(PhysicalDevice& device, uint32_t index) {
  VkPhysicalDeviceDriverProperties driver{};
  driver.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES;
  VkPhysicalDeviceProperties2 properties{};
  properties.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2;
  if (device.properties.apiVersion >= VK_API_VERSION_1_2) properties.pNext = &driver;
  vkGetPhysicalDeviceProperties2(device.handle, &properties);
  DeviceInfo& info = device.info;
  info.kind = DeviceKind::gpu;
  info.backend = "vulkan";
  info.index = index;
  info.name = device.properties.deviceName;
  info.compute_capability = "Vulkan " + version_text(device.properties.apiVersion);
  info.driver = driver.driverName[0] != 0
                    ? std::string(driver.driverName) + " " + driver.driverInfo
                    : "driver " + std::to_string(device.properties.driverVersion);
  info.runtime_version = version_text(device.properties.apiVersion);
  info.software = device.limits.software;
  uint64_t largest = 0;
  for (uint32_t i = 0; i < device.memory.memoryHeapCount; ++i)
    if (device.memory.memoryHeaps[i].flags & VK_MEMORY_HEAP_DEVICE_LOCAL_BIT)
      largest = std::max<uint64_t>(largest, device.memory.memoryHeaps[i].size);
  info.memory_bytes = largest;
  info.properties["subgroup_size"] = std::to_string(device.limits.subgroup_size);
  info.properties["max_storage_buffer_bytes"] = std::to_string(device.limits.max_binding_bytes);
  info.properties["timestamp_period_ns"] = std::to_string(device.properties.limits.timestampPeriod);
  info.properties["calibrated_timestamps"] = device.calibrated_timestamps ? "yes" : "no";
  info.properties["timestamp_valid_bits"] = std::to_string(device.timestamp_valid_bits);
  info.properties["unified_memory"] = device.limits.unified_memory ? "yes" : "no";
}

/// Drivers offer it under either name, with the same functions and structures.
const char* calibration_extension(VkPhysicalDevice handle,
                                  const std::vector<VkExtensionProperties>& extensions) {
  constexpr const char* kNames[] = {"VK_KHR_calibrated_timestamps",
                                    VK_EXT_CALIBRATED_TIMESTAMPS_EXTENSION_NAME};
  constexpr const char* kFunctions[] = {"vkGetPhysicalDeviceCalibrateableTimeDomainsKHR",
                                        "vkGetPhysicalDeviceCalibrateableTimeDomainsEXT"};
  const auto made = instance();
  if (!made.ok()) return nullptr;
  for (size_t i = 0; i < std::size(kNames); ++i) {
    const bool offered = std::any_of(extensions.begin(), extensions.end(), [&](const auto& one) {
      return std::strcmp(one.extensionName, kNames[i]) == 0;
    });
    const auto domains_of = reinterpret_cast<PFN_vkGetPhysicalDeviceCalibrateableTimeDomainsEXT>(
        vkGetInstanceProcAddr(*made, kFunctions[i]));
    if (!offered || !domains_of) continue;
    uint32_t count = 0;
    if (domains_of(handle, &count, nullptr) != VK_SUCCESS) continue;
    std::vector<VkTimeDomainEXT> domains(count);
    if (domains_of(handle, &count, domains.data()) != VK_SUCCESS) continue;
    const auto has = [&](VkTimeDomainEXT domain) {
      return std::find(domains.begin(), domains.end(), domain) != domains.end();
    };
    // now_ns()'s own clock; Windows has another one.
    if (has(VK_TIME_DOMAIN_DEVICE_EXT) && has(VK_TIME_DOMAIN_CLOCK_MONOTONIC_EXT)) return kNames[i];
  }
  return nullptr;
}

std::optional<PhysicalDevice> describe(VkPhysicalDevice handle, uint32_t index) {
  PhysicalDevice device;
  device.handle = handle;
  vkGetPhysicalDeviceProperties(handle, &device.properties);
  if (device.properties.apiVersion < VK_API_VERSION_1_1) return std::nullopt;
  vkGetPhysicalDeviceMemoryProperties(handle, &device.memory);
  uint32_t count = 0;
  vkGetPhysicalDeviceQueueFamilyProperties(handle, &count, nullptr);
  std::vector<VkQueueFamilyProperties> families(count);
  vkGetPhysicalDeviceQueueFamilyProperties(handle, &count, families.data());
  uint32_t family = 0;
  while (family < count && !(families[family].queueFlags & VK_QUEUE_COMPUTE_BIT)) ++family;
  if (family == count) return std::nullopt;
  device.queue_family = family;
  device.timestamp_valid_bits = families[family].timestampValidBits;
  vkEnumerateDeviceExtensionProperties(handle, nullptr, &count, nullptr);
  std::vector<VkExtensionProperties> extensions(count);
  vkEnumerateDeviceExtensionProperties(handle, nullptr, &count, extensions.data());
  for (const VkExtensionProperties& extension : extensions)
    if (std::strcmp(extension.extensionName, VK_EXT_MEMORY_BUDGET_EXTENSION_NAME) == 0)
      device.memory_budget = true;
  device.calibrated_timestamps = calibration_extension(handle, extensions);
  read_limits(device);
  read_info(device, index);
  return device;
}

}  // namespace

std::string result_name(VkResult result) {
  const char* text = "VkResult";
  switch (result) {
    case VK_ERROR_OUT_OF_HOST_MEMORY:
      text = "VK_ERROR_OUT_OF_HOST_MEMORY";
      break;
    case VK_ERROR_OUT_OF_DEVICE_MEMORY:
      text = "VK_ERROR_OUT_OF_DEVICE_MEMORY";
      break;
    case VK_ERROR_INITIALIZATION_FAILED:
      text = "VK_ERROR_INITIALIZATION_FAILED";
      break;
    case VK_ERROR_DEVICE_LOST:
      text = "VK_ERROR_DEVICE_LOST";
      break;
    case VK_ERROR_MEMORY_MAP_FAILED:
      text = "VK_ERROR_MEMORY_MAP_FAILED";
      break;
    case VK_ERROR_LAYER_NOT_PRESENT:
      text = "VK_ERROR_LAYER_NOT_PRESENT";
      break;
    case VK_ERROR_EXTENSION_NOT_PRESENT:
      text = "VK_ERROR_EXTENSION_NOT_PRESENT";
      break;
    case VK_ERROR_FEATURE_NOT_PRESENT:
      text = "VK_ERROR_FEATURE_NOT_PRESENT";
      break;
    case VK_ERROR_INCOMPATIBLE_DRIVER:
      text = "VK_ERROR_INCOMPATIBLE_DRIVER";
      break;
    case VK_ERROR_TOO_MANY_OBJECTS:
      text = "VK_ERROR_TOO_MANY_OBJECTS";
      break;
    case VK_ERROR_FRAGMENTED_POOL:
      text = "VK_ERROR_FRAGMENTED_POOL";
      break;
    case VK_ERROR_OUT_OF_POOL_MEMORY:
      text = "VK_ERROR_OUT_OF_POOL_MEMORY";
      break;
    case VK_ERROR_UNKNOWN:
      text = "VK_ERROR_UNKNOWN";
      break;
    case VK_TIMEOUT:
      text = "VK_TIMEOUT";
      break;
    default:
      break;
  }
  return std::string(text) + " (" + std::to_string(static_cast<int>(result)) + ")";
}

Error vulkan_error(VkResult result, const std::string& what) {
  switch (result) {
    case VK_ERROR_OUT_OF_HOST_MEMORY:
    case VK_ERROR_OUT_OF_DEVICE_MEMORY:
      return {ErrorCode::out_of_memory,
              what + " failed: the GPU has no memory left (" + result_name(result) +
                  "); reduce --batch-size, --input-length or the model's size."};
    case VK_ERROR_DEVICE_LOST:
      return {ErrorCode::device_lost,
              what + " failed: the driver lost the GPU (" + result_name(result) +
                  "); try again with a smaller --input-length, or --backend opencl."};
    case VK_TIMEOUT:
      return {ErrorCode::timeout, what +
                                      " didn't finish: the GPU hangs; try again with a smaller "
                                      "--input-length, or --backend opencl."};
    default:
      return {ErrorCode::internal, what + " failed with " + result_name(result) +
                                       "; update the GPU driver, or try --backend opencl."};
  }
}

Result<VkInstance> instance() {
  static const Result<VkInstance> made = make_instance();
  return made;
}

Result<std::vector<PhysicalDevice>> physical_devices() {
  NPB_TRY_ASSIGN(const VkInstance vulkan, instance());
  uint32_t count = 0;
  VkResult result = vkEnumeratePhysicalDevices(vulkan, &count, nullptr);
  std::vector<VkPhysicalDevice> handles(count);
  if (result == VK_SUCCESS) result = vkEnumeratePhysicalDevices(vulkan, &count, handles.data());
  if (result < 0) return vulkan_error(result, "Listing the Vulkan devices");
  std::vector<PhysicalDevice> devices;
  for (uint32_t i = 0; i < count; ++i)
    if (auto device = describe(handles[i], i)) devices.push_back(std::move(*device));
  if (devices.empty())
    return Error{ErrorCode::device_unavailable,
                 "Vulkan is installed but no device with Vulkan 1.1 compute was found; install the "
                 "GPU's driver, or give this user access to it (/dev/dri/render*, /dev/kgsl-3d0)."};
  return devices;
}

}  // namespace npb::vulkan

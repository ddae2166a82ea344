#include "backends/opencl/platform.h"

#include <algorithm>

namespace npb::opencl {
namespace {

std::string text(const Api& cl, cl_device_id device, cl_device_info what) {
  size_t size = 0;
  if (cl.clGetDeviceInfo(device, what, 0, nullptr, &size) != CL_SUCCESS || size == 0) return {};
  std::string value(size, '\0');
  if (cl.clGetDeviceInfo(device, what, size, value.data(), nullptr) != CL_SUCCESS) return {};
  value.resize(value.find('\0') == std::string::npos ? size : value.find('\0'));
  return value;
}

template <class T>
T number(const Api& cl, cl_device_id device, cl_device_info what, T fallback) {
  T value = fallback;
  return cl.clGetDeviceInfo(device, what, sizeof value, &value, nullptr) == CL_SUCCESS ? value
                                                                                       : fallback;
}

bool has_extension(const std::string& extensions, const std::string& name) {
  return (" " + extensions + " ").find(" " + name + " ") != std::string::npos;
}

PlatformDevice describe(const Api& cl, cl_platform_id platform, cl_device_id device) {
  PlatformDevice out{
      .platform = platform, .device = device, .info = {}, .limits = {}, .performance_hint = false};
  const auto type = number<cl_device_type>(cl, device, CL_DEVICE_TYPE, CL_DEVICE_TYPE_GPU);
  const std::string extensions = text(cl, device, CL_DEVICE_EXTENSIONS);
  gpu::Limits& limits = out.limits;
  limits.max_workgroup_size =
      static_cast<uint32_t>(number<size_t>(cl, device, CL_DEVICE_MAX_WORK_GROUP_SIZE, 64));
  limits.max_shared_bytes =
      static_cast<uint32_t>(number<cl_ulong>(cl, device, CL_DEVICE_LOCAL_MEM_SIZE, 16384));
  limits.max_groups = 1u << 24;  // OpenCL bounds only the total, by size_t
  limits.max_allocation_bytes =
      number<cl_ulong>(cl, device, CL_DEVICE_MAX_MEM_ALLOC_SIZE, 1u << 27);
  limits.max_binding_bytes = limits.max_allocation_bytes;
  limits.binding_alignment =
      std::max<uint32_t>(number<cl_uint>(cl, device, CL_DEVICE_MEM_BASE_ADDR_ALIGN, 1024) / 8, 64);
  limits.unified_memory =
      number<cl_bool>(cl, device, CL_DEVICE_HOST_UNIFIED_MEMORY, CL_FALSE) != CL_FALSE;
  limits.software = (type & CL_DEVICE_TYPE_CPU) != 0;
  limits.integer_dot_product = has_extension(extensions, "cl_khr_integer_dot_product") ||
                               has_extension(extensions, "cl_qcom_dot_product8");
  DeviceInfo& info = out.info;
  info.kind = DeviceKind::gpu;
  info.backend = "opencl";
  info.name = text(cl, device, CL_DEVICE_NAME);
  info.compute_capability = text(cl, device, CL_DEVICE_VERSION);
  info.driver = text(cl, device, CL_DEVICE_VENDOR) + " " + text(cl, device, CL_DRIVER_VERSION);
  info.runtime_version = text(cl, device, CL_DEVICE_VERSION);
  info.memory_bytes = number<cl_ulong>(cl, device, CL_DEVICE_GLOBAL_MEM_SIZE, 0);
  info.software = limits.software;
  info.properties["library"] = cl.path;
  info.properties["max_allocation_bytes"] = std::to_string(limits.max_allocation_bytes);
  info.properties["timer_resolution_ns"] =
      std::to_string(number<size_t>(cl, device, CL_DEVICE_PROFILING_TIMER_RESOLUTION, 0));
  info.properties["extensions"] = extensions;
  out.performance_hint = has_extension(extensions, "cl_qcom_perf_hint");
  info.properties["performance_hint"] = out.performance_hint ? "high" : "none offered";
  return out;
}

}  // namespace

Result<std::vector<PlatformDevice>> platform_devices() {
  NPB_TRY_ASSIGN(const Api* cl, api());
  cl_uint count = 0;
  if (cl->clGetPlatformIDs(0, nullptr, &count) != CL_SUCCESS || count == 0)
    return Error{ErrorCode::device_unavailable,
                 "The OpenCL loader " + cl->path +
                     " knows no platform; install the GPU vendor's OpenCL driver (its .icd file "
                     "belongs in /etc/OpenCL/vendors)."};
  std::vector<cl_platform_id> platforms(count);
  cl->clGetPlatformIDs(count, platforms.data(), nullptr);
  std::vector<PlatformDevice> devices;
  for (cl_platform_id platform : platforms) {
    cl_uint found = 0;
    if (cl->clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 0, nullptr, &found) != CL_SUCCESS)
      continue;
    std::vector<cl_device_id> ids(found);
    cl->clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, found, ids.data(), nullptr);
    for (cl_device_id id : ids) devices.push_back(describe(*cl, platform, id));
  }
  if (devices.empty())
    return Error{ErrorCode::device_unavailable,
                 "OpenCL is installed but no platform has a device; install the GPU's driver, or "
                 "give this user access to it (/dev/kgsl-3d0, /dev/dri/render*)."};
  // The vendor's own platform before layers over other APIs and before CPUs.
  std::stable_sort(devices.begin(), devices.end(),
                   [](const PlatformDevice& a, const PlatformDevice& b) {
                     auto rank = [](const PlatformDevice& d) {
                       return (d.info.driver.find("QUALCOMM") == std::string::npos ? 1 : 0) +
                              (d.limits.software ? 2 : 0);
                     };
                     return rank(a) < rank(b);
                   });
  for (uint32_t i = 0; i < devices.size(); ++i) devices[i].info.index = i;
  return devices;
}

}  // namespace npb::opencl

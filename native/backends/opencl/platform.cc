#include "backends/opencl/platform.h"

#include <algorithm>
#include <cstdlib>

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

bool left_out(const char* part) {
  const char* parts = std::getenv("NPU_BENCH_OPENCL_WITHOUT");
  return parts &&
         (std::string(",") + parts + ",").find(std::string(",") + part + ",") != std::string::npos;
}

PlatformDevice describe(const Api& cl, cl_platform_id platform, cl_device_id device) {
  PlatformDevice out;
  out.platform = platform;
  out.device = device;
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
  limits.software = limits.vector_items = (type & CL_DEVICE_TYPE_CPU) != 0;
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
  detect_features(out);
  return out;
}

}  // namespace

void detect_features(PlatformDevice& out) {
  const auto loaded = api();
  if (!loaded.ok()) return;  // no device was described without it
  const Api& cl = **loaded;
  const std::string extensions = text(cl, out.device, CL_DEVICE_EXTENSIONS);
  const auto offers = [&](const char* part, const char* extension) {
    return has_extension(extensions, extension) && !left_out(part);
  };
  Features& features = out.features;
  features = {};
  features.hints = {offers("hints", "cl_qcom_perf_hint"), offers("hints", "cl_qcom_priority_hint")};
  // Of what follows processors have no use: PoCL replays a command buffer slower than it is told
  // each launch, a work-item reduces its own vectors, and these are f32.
  if (!out.limits.software) {
    features.replay = offers("replay", "cl_qcom_recordable_queues") ? ReplayKind::recording
                      : offers("replay", "cl_khr_command_buffer")   ? ReplayKind::command_buffer
                                                                    : ReplayKind::none;
    const std::string version = text(cl, out.device, CL_DEVICE_OPENCL_C_VERSION);
    const bool c3 = version.find("OpenCL C 3") == 0, c2 = version.find("OpenCL C 2") == 0;
    if ((c2 || c3) && offers("shuffle", "cl_qcom_subgroup_shuffle"))
      features.shuffle = Shuffle::qcom;
    else if ((c2 || c3) && offers("shuffle", "cl_khr_subgroup_shuffle"))
      features.shuffle = Shuffle::khr;
    if (features.shuffle != Shuffle::none) features.c_standard = c3 ? "CL3.0" : "CL2.0";
    out.limits.f16_arithmetic = offers("f16", "cl_khr_fp16");
    if (number<cl_bool>(cl, out.device, CL_DEVICE_IMAGE_SUPPORT, CL_FALSE) && !left_out("images"))
      out.limits.max_image_texels =
          number<size_t>(cl, out.device, CL_DEVICE_IMAGE_MAX_BUFFER_SIZE, 0);
  }
  auto& properties = out.info.properties;
  properties["performance_hint"] = features.hints.performance ? "offered" : "none offered";
  properties["priority_hint"] = features.hints.priority ? "offered" : "none offered";
  properties["replay"] = name(features.replay);
  properties["subgroup_shuffle"] = features.shuffle == Shuffle::qcom  ? "cl_qcom_subgroup_shuffle"
                                   : features.shuffle == Shuffle::khr ? "cl_khr_subgroup_shuffle"
                                                                      : "none";
  properties["f16_arithmetic"] = out.limits.f16_arithmetic ? "yes" : "no";
  properties["image_weights"] = out.limits.max_image_texels > 0 ? "yes" : "no";
}

Result<std::vector<PlatformDevice>> platform_devices() {
  NPB_TRY_ASSIGN(const Api* cl, api());
  const std::vector<std::string> broken = broken_drivers();
  const std::string why = broken.empty() ? "" : ": " + broken[0];
  cl_uint count = 0;
  if (cl->clGetPlatformIDs(0, nullptr, &count) != CL_SUCCESS || count == 0)
    return Error{ErrorCode::device_unavailable,
                 "The OpenCL loader " + cl->path + " knows no platform" + why +
                     "; install the GPU vendor's OpenCL driver (its .icd file belongs in "
                     "/etc/OpenCL/vendors)."};
  std::vector<cl_platform_id> platforms(count);
  cl->clGetPlatformIDs(count, platforms.data(), nullptr);
  std::vector<PlatformDevice> devices;
  std::string failure;  // of a platform that has no usable device
  for (cl_platform_id platform : platforms) {
    cl_uint found = 0;
    const cl_int status = cl->clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 0, nullptr, &found);
    if (status != CL_SUCCESS) {
      failure = " (the driver says " + status_name(status) + ")";
      continue;
    }
    std::vector<cl_device_id> ids(found);
    cl->clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, found, ids.data(), nullptr);
    for (cl_device_id id : ids) devices.push_back(describe(*cl, platform, id));
  }
  if (devices.empty())
    return Error{ErrorCode::device_unavailable,
                 "OpenCL is installed but no platform has a device" + failure + why +
                     "; install the GPU's driver, or give this user access to it (/dev/kgsl-3d0, "
                     "/dev/dri/render*)."};
  // The vendor's own platform before layers over other APIs and before CPUs.
  std::stable_sort(devices.begin(), devices.end(),
                   [](const PlatformDevice& a, const PlatformDevice& b) {
                     auto rank = [](const PlatformDevice& d) {
                       return (d.info.driver.find("QUALCOMM") == std::string::npos ? 1 : 0) +
                              (d.limits.software ? 2 : 0);
                     };
                     return rank(a) < rank(b);
                   });
  for (uint32_t i = 0; i < devices.size(); ++i) {
    devices[i].info.index = i;
    if (!broken.empty()) devices[i].info.properties["broken_drivers"] = broken[0];
  }
  return devices;
}

}  // namespace npb::opencl

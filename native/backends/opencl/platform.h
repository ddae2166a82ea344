// OpenCL platforms and devices, Qualcomm's first.
#pragma once

#include <vector>

#include "backends/backend.h"
#include "backends/gpu/device.h"
#include "backends/opencl/loader.h"

namespace npb::opencl {

struct PlatformDevice {
  cl_platform_id platform = nullptr;
  cl_device_id device = nullptr;
  DeviceInfo info;
  gpu::Limits limits;
  /// cl_qcom_perf_hint: without it Adreno's clock follows the load, and a short step is measured at
  /// a low one. Set to high in every context, and told in info.properties, as it changes speed and
  /// power.
  bool performance_hint = false;
};

/// Errors: device_unavailable, "reason; remedy".
Result<std::vector<PlatformDevice>> platform_devices();

}  // namespace npb::opencl

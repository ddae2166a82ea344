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
};

/// Errors: device_unavailable, "reason; remedy".
Result<std::vector<PlatformDevice>> platform_devices();

}  // namespace npb::opencl

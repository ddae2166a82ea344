// OpenCL platforms and devices, Qualcomm's first.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "backends/backend.h"
#include "backends/gpu/device.h"
#include "backends/opencl/hints.h"
#include "backends/opencl/loader.h"
#include "backends/opencl/replay.h"

namespace npb::opencl {

/// How work-items of a subgroup read each other's registers.
enum class Shuffle { none, khr, qcom };

/// What a device offers beyond OpenCL 1.2 and this program uses. Every part may be absent.
/// NPU_BENCH_OPENCL_WITHOUT (a list of "hints", "replay", "images", "shuffle", "f16") leaves parts
/// unused: to see what one is worth, or to get around a driver that has it wrong.
struct Features {
  HintSupport hints;
  ReplayKind replay = ReplayKind::none;
  Shuffle shuffle = Shuffle::none;
  std::string c_standard = "CL1.2";  // for -cl-std; newer only where a feature needs it
};

struct PlatformDevice {
  cl_platform_id platform = nullptr;
  cl_device_id device = nullptr;
  DeviceInfo info;
  gpu::Limits limits;
  Features features;
  Hints wanted;                                   // of those that it offers
  std::chrono::milliseconds wait_limit{120'000};  // longest wait for one submission
};

/// Fills `features`, and the limits that belong to them, by what the device offers and by whether
/// it is a processor.
void detect_features(PlatformDevice& device);

/// Errors: device_unavailable, "reason; remedy".
Result<std::vector<PlatformDevice>> platform_devices();

}  // namespace npb::opencl

#include "backends/opencl/opencl_backend.h"

#include "backends/gpu/session.h"
#include "backends/opencl/device.h"
#include "core/clock.h"

namespace npb {
namespace {

Result<opencl::Hints> wanted_hints(const SessionOptions& options) {
  const auto named = options.extra.find("perf_profile");
  return opencl::hints_for(named == options.extra.end() ? std::string() : named->second);
}

/// The hints change speed and power, so the device's properties say what is asked for.
void tell(const opencl::Hints& wanted, opencl::PlatformDevice& device) {
  auto& properties = device.info.properties;
  if (device.features.hints.performance)
    properties["performance_hint"] = opencl::name(wanted.performance);
  if (device.features.hints.priority) properties["priority_hint"] = opencl::name(wanted.priority);
}

class OpenClBackend : public Backend {
 public:
  const char* id() const override { return "opencl"; }
  DeviceKind kind() const override { return DeviceKind::gpu; }

  ProbeResult probe(const SessionOptions& options) const override {
    const auto devices = opencl::platform_devices();
    if (!devices.ok()) return gpu::unavailable_probe(devices.error());
    const auto hints = wanted_hints(options);
    ProbeResult result;
    for (opencl::PlatformDevice device : *devices) {
      if (hints.ok()) tell(*hints, device);
      result.devices.push_back(device.info);
    }
    return result;
  }

  Result<std::unique_ptr<Session>> open(Graph graph, const SessionOptions& options) const override {
    const uint64_t begin = now_ns();
    NPB_TRY_ASSIGN(const std::vector<opencl::PlatformDevice> devices, opencl::platform_devices());
    if (options.device_index >= devices.size())
      return Error{ErrorCode::not_found, "There is no OpenCL device " +
                                             std::to_string(options.device_index) +
                                             "; `npu-bench devices` lists those that there are."};
    opencl::PlatformDevice chosen = devices[options.device_index];
    NPB_TRY_ASSIGN(chosen.wanted, wanted_hints(options));
    tell(chosen.wanted, chosen);
    NPB_TRY_ASSIGN(std::unique_ptr<opencl::OpenClDevice> device,
                   opencl::OpenClDevice::open(chosen, gpu::kernel_cache_folder(options)));
    return gpu::open_session(std::move(device), std::move(graph), options, begin, now_ns());
  }
};

}  // namespace

const Backend& opencl_backend() {
  static const OpenClBackend backend;
  return backend;
}

}  // namespace npb

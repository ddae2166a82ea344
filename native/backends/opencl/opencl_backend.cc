#include "backends/opencl/opencl_backend.h"

#include "backends/gpu/session.h"
#include "backends/opencl/device.h"
#include "core/clock.h"

namespace npb {
namespace {

class OpenClBackend : public Backend {
 public:
  const char* id() const override { return "opencl"; }
  DeviceKind kind() const override { return DeviceKind::gpu; }

  ProbeResult probe(const SessionOptions&) const override {
    const auto devices = opencl::platform_devices();
    if (!devices.ok()) return gpu::unavailable_probe(devices.error());
    ProbeResult result;
    for (const opencl::PlatformDevice& device : *devices) result.devices.push_back(device.info);
    return result;
  }

  Result<std::unique_ptr<Session>> open(Graph graph, const SessionOptions& options) const override {
    const uint64_t begin = now_ns();
    NPB_TRY_ASSIGN(const std::vector<opencl::PlatformDevice> devices, opencl::platform_devices());
    if (options.device_index >= devices.size())
      return Error{ErrorCode::not_found, "There is no OpenCL device " +
                                             std::to_string(options.device_index) +
                                             "; `npu-bench devices` lists those that there are."};
    NPB_TRY_ASSIGN(std::unique_ptr<opencl::OpenClDevice> device,
                   opencl::OpenClDevice::open(devices[options.device_index],
                                              gpu::kernel_cache_folder(options)));
    return gpu::open_session(std::move(device), std::move(graph), options, begin, now_ns());
  }
};

}  // namespace

const Backend& opencl_backend() {
  static const OpenClBackend backend;
  return backend;
}

}  // namespace npb

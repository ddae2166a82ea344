#include "backends/xnnpack/xnnpack_backend.h"

#include <utility>

#include "backends/xnnpack/kernels/kernels.h"
#include "backends/xnnpack/session.h"
#include "core/cpu_info.h"

#if defined(__unix__)
#include <unistd.h>
#endif

namespace npb {
namespace {

std::optional<uint64_t> physical_memory_bytes() {
#if defined(_SC_PHYS_PAGES)
  const long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
  if (pages > 0 && size > 0) return static_cast<uint64_t>(pages) * static_cast<uint64_t>(size);
#endif
  return std::nullopt;
}

class XnnpackBackend final : public Backend {
 public:
  const char* id() const override { return "xnnpack"; }
  DeviceKind kind() const override { return DeviceKind::cpu; }

  ProbeResult probe(const SessionOptions&) const override {
    const CpuInfo& cpu = cpu_info();
    DeviceInfo device;
    device.kind = DeviceKind::cpu;
    device.backend = id();
    device.name = cpu.name.empty() ? "CPU" : cpu.name;
    device.compute_capability = cpu::kernels().name;
#ifdef NPB_XNNPACK_VERSION
    device.runtime_version = "XNNPACK " NPB_XNNPACK_VERSION;
#endif
    device.memory_bytes = physical_memory_bytes();
    std::string features;
    for (const std::string& feature : cpu.features) {
      if (!features.empty()) features += ' ';
      features += feature;
    }
    device.properties["features"] = features;
    device.properties["logical_cpus"] = std::to_string(cpu.logical_cpus);
    device.properties["performance_cores"] = std::to_string(cpu.performance_cpus.size());
    if (cpu.l2_bytes) device.properties["l2_cache_bytes"] = std::to_string(*cpu.l2_bytes);
    if (cpu.l3_bytes) device.properties["l3_cache_bytes"] = std::to_string(*cpu.l3_bytes);
    return {{std::move(device)}, std::nullopt};
  }

  Result<std::unique_ptr<Session>> open(Graph graph, const SessionOptions& options) const override {
    if (options.device_index != 0) {
      return Error{ErrorCode::invalid_argument, "There is one CPU device: its index is 0."};
    }
    return cpu::open_session(std::move(graph), options);
  }
};

}  // namespace

const Backend& xnnpack_backend() {
  static const XnnpackBackend backend;
  return backend;
}

}  // namespace npb

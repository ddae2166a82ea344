// The two graphics APIs as tests open them: with limits changed, or with functions replaced.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "backends/gpu/session.h"
#include "backends/opencl/device.h"
#include "backends/vulkan/device.h"
#include "core/clock.h"

namespace npb::test {

struct GpuApi {
  std::string id;
  /// The first device, its limits changed by `edit`; a null pointer where the API has none here.
  std::function<Result<std::unique_ptr<gpu::Device>>(std::function<void(gpu::Limits&)> edit,
                                                     const std::filesystem::path& cache)>
      open;
};

inline std::vector<GpuApi> gpu_apis() {
  const char* only = std::getenv("NPB_TEST_GPU_API");
  std::vector<GpuApi> apis;
  if (auto devices = vulkan::physical_devices();
      devices.ok() && (!only || std::string(only) == "vulkan"))
    apis.push_back({"vulkan",
                    [first = (*devices)[0]](
                        auto edit, const auto& cache) -> Result<std::unique_ptr<gpu::Device>> {
                      vulkan::PhysicalDevice physical = first;
                      edit(physical.limits);
                      NPB_TRY_ASSIGN(std::unique_ptr<gpu::Device> device,
                                     vulkan::VulkanDevice::open(physical, cache));
                      return device;
                    }});
  if (auto devices = opencl::platform_devices();
      devices.ok() && (!only || std::string(only) == "opencl"))
    apis.push_back({"opencl",
                    [first = (*devices)[0]](
                        auto edit, const auto& cache) -> Result<std::unique_ptr<gpu::Device>> {
                      opencl::PlatformDevice platform = first;
                      edit(platform.limits);
                      NPB_TRY_ASSIGN(std::unique_ptr<gpu::Device> device,
                                     opencl::OpenClDevice::open(platform, cache));
                      return device;
                    }});
  return apis;
}

inline Result<std::unique_ptr<Session>> open_session(
    const GpuApi& api, const std::shared_ptr<const Model>& model, const SessionOptions& options,
    std::function<void(gpu::Limits&)> edit = [](gpu::Limits&) {},
    const std::filesystem::path& cache = {}) {
  const uint64_t begin = now_ns();
  NPB_TRY_ASSIGN(std::unique_ptr<gpu::Device> device, api.open(edit, cache));
  NPB_TRY_ASSIGN(Graph graph, build_graph(model, {}));
  return gpu::open_session(std::move(device), std::move(graph), options, begin, now_ns());
}

/// Another function in a table of function pointers, for a scope.
template <class Function>
class Replaced {
 public:
  Replaced(Function& slot, Function by) : slot_(slot), original_(slot) { slot = by; }
  ~Replaced() { slot_ = original_; }
  Replaced(const Replaced&) = delete;
  Replaced& operator=(const Replaced&) = delete;

 private:
  Function& slot_;
  Function original_;
};

}  // namespace npb::test

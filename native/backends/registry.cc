#include "backends/backend.h"
#include "backends/reference/reference_backend.h"
#ifdef NPB_WITH_QNN
#include "backends/qnn/qnn_backend.h"
#endif
#ifdef NPB_WITH_XNNPACK
#include "backends/xnnpack/xnnpack_backend.h"
#endif
#ifdef NPB_WITH_VULKAN
#include "backends/vulkan/vulkan_backend.h"
#endif
#ifdef NPB_WITH_OPENCL
#include "backends/opencl/opencl_backend.h"
#endif

namespace npb {

const std::vector<const Backend*>& backends() {
  static const std::vector<const Backend*> all = {
#ifdef NPB_WITH_QNN
      &qnn_backend(),
#endif
#ifdef NPB_WITH_XNNPACK
      &xnnpack_backend(),
#endif
#ifdef NPB_WITH_VULKAN
      &vulkan_backend(),
#endif
#ifdef NPB_WITH_OPENCL
      &opencl_backend(),
#endif
      &reference_backend(),
  };
  return all;
}

const Backend* find_backend(std::string_view id) {
  for (const Backend* backend : backends()) {
    if (backend->id() == id) return backend;
  }
  return nullptr;
}

}  // namespace npb

#pragma once

#include "backends/backend.h"

namespace npb {

/// GPUs through Vulkan 1.1 compute. A CPU that imitates one (lavapipe) is listed and marked
/// `software`.
const Backend& vulkan_backend();

}  // namespace npb

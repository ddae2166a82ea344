#pragma once

#include "backends/backend.h"

namespace npb {

/// GPUs through OpenCL 1.2. A CPU that imitates one (PoCL) is listed and marked `software`.
const Backend& opencl_backend();

}  // namespace npb

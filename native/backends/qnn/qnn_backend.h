#pragma once

#include "backends/backend.h"

namespace npb {

/// The Hexagon NPU through Qualcomm's QNN runtime, which is found on the user's machine.
const Backend& qnn_backend();

}  // namespace npb

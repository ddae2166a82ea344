#pragma once

#include <memory>

#include "backends/backend.h"

namespace npb::cpu {

/// Packs the weights and compiles the graph. Errors: invalid_argument (options), unsupported,
/// out_of_memory, device_unavailable.
Result<std::unique_ptr<Session>> open_session(Graph graph, const SessionOptions& options);

}  // namespace npb::cpu

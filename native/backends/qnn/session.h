#pragma once

#include <memory>

#include "backends/backend.h"

namespace npb::qnn {

/// Compiles `graph` for the NPU in f16 and opens a session. options.extra: "qnn_lib_dir", "qnn_soc"
/// (simulator), "perf_profile" (default burst), "qnn_prefill_tokens" (default 128): a longer step
/// is executed in pieces of that many tokens, a shorter one padded to it.
Result<std::unique_ptr<Session>> open_session(Graph graph, const SessionOptions& options);

}  // namespace npb::qnn

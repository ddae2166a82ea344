#pragma once

#include <memory>

#include "backends/backend.h"

namespace npb::qnn {

/// Compiles `graph` for the NPU, in f16 or (int8, int4) with fixed-point matrix products, and opens
/// a session. options.extra: "qnn_lib_dir", "qnn_soc" (simulator), "perf_profile" (default burst),
/// "qnn_prefill_tokens" (default 128): a longer step is executed in pieces of that many tokens, a
/// shorter one padded to it; "qnn_int4" ("channel" instead of blocks); "qnn_ranges_dir": where the
/// ranges of fixed-point activations are kept.
Result<std::unique_ptr<Session>> open_session(Graph graph, const SessionOptions& options);

}  // namespace npb::qnn

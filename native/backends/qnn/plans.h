// Which QNN graphs a model becomes, and compiling them ahead of time.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "backends/backend.h"
#include "backends/qnn/program.h"

namespace npb::qnn {

constexpr uint32_t kPrefillTokens = 128;

/// An encoder is "encode"; a decoder is "prefill" (where steps of more than one token are allowed;
/// `extra["qnn_prefill_tokens"]`, 128 or the longest step, whichever is shorter) and "decode", with
/// room in the KV cache for `max_tokens`, rounded up.
std::vector<GraphPlan> graph_plans(const Graph& graph, const SessionOptions& options);

/// What the precision (and "qnn_int4" or NPU_BENCH_QNN_INT4) asks for; nothing for f16.
std::optional<WeightFormat> weight_format(const SessionOptions& options);

/// The format with the ranges of activations, calibrated or kept; nothing for f16. Errors: those of
/// calibrate().
Result<std::optional<FixedPoint>> fixed_point(const Graph& graph, const SessionOptions& options);

/// Backend::prepare() of the NPU: the runtime's offline preparation, for any chip where the runtime
/// is the simulator's, else for the chip that is here. Errors: those of compiling, unsupported (the
/// chip can't be prepared for here), io.
Result<uint64_t> prepare(const Graph& graph, const SessionOptions& options,
                         const std::string& folder);

}  // namespace npb::qnn

// The only hot loop: one whole iteration, prefill to last token, without leaving native code.
#pragma once

#include "bench/samples.h"
#include "core/result.h"

namespace npb {

/// Sizes every vector of `samples` for `workload`, so that run_iteration allocates nothing.
/// Errors: invalid_argument (prompt's length is not batch * input_tokens, no tokens, ids outside
/// the vocabulary).
Result<void> prepare_samples(const Workload& workload, const Hyperparameters& hp,
                             IterationSamples& samples);

/// Resets the session's KV cache, then measures prefill and output_tokens - 1 decode steps
/// (decoder), or one embed call (encoder). The timed region holds no allocation, log or file
/// access.
Result<void> run_iteration(Session& session, const Workload& workload, const Hyperparameters& hp,
                           IterationSamples& samples);

}  // namespace npb

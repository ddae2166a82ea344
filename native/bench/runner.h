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
/// (decoder), one embed call (encoder), or every execution of every graph. The timed region holds
/// no allocation, log or file access. A runtime that drives its own loop does all of it in one
/// call.
Result<void> run_iteration(Session& session, const Workload& workload, const Hyperparameters& hp,
                           IterationSamples& samples);

}  // namespace npb

// How large the numbers of a model's values get: found by the reference interpreter over a short
// text and random tokens, kept on disk for the next start.
#pragma once

#include <map>
#include <string>

#include "graph/graph.h"

namespace npb::qnn {

struct Range {
  float largest = 0;  // magnitude
  float typical = 0;  // median over the tokens of a token's RMS
};
/// By the name of the node that makes the value.
using Ranges = std::map<std::string, Range>;

/// Tokens of each of the two prompts: fewer for larger models, whose reference is slow.
uint32_t calibration_tokens(const Graph& graph);

/// Runs the reference on both prompts. Errors: those of the interpreter, unsupported for a model
/// whose values aren't finite.
Result<Ranges> calibrate(const Graph& graph);

/// calibrate(), or what it found before for the model of this hash. `folder` empty: nothing is
/// kept. A damaged file is made anew.
Result<Ranges> calibrated(const Graph& graph, const std::string& folder, uint64_t model_hash);

}  // namespace npb::qnn

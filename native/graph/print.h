// A graph as text, for bug reports and tests.
#pragma once

#include <string>

#include "graph/graph.h"

namespace npb {

/// One line per node, in order: "attn_q [T x 576] = linear(attn_norm; blk.0.attn_q.weight Q4_1
/// 576x576)". T marks one row per token, S one row per sequence.
std::string to_string(const Graph& graph);

}  // namespace npb

// The rules that every backend may rely on, checked once after a graph was built.
#pragma once

#include "core/result.h"
#include "graph/graph.h"

namespace npb {

/// Inputs are defined before use, widths and row kinds agree, weights fit, outputs exist.
/// Errors: internal, since a graph that breaks a rule is a builder's bug; the message names the
/// node.
Result<void> validate(const Graph& graph);

}  // namespace npb

// Which operation ran where, and what each cost by the NPU's own counters.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "backends/backend.h"
#include "backends/qnn/quantize.h"

namespace npb::qnn {

/// `fixed` null: matrix products in f16.
std::vector<PlacementEntry> place(const Graph& graph, const FixedPoint* fixed, bool simulated);

/// Cycles by QNN node, summed by the graph node that each belongs to; the accelerator's time is
/// divided in proportion.
std::vector<OpProfile> profile_nodes(const Graph& graph,
                                     const std::map<std::string, uint64_t>& cycles,
                                     uint64_t accelerator_us, uint64_t executions);

}  // namespace npb::qnn

// Which operation ran where, and what each cost by the NPU's own counters.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "backends/backend.h"

namespace npb::qnn {

std::vector<PlacementEntry> place(const Graph& graph, bool simulated);

/// Cycles by QNN node, summed by the graph node that each belongs to; the accelerator's time is
/// divided in proportion.
std::vector<OpProfile> profile_nodes(const Graph& graph,
                                     const std::map<std::string, uint64_t>& cycles,
                                     uint64_t accelerator_us, uint64_t executions);

}  // namespace npb::qnn

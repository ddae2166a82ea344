// Which other process uses the processors most.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace npb {

struct Neighbour {
  std::string name;  // the kernel's short name of the command
  int64_t pid = 0;
  double cores = 0;  // processors kept busy on average since the look before
};

/// Looks at all processes under `proc` and compares with the look before, if that was of the same
/// tree. Leaves out this process, its ancestors, and the children of its parent: those are the tool
/// itself. nullopt at the first look, and where nobody used a tenth of a processor. Takes a
/// millisecond or two: not for measured windows.
std::optional<Neighbour> busiest_neighbour(const std::string& proc);

}  // namespace npb

// Where and how urgently this process's threads run. Both end with the process.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/result.h"

namespace npb {

struct Scheduling {
  std::vector<uint32_t> cpus;   // processors to run on; empty = leave as it is
  std::optional<int> niceness;  // -20 (most urgent) to 19; nullopt = leave as it is
};

/// Applies to the calling thread and to those that it starts from now on; on Windows to the whole
/// process, where niceness becomes the nearest priority class. Refused settings are errors: a run
/// that was asked to be pinned is not measured otherwise.
Result<void> apply_scheduling(const Scheduling& wanted);

/// Processors that the calling thread may run on, ascending; empty where the system doesn't tell.
std::vector<uint32_t> allowed_cpus();

}  // namespace npb

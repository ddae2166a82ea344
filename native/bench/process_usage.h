// What the kernel has charged this process so far.
#pragma once

#include "bench/samples.h"

namespace npb {

/// Two system calls at most, a microsecond or so: called at the edges of phases, never per token.
ProcessUsage process_usage();

}  // namespace npb

// The one clock of the project: monotonic nanoseconds, the same time line as Node's
// process.hrtime.bigint(), comparable between processes of one machine.
#pragma once

#include <cstdint>

namespace npb {

/// Monotonic nanoseconds (CLOCK_MONOTONIC; QueryPerformanceCounter on Windows). Any thread.
uint64_t now_ns();

}  // namespace npb

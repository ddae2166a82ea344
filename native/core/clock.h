// The one clock of the project: monotonic nanoseconds, the same time line as Node's
// process.hrtime.bigint(), comparable between processes of one machine.
#pragma once

#include <cstdint>
#include <optional>

namespace npb {

/// Monotonic nanoseconds (CLOCK_MONOTONIC; QueryPerformanceCounter on Windows). Any thread.
uint64_t now_ns();

/// Processor time of the calling thread in nanoseconds; absent where the system counts it too
/// coarsely for one step (Windows: scheduler ticks).
std::optional<uint64_t> thread_cpu_ns();

}  // namespace npb

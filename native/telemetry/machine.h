// The machine as a whole: processor time of everybody, virtualisation, timer.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "telemetry/sampler.h"

namespace npb {

/// Since boot, over all processors. `busy_ns` is everything but idle, waiting for I/O and steal.
struct MachineTimes {
  double busy_ns = 0;
  double steal_ns = 0;
  int cpus = 0;
};

/// From the text of /proc/stat, in ticks of `tick_ns`.
std::optional<MachineTimes> parse_machine_times(std::string_view stat, double tick_ns);
/// From `proc`/stat; from GetSystemTimes on Windows.
std::optional<MachineTimes> machine_times(const std::string& proc);
/// Length of the ticks that /proc/stat counts in.
double kernel_tick_ns();

/// User and system time of all threads of this process.
double process_cpu_time_ns();

/// "no", or what tells that this is a guest ("hypervisor flag of the processor", "KVM" …);
/// nullopt where nothing tells.
std::optional<std::string> virtual_machine(const TelemetryRoots& roots);

/// What a sleep of 50 µs overshoots by, best of a few: timer slack and timer resolution together.
double sleep_overshoot_ns();

/// A thermal zone's number in m°C, its unit judged by `largest`, the largest magnitude seen of
/// this zone (this number included); nullopt for what a sleeping block answers.
std::optional<double> temperature_mc(int64_t raw, double largest);

}  // namespace npb

// A thread that reads the machine's counters and sensors while the model runs.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace npb {

/// Where a source looks; the real roots by default, a fake tree in tests.
struct TelemetryRoots {
  std::string sys = "/sys";
  std::string proc = "/proc";
  std::string dev = "/dev";
};

struct SamplerOptions {
  uint64_t period_ns = 10'000'000;
  TelemetryRoots roots;
  std::string meter_command;  // external meter: prints "seconds watts" lines; empty = none
  uint64_t capacity_ns = 0;   // longest recording; buffers are allocated up front. 0 = 10 minutes
};

/// What a series of numbers is. `quantity` decides how it is used:
///   memory_rss_bytes memory_pss_bytes memory_device_bytes   level
///   energy_uj            counter (already unwrapped)
///   power_uw             level
///   temperature_mc       level (milli-Celsius)
///   frequency_hz frequency_limit_hz                         level
///   utilization_ratio    level, 0..1
///   process_cpu_ns others_cpu_ns                            counter
///   major_faults swap_bytes pressure_memory_us              counter / level / counter
///   pressure_cpu_us steal_ns context_switches cpu_quota_wait_us          counter
///   sampler_wait_ns      counter: how long the sampler's own thread waited for a processor
///   throttle_level       level (cooling device state)
struct SeriesInfo {
  std::string source;  // "powercap:intel-rapl:0", "thermal:thermal_zone3"
  std::string quantity;
  std::string label;  // the kernel's own name: "package-0", "cpu-0-0-0", "gpuss-0"
  std::string
      component;  // "cpu" | "gpu" | "npu" | "memory" | "battery" | "skin" | "system" | "process"
  bool counter = false;
  bool in_total =
      false;  // power/energy: part of the document's total (never a child of one that is)
  uint64_t period_ns = 0;     // how often this source is read (not faster than it changes)
  std::string note;           // e.g. "sign inverted", "charging: battery current is not the load"
  double hardware_limit = 0;  // frequency_limit_hz: the hardware's own maximum in Hz;
                              // throttle_level: the deepest state; 0 = not told
};

struct Series {
  SeriesInfo info;
  std::vector<uint64_t> t_ns;  // now_ns() when the reading was taken
  std::vector<double> values;
};

/// A metric that can't be had on this machine.
struct MissingSource {
  std::string metric;  // "power", "temperature", "gpu_utilization"
  std::string
      reason;  // what was tried: "/sys/class/powercap/intel-rapl:0/energy_uj: permission denied"
  std::string remedy;  // what the user can do
};

struct Recording {
  std::vector<Series> series;
  std::vector<MissingSource> missing;
  uint64_t begin_ns = 0, end_ns = 0;
  uint64_t sampler_cpu_ns = 0;  // what the sampler's own thread cost
  uint64_t ticks = 0, late_ticks = 0;
  bool fake_roots = false;
};

class Sampler {
 public:
  /// Opens every source it finds under the roots; never fails for a missing one.
  static std::unique_ptr<Sampler> open(const SamplerOptions& options);
  virtual ~Sampler() = default;
  virtual void start() = 0;
  /// Stops the thread and hands over what was recorded since start().
  virtual Recording stop() = 0;
};

/// One look at the machine, outside measured windows (before and after an iteration): governor,
/// frequencies and limits, temperatures, load of others, memory pressure, mains or battery ...
/// Key/value pairs with units in the keys, only those that could be read.
struct Snapshot {
  uint64_t t_ns = 0;
  std::vector<std::pair<std::string, double>> numbers;
  std::vector<std::pair<std::string, std::string>> texts;
};
Snapshot take_snapshot(const TelemetryRoots& roots);

}  // namespace npb

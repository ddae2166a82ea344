// One finder per kind of source. Each takes the root it looks under, opens what it finds there,
// and reads only files that it names: never a sweep over a folder's unknown files (some of them
// have side effects; reading dcvsh_freq_limit has reset a device).
#pragma once

#include <string>

#include "telemetry/files.h"
#include "telemetry/source.h"

namespace npb {

Found find_powercap(const std::string& sys);
Found find_hwmon(const std::string& sys);
Found find_iio_rails(const std::string& sys);
Found find_power_supplies(const std::string& sys);
Found find_thermal(const std::string& sys);
Found find_cpufreq(const std::string& sys);
Found find_devfreq(const std::string& sys);
Found find_kgsl(const std::string& sys);
/// GPU time and memory of this process's DRM clients, and its dma-bufs.
Found find_fdinfo(const std::string& proc);
Found find_process(const std::string& proc);
Found find_machine(const std::string& proc);
Found find_quota(const std::string& sys, const std::string& proc);
Found find_meter(const std::string& command);
/// Windows: energy meter interface and battery; nothing elsewhere.
Found find_windows_power();

/// A source with one channel: one file with one number.
class FileSource : public Source {
 public:
  /// The reading pushed is number × scale; numbers outside [lowest, highest] are no reading.
  FileSource(TextFile file, SeriesInfo info, uint64_t floor_ns, double scale);
  void read(Sink sink) override;

  double lowest = -1e300, highest = 1e300;

 protected:
  TextFile file_;
  double scale_;
};

/// Clears in_total wherever a better kind of power source is present, so that nothing is counted
/// twice, and adds a MissingSource for "power" if no source makes a total.
void choose_total(Found& found);

constexpr uint64_t kMillisecond = 1'000'000;

}  // namespace npb

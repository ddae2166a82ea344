// Clocks of the CPU clusters under /sys/devices/system/cpu/cpufreq; kHz there, Hz here.
#include "telemetry/sources.h"

namespace npb {
namespace {

constexpr uint64_t kClockPeriodNs = 50 * kMillisecond;
constexpr uint64_t kLimitPeriodNs = 200 * kMillisecond;
// A server with one policy per core has hundreds; every nth of them tells enough.
constexpr size_t kMostPolicies = 16;

SeriesInfo describe(const std::string& policy, const std::string& cpus, const char* quantity) {
  SeriesInfo info;
  info.source = "cpufreq:" + policy;
  info.quantity = quantity;
  info.label = "cpus " + cpus;
  info.component = "cpu";
  return info;
}

}  // namespace

Found find_cpufreq(const std::string& sys) {
  Found found;
  const std::string folder = sys + "/devices/system/cpu/cpufreq";
  std::vector<std::string> policies;
  for (std::string& name : list_names(folder)) {
    if (starts_with(name, "policy")) policies.push_back(std::move(name));
  }
  const size_t step = (policies.size() + kMostPolicies - 1) / kMostPolicies;
  for (size_t i = 0; i < policies.size(); i += step) {
    const std::string path = folder + "/" + policies[i];
    const std::string cpus = read_text(path + "/related_cpus").value_or("?");
    const std::string driver = read_text(path + "/scaling_driver").value_or("");
    auto clock = describe(policies[i], cpus, "frequency_hz");
    // Newer kernels average the real clock over the last ticks; scaling_cur_freq is what was
    // asked for on platforms whose firmware decides.
    TextFile file = TextFile::open(path + "/cpuinfo_avg_freq");
    if (file.is_open() && file.read_int()) {
      clock.note = "measured average";
    } else {
      file = TextFile::open(path + "/scaling_cur_freq");
      if (contains(driver, "qcom")) clock.note = "requested clock, not proof of the real one";
    }
    if (file.is_open()) {
      auto source =
          std::make_unique<FileSource>(std::move(file), std::move(clock), kClockPeriodNs, 1e3);
      source->lowest = 1;
      found.sources.push_back(std::move(source));
    }
    file = TextFile::open(path + "/scaling_max_freq");
    if (file.is_open()) {
      auto limit = describe(policies[i], cpus, "frequency_limit_hz");
      if (const auto hardware = read_number(path + "/cpuinfo_max_freq")) {
        limit.hardware_limit = static_cast<double>(*hardware) * 1e3;
      }
      auto source =
          std::make_unique<FileSource>(std::move(file), std::move(limit), kLimitPeriodNs, 1e3);
      source->lowest = 1;
      found.sources.push_back(std::move(source));
    }
  }
  if (found.sources.empty()) {
    found.missing.push_back({"cpu_frequency", "no readable policy under " + folder,
                             "a virtual machine hides its clock: measure on the device"});
  }
  return found;
}

}  // namespace npb

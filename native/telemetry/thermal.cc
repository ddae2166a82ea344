// Temperatures and cooling devices under /sys/class/thermal.
#include <cmath>

#include "core/clock.h"
#include "telemetry/components.h"
#include "telemetry/machine.h"
#include "telemetry/sources.h"

namespace npb {
namespace {

constexpr uint64_t kZonePeriodNs = 200 * kMillisecond;
constexpr uint64_t kCoolingPeriodNs = 200 * kMillisecond;

/// The unit is m°C by the kernel's rules, 0.1 °C or °C on some vendor kernels: told by the
/// largest magnitude seen.
class ThermalZone : public Source {
 public:
  ThermalZone(TextFile file, SeriesInfo info) : file_(std::move(file)) {
    channels.push_back(std::move(info));
    floor_ns = kZonePeriodNs;
  }

  void read(Sink sink) override {
    const uint64_t before = now_ns();
    const auto number = file_.read_int();
    if (!number) return;
    const double magnitude = std::fabs(static_cast<double>(*number));
    const auto value = temperature_mc(*number, std::fmax(largest_, magnitude));
    if (!value) return;
    largest_ = std::fmax(largest_, magnitude);
    sink.push(0, before + (now_ns() - before) / 2, *value);
  }

  void end(std::span<Track>) override {
    if (largest_ > 0 && largest_ <= 200) channels[0].note = "unit taken as °C by its magnitude";
    if (largest_ > 200 && largest_ < 1000) {
      channels[0].note = "unit taken as 0.1 °C by its magnitude";
    }
  }

 private:
  TextFile file_;
  double largest_ = 0;
};

}  // namespace

Found find_thermal(const std::string& sys) {
  Found found;
  const std::string folder = sys + "/class/thermal";
  std::string refused;
  bool any_zone = false;
  for (const std::string& name : list_names(folder)) {
    const std::string path = folder + "/" + name;
    const auto type = read_text(path + "/type");
    if (!type) continue;
    SeriesInfo info;
    info.source = "thermal:" + name;
    info.label = *type;
    if (starts_with(name, "thermal_zone")) {
      std::string why;
      TextFile file = TextFile::open(path + "/temp", &why);
      if (!file.is_open()) {
        refused = why;
        continue;
      }
      any_zone = true;
      info.quantity = "temperature_mc";
      info.component = component_of_zone(*type);
      found.sources.push_back(std::make_unique<ThermalZone>(std::move(file), std::move(info)));
    } else if (starts_with(name, "cooling_device")) {
      info.quantity = "throttle_level";
      info.component = component_of_cooling(*type);
      if (info.component.empty()) continue;
      TextFile file = TextFile::open(path + "/cur_state");
      if (!file.is_open()) continue;
      info.hardware_limit = static_cast<double>(read_number(path + "/max_state").value_or(0));
      auto source =
          std::make_unique<FileSource>(std::move(file), std::move(info), kCoolingPeriodNs, 1.0);
      source->lowest = 0;  // intel_powerclamp says -1 when it is not at work
      found.sources.push_back(std::move(source));
    }
  }
  if (!any_zone) {
    found.missing.push_back({"temperature",
                             refused.empty() ? "no thermal zone under " + folder : refused,
                             refused.empty() ? "a virtual machine has none: measure on the device"
                                             : "run as root, or through adb shell on Android"});
  }
  return found;
}

}  // namespace npb

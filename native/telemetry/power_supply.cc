// Batteries and chargers under /sys/class/power_supply.
#include <cmath>

#include "core/clock.h"
#include "telemetry/sources.h"

namespace npb {
namespace {

// µA gauges of a device that is awake and computing always show more than this; a current in mA
// never does (15 A). Likewise for a cell's voltage: at least 2.5 V, so 2 500 000 µV or 2 500 mV.
constexpr double kSmallestMicroamperes = 15'000;
constexpr double kSmallestMicrovolts = 100'000;
constexpr uint64_t kStatusPeriodNs = 500 * kMillisecond;

enum class Flow { discharging, charging, idle, unknown };

Flow flow_of(std::string_view status) {
  if (starts_with(status, "Discharging")) return Flow::discharging;
  if (starts_with(status, "Charging")) return Flow::charging;
  if (starts_with(status, "Full") || starts_with(status, "Not charging")) return Flow::idle;
  return Flow::unknown;
}

/// The power through one supply's terminals, as its driver tells it: µW, or µA and µV.
class Terminals {
 public:
  explicit Terminals(const std::string& path)
      : power_(TextFile::open(path + "/power_now")),
        current_(TextFile::open(path + "/current_now")),
        voltage_(TextFile::open(path + "/voltage_now")) {}

  bool any() const { return power_.is_open() || (current_.is_open() && voltage_.is_open()); }
  bool milliamperes() const { return milliamperes_; }
  bool by_product() const { return by_product_; }

  /// Signed as the driver signs it. nullopt while the driver answers with an error (ENODATA).
  std::optional<double> read_uw() {
    if (const auto power = power_.read_int()) return static_cast<double>(*power);
    const auto current = current_.read_int();
    const auto voltage = voltage_.read_int();
    if (!current || !voltage) return std::nullopt;
    by_product_ = true;
    const double i = static_cast<double>(*current);
    largest_current_ = std::fmax(largest_current_, std::fabs(i));
    milliamperes_ = largest_current_ > 0 && largest_current_ < kSmallestMicroamperes;
    const double volts =
        static_cast<double>(*voltage) * (std::fabs(*voltage) < kSmallestMicrovolts ? 1e-3 : 1e-6);
    return i * (milliamperes_ ? 1e3 : 1.0) * volts;
  }

 private:
  TextFile power_, current_, voltage_;
  double largest_current_ = 0;
  bool milliamperes_ = false, by_product_ = false;
};

struct Battery {
  std::string name;
  TextFile status;
  Terminals terminals;
  Flow flow = Flow::unknown;
  bool positive_when_discharging = false;
};

struct Charger {
  std::string name;
  TextFile online;
  Terminals terminals;
  bool is_online = false;
};

/// Channel 0: what the device draws. Channels 1…: each battery, positive while discharging.
class PowerSupplies : public Source {
 public:
  std::vector<Battery> batteries;
  std::vector<Charger> chargers;

  void begin() override { next_status_ns_ = 0; }

  void read(Sink sink) override {
    const uint64_t before = now_ns();
    if (before >= next_status_ns_) {
      next_status_ns_ = before + kStatusPeriodNs;
      refresh_states();
    }
    double discharge_uw = 0;
    bool all_known = true, computed = false;
    for (size_t i = 0; i < batteries.size(); ++i) {
      const auto power = signed_power(batteries[i]);
      if (!power) {
        all_known = false;
        continue;
      }
      sink.push(1 + i, before + (now_ns() - before) / 2, *power);
      discharge_uw += *power;
      computed = true;
    }
    if (!computed || !all_known) return;
    bool on_mains = false;
    double input_uw = 0;
    for (Charger& charger : chargers) {
      if (!charger.is_online) continue;
      on_mains = true;
      const auto power = charger.terminals.read_uw();
      // Without the charger's own figure the load can't be known while it is plugged in.
      if (!power || *power == 0) return;
      input_uw += std::fabs(*power);
    }
    if (!on_mains && discharge_uw <= 0) return;
    saw_mains_ |= on_mains;
    sink.push(0, before + (now_ns() - before) / 2, discharge_uw + input_uw);
  }

  void end(std::span<Track>) override {
    SeriesInfo& load = channels[0];
    load.note = saw_mains_ ? "charger input minus what charges the battery"
                           : "sum of the batteries while discharging";
    for (size_t i = 0; i < batteries.size(); ++i) {
      const Battery& battery = batteries[i];
      std::string note = battery.terminals.by_product() ? "current × voltage" : "power_now";
      if (battery.terminals.milliamperes()) note += "; current taken as mA by its magnitude";
      if (battery.flow == Flow::charging) note += "; charging: not the load";
      if (battery.flow == Flow::idle) note += "; neither charging nor discharging: not the load";
      if (battery.positive_when_discharging) note += "; driver's sign is positive when discharging";
      channels[1 + i].note = note;
    }
  }

 private:
  void refresh_states() {
    char buffer[64];
    for (Battery& battery : batteries) {
      const auto text = battery.status.read(buffer, sizeof buffer);
      battery.flow = text ? flow_of(*text) : Flow::unknown;
    }
    for (Charger& charger : chargers) charger.is_online = charger.online.read_int().value_or(0) > 0;
  }

  /// The sign is taken from the state, as drivers differ; the documented sign only where the
  /// state is unknown.
  static std::optional<double> signed_power(Battery& battery) {
    const auto raw = battery.terminals.read_uw();
    if (!raw) return std::nullopt;
    switch (battery.flow) {
      case Flow::discharging:
        if (*raw > 0) battery.positive_when_discharging = true;
        return std::fabs(*raw);
      case Flow::charging:
        return -std::fabs(*raw);
      case Flow::idle:
      case Flow::unknown:
        return -*raw;
    }
    return std::nullopt;
  }

  uint64_t next_status_ns_ = 0;
  bool saw_mains_ = false;
};

SeriesInfo power_series(const std::string& source, const std::string& label, bool total) {
  SeriesInfo info;
  info.source = "power_supply:" + source;
  info.quantity = "power_uw";
  info.label = label;
  info.component = total ? "system" : "battery";
  info.in_total = total;
  return info;
}

}  // namespace

Found find_power_supplies(const std::string& sys) {
  Found found;
  const std::string folder = sys + "/class/power_supply";
  auto source = std::make_unique<PowerSupplies>();
  std::string names;
  for (const std::string& name : list_names(folder)) {
    const std::string path = folder + "/" + name;
    const std::string type = read_text(path + "/type").value_or("");
    // A pen or a headset reports a battery, too; it is not this machine's.
    if (read_text(path + "/scope").value_or("") == "Device") continue;
    if (type == "Battery") {
      if (read_number(path + "/present").value_or(1) == 0) continue;
      Battery battery{name, TextFile::open(path + "/status"), Terminals(path)};
      if (!battery.terminals.any()) {
        found.missing.push_back({"battery_power",
                                 path + " has neither power_now nor current_now and voltage_now "
                                        "that may be read",
                                 "run as root, or through adb shell on Android"});
        continue;
      }
      names += (names.empty() ? "" : "+") + name;
      source->batteries.push_back(std::move(battery));
    } else if (type == "Mains" || type == "Wireless" || starts_with(type, "USB")) {
      source->chargers.push_back({name, TextFile::open(path + "/online"), Terminals(path)});
    }
  }
  if (source->batteries.empty()) return found;
  source->channels.push_back(power_series(names, "load", true));
  for (const Battery& battery : source->batteries) {
    source->channels.push_back(power_series(battery.name, battery.name, false));
  }
  source->floor_ns = 100 * kMillisecond;  // the fastest gauges change every 200 ms
  source->power_kind = PowerKind::battery;
  source->adaptive = true;
  found.sources.push_back(std::move(source));
  return found;
}

}  // namespace npb

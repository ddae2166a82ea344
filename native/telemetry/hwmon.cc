// Board sensors under /sys/class/hwmon: energy in µJ, power in µW, or current (mA) and voltage
// (mV).
#include <algorithm>

#include "core/clock.h"
#include "telemetry/components.h"
#include "telemetry/sources.h"

namespace npb {
namespace {

// INA2xx and PMBus chips refresh between 1 ms and 1 s; without update_interval this is the guess.
constexpr uint64_t kDefaultIntervalMs = 10;

/// energyN_input: the driver accumulates in 64 bits, so a smaller number means that it was reset.
class HwmonEnergy : public FileSource {
 public:
  using FileSource::FileSource;
  void begin() override { started_ = false; }
  void read(Sink sink) override {
    const uint64_t before = now_ns();
    const auto number = file_.read_int();
    if (!number) return;
    const uint64_t t = before + (now_ns() - before) / 2;
    const double raw = static_cast<double>(*number);
    if (!started_)
      total_ = 0;
    else if (raw > last_)
      total_ += raw - last_;
    started_ = true;
    last_ = raw;
    sink.push(0, t, total_);
  }

 private:
  double last_ = 0, total_ = 0;
  bool started_ = false;
};

/// currN_input (mA) × inN_input (mV) = µW.
class HwmonProduct : public Source {
 public:
  HwmonProduct(TextFile current, TextFile voltage, SeriesInfo info)
      : current_(std::move(current)), voltage_(std::move(voltage)) {
    channels.push_back(std::move(info));
  }
  void read(Sink sink) override {
    const uint64_t before = now_ns();
    const auto current_ma = current_.read_int();
    const auto voltage_mv = voltage_.read_int();
    if (!current_ma || !voltage_mv) return;
    sink.push(0, before + (now_ns() - before) / 2,
              static_cast<double>(*current_ma) * static_cast<double>(*voltage_mv));
  }

 private:
  TextFile current_, voltage_;
};

struct Chip {
  std::string path, name, id;
  uint64_t floor_ns;
};

std::string label_of(const Chip& chip, const std::string& stem) {
  return read_text(chip.path + "/" + stem + "_label").value_or(chip.name + " " + stem);
}

SeriesInfo describe(const Chip& chip, const std::string& stem, const std::string& quantity) {
  SeriesInfo info;
  info.source = "hwmon:" + chip.id;
  info.quantity = quantity;
  info.label = label_of(chip, stem);
  info.component = component_of_rail(info.label);
  if (info.component == "system") info.component = component_of_rail(chip.name);
  info.counter = quantity == "energy_uj";
  info.in_total = true;
  return info;
}

void add(Found& found, std::unique_ptr<Source> source, const Chip& chip, PowerKind kind) {
  source->floor_ns = chip.floor_ns;
  source->power_kind = kind;
  source->adaptive = true;
  found.sources.push_back(std::move(source));
}

/// True for sensors that show a power supply a second time, which find_power_supplies reads.
bool belongs_to_power_supply(const std::string& sys, const Chip& chip) {
  if (!list_names(chip.path + "/device/capacity").empty()) return true;
  if (read_text(chip.path + "/device/type") && read_text(chip.path + "/device/status")) return true;
  const auto same = [](std::string a) {
    std::replace(a.begin(), a.end(), '-', '_');
    return lower(a);
  };
  for (const std::string& supply : list_names(sys + "/class/power_supply")) {
    if (same(supply) == same(chip.name)) return true;
  }
  return false;
}

void add_chip(Found& found, const Chip& chip) {
  const auto names = list_names(chip.path);
  const auto has = [&](const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  const std::string suffix = "_input";
  for (const std::string& file : names) {
    const bool input = file.size() > suffix.size() &&
                       file.compare(file.size() - suffix.size(), suffix.size(), suffix) == 0;
    const bool average = contains(file, "_average") && file.back() == 'e';
    if (!input && !average) continue;
    const std::string stem = file.substr(0, file.rfind('_'));
    std::string why;
    if (starts_with(stem, "energy") && input) {
      TextFile open = TextFile::open(chip.path + "/" + file, &why);
      if (open.is_open()) {
        add(found,
            std::make_unique<HwmonEnergy>(std::move(open), describe(chip, stem, "energy_uj"), 0,
                                          1.0),
            chip, PowerKind::hwmon_energy);
      }
    } else if (starts_with(stem, "power")) {
      if (average && has(stem + suffix)) continue;
      TextFile open = TextFile::open(chip.path + "/" + file, &why);
      if (open.is_open()) {
        auto info = describe(chip, stem, "power_uw");
        if (average) info.note = "the chip's own average";
        add(found, std::make_unique<FileSource>(std::move(open), std::move(info), 0, 1.0), chip,
            PowerKind::hwmon_power);
      }
    } else if (starts_with(stem, "curr")) {
      // INA3221 numbers the voltage of channel n as in n; chips with powerN tell it themselves.
      const std::string number = stem.substr(4);
      if (has("power" + number + suffix) || has("power" + number + "_average")) continue;
      if (!has("in" + number + suffix)) continue;
      TextFile current = TextFile::open(chip.path + "/" + file, &why);
      TextFile voltage = TextFile::open(chip.path + "/in" + number + suffix, &why);
      if (current.is_open() && voltage.is_open()) {
        auto info = describe(chip, has(stem + "_label") ? stem : "in" + number, "power_uw");
        info.note = "current × voltage";
        add(found,
            std::make_unique<HwmonProduct>(std::move(current), std::move(voltage), std::move(info)),
            chip, PowerKind::hwmon_power);
      }
    }
    if (!why.empty() && found.missing.empty()) {
      found.missing.push_back(
          {"power_sensor", why, "run as root, or allow reading the sensors of /sys/class/hwmon"});
    }
  }
}

/// If one rail feeds the board, it alone is the total; the others lie behind it.
void prefer_input_rails(Found& found) {
  for (const PowerKind kind : {PowerKind::hwmon_energy, PowerKind::hwmon_power}) {
    bool any = false;
    for (const auto& source : found.sources) {
      any |= source->power_kind == kind && is_input_rail(source->channels[0].label);
    }
    if (!any) continue;
    for (const auto& source : found.sources) {
      SeriesInfo& info = source->channels[0];
      if (source->power_kind != kind || is_input_rail(info.label)) continue;
      info.in_total = false;
      info.note = "behind the board's input rail";
    }
  }
}

}  // namespace

Found find_hwmon(const std::string& sys) {
  Found found;
  const std::string folder = sys + "/class/hwmon";
  for (const std::string& id : list_names(folder)) {
    Chip chip{folder + "/" + id, read_text(folder + "/" + id + "/name").value_or(id), id, 0};
    if (belongs_to_power_supply(sys, chip)) continue;
    const auto interval = read_number(chip.path + "/update_interval");
    chip.floor_ns = static_cast<uint64_t>(
                        std::clamp<int64_t>(interval.value_or(kDefaultIntervalMs), 1, 10'000)) *
                    kMillisecond;
    add_chip(found, chip);
  }
  prefer_input_rails(found);
  return found;
}

}  // namespace npb

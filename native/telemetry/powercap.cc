// RAPL and its like under /sys/class/powercap: energy counters in µJ that wrap.
#include <cmath>

#include "core/clock.h"
#include "telemetry/components.h"
#include "telemetry/sources.h"

namespace npb {
namespace {

// No processor draws this much: a step that implies more is a counter that was reset (suspend).
constexpr double kImpossibleWatts = 5000;

class PowercapZone : public Source {
 public:
  PowercapZone(TextFile file, SeriesInfo info, double range_uj, bool total)
      : file_(std::move(file)), range_uj_(range_uj) {
    channels.push_back(std::move(info));
    // The counter moves about once a millisecond; parts of a package are of interest, not of the
    // total, and each reading interrupts a core of that package.
    floor_ns = total ? kMillisecond : 20 * kMillisecond;
    power_kind = PowerKind::powercap;
    adaptive = true;
  }

  void begin() override {
    total_uj_ = 0;
    last_t_ns_ = 0;
  }

  void read(Sink sink) override {
    const uint64_t before = now_ns();
    const auto number = file_.read_int();
    if (!number) return;
    const uint64_t t = before + (now_ns() - before) / 2;
    const double raw = static_cast<double>(*number);
    if (last_t_ns_ != 0) {
      double step = raw - last_raw_;
      if (step < 0) step += range_uj_;
      const double seconds = static_cast<double>(t - last_t_ns_) * 1e-9;
      if (step >= 0 && step <= kImpossibleWatts * 1e6 * (seconds + 0.01)) total_uj_ += step;
    }
    last_raw_ = raw;
    last_t_ns_ = t;
    sink.push(0, t, total_uj_);
  }

 private:
  TextFile file_;
  double range_uj_, last_raw_ = 0, total_uj_ = 0;
  uint64_t last_t_ns_ = 0;
};

std::string component(const std::string& name) {
  if (starts_with(name, "package") || name == "core") return "cpu";
  if (name == "uncore") return "gpu";
  if (name == "dram") return "memory";
  if (name == "psys") return "system";
  return component_of_rail(name);
}

}  // namespace

Found find_powercap(const std::string& sys) {
  Found found;
  const std::string folder = sys + "/class/powercap";
  for (const std::string& zone : list_names(folder)) {
    const std::string path = folder + "/" + zone;
    // The control types themselves ("intel-rapl") have no counter; the mmio twin of a package
    // ("intel-rapl-mmio:0") shows the same energy again.
    if (zone.find(':') == std::string::npos || contains(zone, "mmio")) continue;
    const auto name = read_text(path + "/name");
    if (!name) continue;
    std::string why;
    TextFile file = TextFile::open(path + "/energy_uj", &why);
    if (!file.is_open()) {
      if (found.missing.empty()) {
        found.missing.push_back({"energy_counter", why,
                                 "run as root, or allow reading once per boot: sudo chmod a+r "
                                 "/sys/class/powercap/*/energy_uj"});
      }
      continue;
    }
    const auto range = read_number(path + "/max_energy_range_uj");
    SeriesInfo info;
    info.source = "powercap:" + zone;
    info.quantity = "energy_uj";
    info.label = *name;
    info.component = component(*name);
    info.counter = true;
    // A package contains its core and uncore; dram lies beside it; psys is the whole platform,
    // the package included.
    info.in_total = starts_with(*name, "package") || *name == "dram";
    const bool in_total = info.in_total;
    if (*name == "psys") info.note = "platform domain: contains the package";
    if (*name == "core" || *name == "uncore") info.note = "part of the package";
    if (!range) info.note += info.note.empty() ? "range of the counter unknown" : "";
    found.sources.push_back(std::make_unique<PowercapZone>(
        std::move(file), std::move(info), static_cast<double>(range.value_or(INT64_C(1) << 32)),
        in_total));
  }
  return found;
}

}  // namespace npb

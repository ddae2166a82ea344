// On-device power monitors behind IIO (ODPM): one text with an energy counter per rail.
#include <array>
#include <cmath>

#include "core/clock.h"
#include "telemetry/components.h"
#include "telemetry/sources.h"

#ifndef _WIN32
#include <time.h>
#endif

namespace npb {
namespace {

// Reading makes the driver fetch a burst over I²C: milliseconds, so not at every tick.
constexpr uint64_t kRailPeriodNs = 50 * kMillisecond;
constexpr size_t kMostRails = 48;
// The device's own time counts since boot; a stamp further from now than this is none.
constexpr double kPlausibleAgeNs = 5e9;

/// The boot clock's lead over now_ns(): the time that the system has slept.
double boot_clock_offset_ns() {
#if defined(__linux__)
  timespec boot = {}, monotonic = {};
  clock_gettime(CLOCK_MONOTONIC, &monotonic);
  clock_gettime(CLOCK_BOOTTIME, &boot);
  return (static_cast<double>(boot.tv_sec) - static_cast<double>(monotonic.tv_sec)) * 1e9 +
         static_cast<double>(boot.tv_nsec) - static_cast<double>(monotonic.tv_nsec);
#else
  return 0;
#endif
}

struct RailReading {
  std::string_view rail;  // the name in brackets
  std::optional<int64_t> time_ms;
  int64_t energy_uws = 0;
};

/// Lines are "t=123456" first, then "CH0(T=123456)[RAIL], 987654321" or "CH0[RAIL], 987654321".
template <class Visit>
void parse_rails(std::string_view text, const Visit& visit) {
  std::optional<int64_t> common_ms;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const size_t open = line.find('['), close = line.find(']');
    if (open == std::string_view::npos || close == std::string_view::npos || close < open) {
      if (starts_with(line, "t=")) common_ms = leading_int(line.substr(2));
      continue;
    }
    RailReading reading;
    reading.rail = line.substr(open + 1, close - open - 1);
    const size_t stamp = line.substr(0, open).find("T=");
    reading.time_ms =
        stamp == std::string_view::npos ? common_ms : leading_int(line.substr(stamp + 2));
    const size_t comma = line.find(',', close);
    if (comma == std::string_view::npos) continue;
    const auto energy = leading_int(line.substr(comma + 1));
    if (!energy) continue;
    reading.energy_uws = *energy;
    visit(reading);
  }
}

class Rails : public Source {
 public:
  Rails(TextFile file, const std::string& id, const std::string& text) : file_(std::move(file)) {
    parse_rails(text, [&](const RailReading& reading) {
      if (channels.size() == kMostRails) return;
      SeriesInfo info;
      info.source = "iio:" + id;
      info.quantity = "energy_uj";
      info.label = std::string(reading.rail);
      info.component = component_of_rail(info.label);
      info.counter = true;
      info.in_total = true;
      info.note = "rail of the power monitor; a rail fed by another one would count twice";
      channels.push_back(std::move(info));
    });
    floor_ns = kRailPeriodNs;
    power_kind = PowerKind::rails;
  }

  void begin() override {
    started_.fill(false);
    offset_ns_ = boot_clock_offset_ns();
  }

  void read(Sink sink) override {
    char buffer[8192];
    const uint64_t before = now_ns();
    const auto text = file_.read(buffer, sizeof buffer);
    if (!text) return;
    const uint64_t now = now_ns();
    size_t channel = 0;
    parse_rails(*text, [&](const RailReading& reading) {
      while (channel < channels.size() && channels[channel].label != reading.rail) ++channel;
      if (channel == channels.size()) return;
      // The counter's own time is nearer to the truth than ours.
      double t = static_cast<double>(before) + static_cast<double>(now - before) / 2;
      if (reading.time_ms) {
        const double own = static_cast<double>(*reading.time_ms) * 1e6 - offset_ns_;
        if (own > 0 && std::fabs(own - t) < kPlausibleAgeNs) t = own;
      }
      push(sink, channel++, t, static_cast<double>(reading.energy_uws));
    });
  }

 private:
  void push(Sink& sink, size_t channel, double t, double raw) {
    if (!started_[channel]) {
      started_[channel] = true;
      total_[channel] = 0;
    } else if (t <= last_t_[channel]) {
      return;  // the monitor hasn't measured anew
    } else if (raw > last_raw_[channel]) {
      total_[channel] += raw - last_raw_[channel];
    }
    last_raw_[channel] = raw;
    last_t_[channel] = t;
    sink.push(channel, static_cast<uint64_t>(t), total_[channel]);
  }

  TextFile file_;
  double offset_ns_ = 0;
  std::array<bool, kMostRails> started_ = {};
  std::array<double, kMostRails> last_raw_ = {}, total_ = {}, last_t_ = {};
};

}  // namespace

Found find_iio_rails(const std::string& sys) {
  Found found;
  const std::string folder = sys + "/bus/iio/devices";
  for (const std::string& id : list_names(folder)) {
    if (!starts_with(id, "iio:device")) continue;
    std::string why;
    const std::string path = folder + "/" + id + "/energy_value";
    TextFile file = TextFile::open(path, &why);
    if (!file.is_open()) {
      // Most IIO devices are accelerometers and the like, without this file.
      if (read_text(folder + "/" + id + "/enabled_rails")) {
        found.missing.push_back({"rails", why, "run through adb shell or as root"});
      }
      continue;
    }
    char buffer[8192];
    const auto text = file.read(buffer, sizeof buffer);
    if (!text) continue;
    auto source = std::make_unique<Rails>(std::move(file), id, std::string(*text));
    if (!source->channels.empty()) found.sources.push_back(std::move(source));
  }
  return found;
}

}  // namespace npb

#include "telemetry/sources.h"

namespace npb {
namespace {

std::string reasons(const Found& found) {
  std::string text;
  for (const MissingSource& missing : found.missing) {
    if (missing.metric == "energy_counter" || missing.metric == "power_sensor" ||
        missing.metric == "battery_power" || missing.metric == "rails") {
      text += (text.empty() ? "" : "; ") + missing.reason;
    }
  }
  return text;
}

std::string remedies(const Found& found) {
  for (const MissingSource& missing : found.missing) {
    if (missing.metric == "energy_counter" || missing.metric == "power_sensor" ||
        missing.metric == "battery_power" || missing.metric == "rails") {
      return missing.remedy;
    }
  }
  return "measure on the device itself, or name an external meter with --meter-command";
}

}  // namespace

void choose_total(Found& found) {
  PowerKind best = PowerKind::none;
  for (const auto& source : found.sources) {
    for (const SeriesInfo& info : source->channels) {
      if (info.in_total && source->power_kind < best) best = source->power_kind;
    }
  }
  for (const auto& source : found.sources) {
    if (source->power_kind == best) continue;
    for (SeriesInfo& info : source->channels) info.in_total = false;
  }
  if (best != PowerKind::none) return;
  const std::string tried = reasons(found);
  found.missing.push_back({"power",
                           tried.empty() ? "no energy counter, power sensor or battery was found "
                                           "(powercap, hwmon, IIO rails, power_supply)"
                                         : tried,
                           remedies(found)});
}

}  // namespace npb

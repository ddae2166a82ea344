#include "telemetry/components.h"

#include <initializer_list>
#include <span>

#include "telemetry/files.h"

namespace npb {
namespace {

using Words = std::initializer_list<std::string_view>;

bool any_of(std::string_view text, std::span<const std::string_view> parts) {
  for (const auto part : parts) {
    if (contains(text, part)) return true;
  }
  return false;
}

bool any_of(std::string_view text, Words parts) {
  return any_of(text, std::span(parts.begin(), parts.size()));
}

/// True if one of `words` stands in `text` as a word of its own, between _ - . : , or blanks.
bool has_word(std::string_view text, Words words) {
  constexpr std::string_view separators = "_-.:, /";
  size_t start = 0;
  while (start <= text.size()) {
    size_t end = text.find_first_of(separators, start);
    if (end == std::string_view::npos) end = text.size();
    for (const auto word : words) {
      if (text.substr(start, end - start) == word) return true;
    }
    start = end + 1;
  }
  return false;
}

constexpr std::string_view kNpuParts[] = {"nsp", "cdsp", "npu", "nphvx", "hexagon", "tpu"};
constexpr std::string_view kMemoryParts[] = {"ddr", "dram", "llcc", "_mif", "vddq", "vdd2"};

}  // namespace

std::string component_of_zone(std::string_view type) {
  const std::string name = lower(type);
  if (any_of(name, kNpuParts)) return "npu";
  if (contains(name, "gpu")) return "gpu";
  // Before "cpu": the board's own thermistors near something are still the board.
  if (any_of(name, {"skin", "quiet", "sys-therm", "shell", "case", "surface"})) return "skin";
  if (any_of(name, {"battery", "batt", "bms"}) || starts_with(name, "bat")) return "battery";
  if (any_of(name, {"cpu", "apc", "pkg_temp", "coretemp", "k10temp", "big", "little"}))
    return "cpu";
  if (any_of(name, kMemoryParts)) return "memory";
  return "system";
}

std::string component_of_rail(std::string_view rail) {
  const std::string name = lower(rail);
  // A rail named after several carries them all; it is charged to none alone.
  if (contains(name, "cpu") && contains(name, "gpu")) return "system";
  if (any_of(name, kNpuParts) || has_word(name, {"cv"})) return "npu";
  if (any_of(name, {"gpu", "gfx", "g3d", "uncore", "ppt"})) return "gpu";
  if (any_of(name, {"cpu", "cpucl", "apc", "core", "package", "socket", "ppcl"})) return "cpu";
  if (any_of(name, kMemoryParts) || has_word(name, {"mem", "mx"})) return "memory";
  if (any_of(name, {"batt", "bat0", "bat1"})) return "battery";
  return "system";
}

bool is_input_rail(std::string_view rail) {
  const std::string name = lower(rail);
  // Whole words only, and "sys" only alone: VDD_SYS_CPU is a part.
  return any_of(name, {"vdd_in", "vph_pwr", "dc_in", "dcin", "total", "pwr_in", "psys"}) ||
         has_word(name, {"vin", "input"}) || name == "sys" || name == "vsys" || name == "system";
}

std::string component_of_cooling(std::string_view type) {
  const std::string name = lower(type);
  if (any_of(name, {"fan", "charg", "batt", "lcd", "backlight", "panel", "display", "modem", "wlan",
                    "usb", "tcc offset", "camera"})) {
    return "";
  }
  if (any_of(name, kNpuParts)) return "npu";
  if (any_of(name, {"gpu", "kgsl"})) return "gpu";
  if (any_of(name, {"ddr", "llcc", "memory"})) return "memory";
  if (any_of(name, {"cpu", "processor", "powerclamp", "cluster"})) return "cpu";
  return "";
}

std::string component_of_devfreq(std::string_view device) {
  const std::string name = lower(device);
  if (any_of(name, kNpuParts)) return "npu";
  if (any_of(name, {"gpu", "kgsl", "mali"})) return "gpu";
  if (any_of(name, {"ddr", "llcc", "mif", "memlat", "cpubw", "bwmon", "dmc"})) return "memory";
  return "";
}

}  // namespace npb

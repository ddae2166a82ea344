#include "telemetry/emi.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "telemetry/files.h"

namespace npb {
namespace {

constexpr size_t kMakerBytes = 32, kModelBytes = 32;

std::optional<uint16_t> u16_at(std::span<const char> bytes, size_t offset) {
  uint16_t value = 0;
  if (offset + sizeof value > bytes.size()) return std::nullopt;
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

/// ASCII of a UTF-16 text up to its end or a zero; what isn't ASCII becomes '?'.
std::string name_at(std::span<const char> bytes, size_t offset, size_t size) {
  std::string name;
  for (size_t i = 0; i + 1 < size; i += 2) {
    const auto unit = u16_at(bytes, offset + i);
    if (!unit || *unit == 0) break;
    name += *unit < 128 ? static_cast<char>(*unit) : '?';
  }
  return name;
}

}  // namespace

std::vector<std::string> emi_channel_names(std::span<const char> bytes, uint16_t version) {
  std::vector<std::string> names;
  if (version == 1) {
    const size_t at = 4 + kMakerBytes + kModelBytes + 2;
    if (const auto size = u16_at(bytes, at)) names.push_back(name_at(bytes, at + 2, *size));
    return names;
  }
  size_t at = kMakerBytes + kModelBytes + 2;
  const size_t count = std::min<size_t>(u16_at(bytes, at).value_or(0), kMostEmiChannels);
  at += 2;
  for (size_t i = 0; i < count; ++i) {
    const auto size = u16_at(bytes, at + 4);
    if (!size) break;
    names.push_back(name_at(bytes, at + 6, *size));
    at += 6 + *size;
  }
  return names;
}

void choose_emi_channels(std::vector<SeriesInfo>& channels) {
  const auto any = [&](const char* part) {
    return std::any_of(channels.begin(), channels.end(), [part](const SeriesInfo& info) {
      return contains(lower(info.label), part);
    });
  };
  const bool packages = any("pkg") || any("package");
  const bool platform = any("psys") || any("system") || any("total");
  for (SeriesInfo& info : channels) {
    const std::string name = lower(info.label);
    // RAPL's parts carry the package's name, too: "RAPL_Package0_PP0".
    const bool part = contains(name, "pp0") || contains(name, "pp1") || contains(name, "dram");
    const bool package = (contains(name, "package") || contains(name, "pkg")) && !part;
    const bool whole =
        contains(name, "psys") || contains(name, "system") || contains(name, "total");
    info.in_total = packages ? package || contains(name, "dram") : platform ? whole : true;
    if (!info.in_total) info.note = "not in the total: lies inside or around a channel that is";
  }
}

}  // namespace npb

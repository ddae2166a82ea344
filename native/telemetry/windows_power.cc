// Windows: the energy meter interface (EMI v1 and v2) and the battery's own rate.
#include "telemetry/sources.h"

#ifdef _WIN32

#include <windows.h>
// After windows.h:
#include <cfgmgr32.h>
#include <powerbase.h>

#include <algorithm>
#include <cstring>
#include <cwchar>

#include "core/clock.h"
#include "telemetry/components.h"

#endif

namespace npb {

#ifdef _WIN32

namespace {

// Not in every SDK's headers: the interface as Microsoft documents it (emi.h).
constexpr GUID kEnergyMeterInterface = {
    0x45BD8344, 0x7ED6, 0x49cf, {0xA4, 0x40, 0xC2, 0x76, 0xC9, 0x33, 0xB0, 0x53}};
constexpr DWORD emi_code(DWORD function) {
  return CTL_CODE(FILE_DEVICE_UNKNOWN, function, METHOD_BUFFERED, FILE_READ_ACCESS);
}
constexpr DWORD kGetVersion = emi_code(0), kGetMetadataSize = emi_code(1);
constexpr DWORD kGetMetadata = emi_code(2), kGetMeasurement = emi_code(3);
constexpr uint64_t kMeterPeriodNs = 100 * kMillisecond;
constexpr double kMicrojoulesPerPicowattHour = 3.6e-3;
constexpr size_t kMostChannels = 64, kNameBytes = 32;

struct Measurement {
  uint64_t energy_pwh;
  uint64_t time_100ns;
};

bool control(HANDLE device, DWORD code, void* out, DWORD size, DWORD* got) {
  return DeviceIoControl(device, code, nullptr, 0, out, size, got, nullptr) != 0;
}

std::string narrow(const wchar_t* text, size_t length) {
  std::string result;
  for (size_t i = 0; i < length && text[i] != 0; ++i) {
    result += text[i] < 128 ? static_cast<char>(text[i]) : '?';
  }
  return result;
}

uint16_t u16_at(const std::vector<char>& bytes, size_t offset) {
  uint16_t value = 0;
  if (offset + sizeof value <= bytes.size())
    std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

std::string name_at(const std::vector<char>& bytes, size_t offset, size_t name_bytes) {
  if (offset > bytes.size()) return "";
  name_bytes = std::min(name_bytes, bytes.size() - offset);
  std::vector<wchar_t> text(name_bytes / sizeof(wchar_t));
  std::memcpy(text.data(), bytes.data() + offset, text.size() * sizeof(wchar_t));
  return narrow(text.data(), text.size());
}

/// Names of the channels. Version 1 (one channel): unit u32, maker and model name of 16 characters
/// each, revision u16, name size u16, name. Version 2: maker, model, revision u16, channel count
/// u16, then per channel unit u32, name size u16, name.
std::vector<std::string> channel_names(const std::vector<char>& bytes, uint16_t version) {
  std::vector<std::string> names;
  if (version == 1) {
    const size_t at = 4 + 2 * kNameBytes + 2;
    names.push_back(name_at(bytes, at + 2, u16_at(bytes, at)));
    return names;
  }
  const size_t count = std::min<size_t>(u16_at(bytes, 2 * kNameBytes + 2), kMostChannels);
  size_t at = 2 * kNameBytes + 4;
  for (size_t i = 0; i < count && at + 6 <= bytes.size(); ++i) {
    const size_t size = u16_at(bytes, at + 4);
    names.push_back(name_at(bytes, at + 6, size));
    at += 6 + size;
  }
  return names;
}

/// A package channel contains its parts, and a sum of both has reported 265 W for 154 W: the
/// total is the packages (and memory) if there are any, the platform if there is one, otherwise
/// everything.
void choose_channels(std::vector<SeriesInfo>& channels) {
  const auto count = [&](const char* part) {
    return std::count_if(channels.begin(), channels.end(), [part](const SeriesInfo& info) {
      return contains(lower(info.label), part);
    });
  };
  const bool packages = count("pkg") > 0 || count("package") > 0;
  const bool platform = count("psys") > 0 || count("system") > 0 || count("total") > 0;
  for (SeriesInfo& info : channels) {
    const std::string name = lower(info.label);
    const bool package =
        contains(name, "package") || (contains(name, "pkg") && !contains(name, "pp0") &&
                                      !contains(name, "pp1") && !contains(name, "dram"));
    const bool whole =
        contains(name, "psys") || contains(name, "system") || contains(name, "total");
    info.in_total = packages ? package || contains(name, "dram") : platform ? whole : true;
    if (!info.in_total) info.note = "not in the total: lies inside or around a channel that is";
  }
}

class EnergyMeter : public Source {
 public:
  EnergyMeter(HANDLE device, const std::vector<std::string>& names) : device_(device) {
    for (const std::string& name : names) {
      SeriesInfo info;
      info.source = "emi";
      info.quantity = "energy_uj";
      info.label = name;
      info.component = component_of_rail(name);
      info.counter = true;
      channels.push_back(std::move(info));
    }
    choose_channels(channels);
    floor_ns = kMeterPeriodNs;
    power_kind = PowerKind::energy_meter;
  }
  ~EnergyMeter() override { CloseHandle(device_); }
  EnergyMeter(const EnergyMeter&) = delete;
  EnergyMeter& operator=(const EnergyMeter&) = delete;

  void begin() override { started_ = false; }
  void read(Sink sink) override {
    Measurement measurement[kMostChannels];
    DWORD got = 0;
    const uint64_t before = now_ns();
    if (!control(device_, kGetMeasurement, measurement, sizeof measurement, &got)) return;
    const uint64_t t = before + (now_ns() - before) / 2;
    const size_t count = std::min(channels.size(), got / sizeof(Measurement));
    for (size_t i = 0; i < count; ++i) {
      if (!started_) zero_[i] = measurement[i].energy_pwh;
      if (measurement[i].energy_pwh < zero_[i]) continue;
      sink.push(
          i, t,
          static_cast<double>(measurement[i].energy_pwh - zero_[i]) * kMicrojoulesPerPicowattHour);
    }
    started_ |= count > 0;
  }

 private:
  HANDLE device_;
  uint64_t zero_[kMostChannels] = {};
  bool started_ = false;
};

void add_energy_meters(Found& found) {
  GUID guid = kEnergyMeterInterface;
  ULONG length = 0;
  if (CM_Get_Device_Interface_List_SizeW(&length, &guid, nullptr,
                                         CM_GET_DEVICE_INTERFACE_LIST_PRESENT) != CR_SUCCESS) {
    return;
  }
  std::vector<wchar_t> paths(length + 1);
  if (CM_Get_Device_Interface_ListW(&guid, nullptr, paths.data(), length,
                                    CM_GET_DEVICE_INTERFACE_LIST_PRESENT) != CR_SUCCESS) {
    return;
  }
  for (const wchar_t* path = paths.data(); *path != 0; path += std::wcslen(path) + 1) {
    const HANDLE device = CreateFileW(path, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE,
                                      nullptr, OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, nullptr);
    if (device == INVALID_HANDLE_VALUE) {
      found.missing.push_back({"energy_counter", "an energy meter device refuses to be opened",
                               "run from an elevated prompt"});
      continue;
    }
    uint16_t version = 0;
    uint32_t size = 0;
    DWORD got = 0;
    const bool known = control(device, kGetVersion, &version, sizeof version, &got) &&
                       (version == 1 || version == 2) &&
                       control(device, kGetMetadataSize, &size, sizeof size, &got) && size > 0 &&
                       size < 65536;
    std::vector<char> bytes(size);
    if (!known || !control(device, kGetMetadata, bytes.data(), size, &got)) {
      CloseHandle(device);
      continue;
    }
    const auto names = channel_names(bytes, version);
    if (names.empty())
      CloseHandle(device);
    else
      found.sources.push_back(std::make_unique<EnergyMeter>(device, names));
  }
}

/// SystemBatteryState: the rate in mW, negative while discharging; 0x80000000 is "unknown".
class WindowsBattery : public Source {
 public:
  WindowsBattery() {
    SeriesInfo info;
    info.source = "battery";
    info.quantity = "power_uw";
    info.label = "battery rate";
    info.component = "system";
    info.in_total = true;
    channels.push_back(std::move(info));
    floor_ns = 500 * kMillisecond;
    power_kind = PowerKind::battery;
    adaptive = true;
  }
  void read(Sink sink) override {
    SYSTEM_BATTERY_STATE state = {};
    if (CallNtPowerInformation(SystemBatteryState, nullptr, 0, &state, sizeof state) != 0) return;
    const int32_t rate_mw = static_cast<int32_t>(state.Rate);
    // Plugged in, the battery's rate isn't the load.
    if (!state.BatteryPresent || state.AcOnLine || state.Rate == 0x80000000u || rate_mw == 0)
      return;
    sink.push(0, now_ns(), static_cast<double>(rate_mw < 0 ? -rate_mw : rate_mw) * 1e3);
  }
};

}  // namespace

Found find_windows_power() {
  Found found;
  add_energy_meters(found);
  SYSTEM_BATTERY_STATE state = {};
  if (CallNtPowerInformation(SystemBatteryState, nullptr, 0, &state, sizeof state) == 0 &&
      state.BatteryPresent) {
    found.sources.push_back(std::make_unique<WindowsBattery>());
  }
  return found;
}

#else

Found find_windows_power() { return {}; }

#endif

}  // namespace npb

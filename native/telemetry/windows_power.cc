// Windows: the energy meter interface (EMI v1 and v2) and the battery's own rate.
#include "telemetry/sources.h"

#ifdef _WIN32

#include <windows.h>
// After windows.h:
#include <cfgmgr32.h>
#include <powrprof.h>

#include <algorithm>
#include <cwchar>

#include "core/clock.h"
#include "telemetry/components.h"
#include "telemetry/emi.h"

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
constexpr size_t kMostChannels = kMostEmiChannels;

struct Measurement {
  uint64_t energy_pwh;
  uint64_t time_100ns;
};

bool control(HANDLE device, DWORD code, void* out, DWORD size, DWORD* got) {
  return DeviceIoControl(device, code, nullptr, 0, out, size, got, nullptr) != 0;
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
    choose_emi_channels(channels);
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
    const auto names = emi_channel_names(bytes, version);
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

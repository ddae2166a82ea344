// One look at the machine, outside measured windows.
#include <cmath>
#include <cstdlib>
#include <mutex>

#include "core/clock.h"
#include "telemetry/components.h"
#include "telemetry/machine.h"
#include "telemetry/neighbours.h"
#include "telemetry/sampler.h"
#include "telemetry/sources.h"

namespace npb {
namespace {

class Builder {
 public:
  explicit Builder(Snapshot& snapshot) : snapshot_(snapshot) {}
  void number(const std::string& key, double value) { snapshot_.numbers.emplace_back(key, value); }
  void number(const std::string& key, std::optional<int64_t> value, double scale = 1) {
    if (value) number(key, static_cast<double>(*value) * scale);
  }
  void text(const std::string& key, std::optional<std::string> value) {
    if (value && !value->empty()) snapshot_.texts.emplace_back(key, std::move(*value));
  }

 private:
  Snapshot& snapshot_;
};

void add_clocks(const std::string& sys, Builder& out) {
  const std::string folder = sys + "/devices/system/cpu/cpufreq";
  for (const std::string& policy : list_names(folder)) {
    if (!starts_with(policy, "policy")) continue;
    const std::string path = folder + "/" + policy;
    out.text("governor." + policy, read_text(path + "/scaling_governor"));
    out.text("cpus." + policy, read_text(path + "/related_cpus"));
    out.text("scaling_driver." + policy, read_text(path + "/scaling_driver"));
    out.number("frequency_hz." + policy, read_number(path + "/scaling_cur_freq"), 1e3);
    out.number("frequency_limit_hz." + policy, read_number(path + "/scaling_max_freq"), 1e3);
    out.number("frequency_maximum_hz." + policy, read_number(path + "/cpuinfo_max_freq"), 1e3);
  }
  const std::string cpu = sys + "/devices/system/cpu";
  // Two conventions: intel_pstate says what is off, acpi-cpufreq and its like what is on.
  if (const auto off = read_number(cpu + "/intel_pstate/no_turbo")) {
    out.number("turbo_enabled", *off == 0 ? 1.0 : 0.0);
  } else {
    out.number("turbo_enabled", read_number(cpu + "/cpufreq/boost"));
  }
  out.text("cpu_online", read_text(cpu + "/online"));
}

void add_heat(const std::string& sys, Builder& out) {
  const std::string folder = sys + "/class/thermal";
  for (const std::string& name : list_names(folder)) {
    const std::string path = folder + "/" + name;
    const auto type = read_text(path + "/type");
    if (!type) continue;
    if (starts_with(name, "cooling_device")) {
      const std::string component = component_of_cooling(*type);
      const auto level = read_number(path + "/cur_state");
      if (!component.empty() && level && *level >= 0) {
        out.number("throttle_level." + *type + "." + name.substr(14), level);
      }
      continue;
    }
    if (!starts_with(name, "thermal_zone")) continue;
    const std::string key = component_of_zone(*type) + "." + *type;
    if (const auto raw = read_number(path + "/temp")) {
      const auto temperature = temperature_mc(*raw, std::fabs(static_cast<double>(*raw)));
      if (temperature) out.number("temperature_mc." + key, *temperature);
    }
    // The lowest trip at which the kernel begins to slow things down.
    double lowest = 0;
    for (int trip = 0; trip < 12; ++trip) {
      const std::string point = path + "/trip_point_" + std::to_string(trip);
      const auto kind = read_text(point + "_type");
      if (!kind) break;
      const auto at = read_number(point + "_temp");
      if (*kind == "passive" && at && *at > 0 && (lowest == 0 || *at < lowest)) {
        lowest = static_cast<double>(*at);
      }
    }
    if (lowest > 0) out.number("passive_trip_mc." + key, lowest);
  }
}

void add_power(const std::string& sys, Builder& out) {
  const std::string folder = sys + "/class/power_supply";
  bool any_battery = false, any_mains = false, online = false, discharging = false;
  for (const std::string& name : list_names(folder)) {
    const std::string path = folder + "/" + name;
    const std::string type = read_text(path + "/type").value_or("");
    if (read_text(path + "/scope").value_or("") == "Device") continue;
    if (type == "Battery") {
      if (read_number(path + "/present").value_or(1) == 0) continue;
      any_battery = true;
      const auto status = read_text(path + "/status");
      discharging |= status && *status == "Discharging";
      out.text("battery_status." + name, status);
      out.number("battery_capacity_percent." + name, read_number(path + "/capacity"));
      out.number("battery_temperature_mc." + name, read_number(path + "/temp"), 100);
    } else if (type == "Mains" || type == "Wireless" || starts_with(type, "USB")) {
      any_mains = true;
      online |= read_number(path + "/online").value_or(0) > 0;
    }
  }
  if (!any_battery && !any_mains) return;
  out.text("power_source", online && !discharging ? "mains" : discharging ? "battery" : "mains");
  if (online && discharging) out.text("power_note", "plugged in, and discharging nevertheless");
}

/// On or off. Phones slow down soon after their screen has gone dark. Doze itself and Android's own
/// settings are outside what a process may read.
void add_screen(const std::string& sys, Builder& out) {
  bool any = false, on = false;
  const std::string backlights = sys + "/class/backlight";
  for (const std::string& name : list_names(backlights)) {
    const std::string path = backlights + "/" + name;
    const auto brightness = read_number(path + "/brightness");
    if (!brightness) continue;
    any = true;
    // bl_power: 0 is on, the other values are kinds of off (include/uapi/linux/fb.h).
    on |= *brightness > 0 && read_number(path + "/bl_power").value_or(0) == 0;
  }
  // Older Android kernels show the panel as a light.
  if (const auto light = read_number(sys + "/class/leds/lcd-backlight/brightness")) {
    any = true;
    on |= *light > 0;
  }
  if (!any) {
    const std::string cards = sys + "/class/drm";
    for (const std::string& name : list_names(cards)) {
      if (!contains(name, "DSI") && !contains(name, "eDP")) continue;
      const auto power = read_text(cards + "/" + name + "/dpms");
      if (!power) continue;
      any = true;
      on |= *power == "On";
    }
  }
  if (any) out.text("screen", on ? "on" : "off");
}

void add_memory(const std::string& proc, Builder& out) {
  if (const auto info = read_text(proc + "/meminfo")) {
    out.number("memory_total_bytes", value_of(*info, "MemTotal"), 1024);
    out.number("memory_available_bytes", value_of(*info, "MemAvailable"), 1024);
    const auto total = value_of(*info, "SwapTotal"), unused = value_of(*info, "SwapFree");
    if (total && unused)
      out.number("swap_used_bytes", static_cast<double>(*total - *unused) * 1024);
  }
  if (const auto vmstat = read_text(proc + "/vmstat")) {
    out.number("system_major_faults", value_of(*vmstat, "pgmajfault"));
    out.number("system_swap_in_pages", value_of(*vmstat, "pswpin"));
    out.number("system_swap_out_pages", value_of(*vmstat, "pswpout"));
  }
  for (const char* resource : {"cpu", "memory", "io"}) {
    const auto text = read_text(proc + "/pressure/" + resource);
    if (!text) continue;
    const std::string name = resource;
    const size_t average = text->find("avg10=");
    if (average != std::string::npos) {
      out.number("pressure_" + name + "_avg10_percent",
                 std::strtod(text->c_str() + average + 6, nullptr));
    }
    const size_t total = text->find("total=");
    if (total != std::string::npos) {
      out.number("pressure_" + name + "_us",
                 leading_int(std::string_view(*text).substr(total + 6)));
    }
  }
}

/// Processor time of the whole machine since the snapshot before this one.
struct CpuTimes {
  double busy_ns = 0, steal_ns = 0, own_ns = 0;
  uint64_t t_ns = 0;
  std::string proc;
};

void add_load(const std::string& proc, Snapshot& snapshot, Builder& out) {
  static std::mutex mutex;
  static CpuTimes last;
  const auto times = machine_times(proc);
  if (!times) return;
  const std::lock_guard lock(mutex);
  const CpuTimes now{times->busy_ns, times->steal_ns, process_cpu_time_ns(), snapshot.t_ns, proc};
  out.number("logical_cpus", times->cpus);
  if (last.t_ns != 0 && last.proc == proc && now.t_ns > last.t_ns) {
    const double wall = static_cast<double>(now.t_ns - last.t_ns);
    const double own = now.own_ns - last.own_ns;
    const double others = std::fmax(0, now.busy_ns - last.busy_ns - own);
    out.number("load_window_ns", wall);
    out.number("others_cpu_cores", others / wall);
    if (times->cpus > 0) out.number("others_cpu_percent", 100 * others / wall / times->cpus);
    out.number("steal_percent",
               100 * (now.steal_ns - last.steal_ns) / wall / std::fmax(1, times->cpus));
  }
  last = now;
  if (const auto busiest = busiest_neighbour(proc)) {
    out.text("busiest_other_process", busiest->name + " (" + std::to_string(busiest->pid) + ")");
    out.number("busiest_other_cores", busiest->cores);
  }
  if (const auto load = read_text(proc + "/loadavg")) {
    out.number("load_average_1min", std::strtod(load->c_str(), nullptr));
  }
}

void add_system(const TelemetryRoots& roots, Builder& out) {
  out.number("aslr", read_number(roots.proc + "/sys/kernel/randomize_va_space"));
  out.text("clock_source",
           read_text(roots.sys + "/devices/system/clocksource/clocksource0/current_clocksource"));
  for (const char* name : {"machine", "family", "soc_id", "revision"}) {
    out.text(std::string("soc.") + name, read_text(roots.sys + "/devices/soc0/" + name));
  }
  out.text("virtual_machine", virtual_machine(roots));
  out.number("sleep_overshoot_ns", sleep_overshoot_ns());
}

}  // namespace

Snapshot take_snapshot(const TelemetryRoots& roots) {
  Snapshot snapshot;
  snapshot.t_ns = now_ns();
  Builder out(snapshot);
  add_load(roots.proc, snapshot, out);
  add_clocks(roots.sys, out);
  add_heat(roots.sys, out);
  add_power(roots.sys, out);
  add_screen(roots.sys, out);
  add_memory(roots.proc, out);
  add_system(roots, out);
  return snapshot;
}

}  // namespace npb

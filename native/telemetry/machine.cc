#include "telemetry/machine.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <thread>

#include "core/clock.h"
#include "telemetry/files.h"

#ifdef _WIN32
#include <windows.h>
#else
#include <time.h>
#include <unistd.h>
#endif

namespace npb {
namespace {

constexpr double kColdestMc = -60'000, kHottestMc = 200'000;

#ifdef _WIN32
double filetime_ns(const FILETIME& t) {
  return static_cast<double>((static_cast<uint64_t>(t.dwHighDateTime) << 32) | t.dwLowDateTime) *
         100.0;
}
#endif

}  // namespace

std::optional<MachineTimes> parse_machine_times(std::string_view stat, double tick_ns) {
  MachineTimes times;
  bool found = false;
  while (!stat.empty()) {
    const size_t end = std::min(stat.find('\n'), stat.size());
    std::string_view line = stat.substr(0, end);
    stat.remove_prefix(std::min(end + 1, stat.size()));
    if (!starts_with(line, "cpu")) break;
    if (!starts_with(line, "cpu ")) {
      ++times.cpus;
      continue;
    }
    // user nice system idle iowait irq softirq steal guest guest_nice; guest is part of user.
    double field[8] = {};
    line.remove_prefix(4);
    for (double& value : field) {
      const auto number = leading_int(line);
      if (!number) break;
      value = static_cast<double>(*number);
      const size_t start = line.find_first_not_of(' ');
      const size_t space = line.find(' ', start);
      line.remove_prefix(std::min(space, line.size()));
    }
    times.busy_ns = (field[0] + field[1] + field[2] + field[5] + field[6]) * tick_ns;
    times.steal_ns = field[7] * tick_ns;
    found = true;
  }
  return found ? std::optional(times) : std::nullopt;
}

#ifdef _WIN32

double kernel_tick_ns() { return 100; }

std::optional<MachineTimes> machine_times(const std::string&) {
  FILETIME idle, kernel, user;
  if (!GetSystemTimes(&idle, &kernel, &user)) return std::nullopt;
  SYSTEM_INFO info;
  GetSystemInfo(&info);
  // Kernel time includes idle time there.
  return MachineTimes{filetime_ns(kernel) + filetime_ns(user) - filetime_ns(idle), 0,
                      static_cast<int>(info.dwNumberOfProcessors)};
}

double process_cpu_time_ns() {
  FILETIME created, exited, kernel, user;
  if (!GetProcessTimes(GetCurrentProcess(), &created, &exited, &kernel, &user)) return 0;
  return filetime_ns(kernel) + filetime_ns(user);
}

#else

double kernel_tick_ns() { return 1e9 / static_cast<double>(sysconf(_SC_CLK_TCK)); }

std::optional<MachineTimes> machine_times(const std::string& proc) {
  const auto text = read_text(proc + "/stat");
  return text ? parse_machine_times(*text, kernel_tick_ns()) : std::nullopt;
}

double process_cpu_time_ns() {
  timespec t = {};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) * 1e9 + static_cast<double>(t.tv_nsec);
}

#endif

std::optional<std::string> virtual_machine(const TelemetryRoots& roots) {
  const auto cpuinfo = TextFile::open(roots.proc + "/cpuinfo");
  std::string buffer(8192, '\0');
  if (const auto text = cpuinfo.read(buffer.data(), buffer.size())) {
    // x86: the flag that every hypervisor shows to its guests.
    if (contains(*text, " hypervisor")) return "hypervisor flag of the processor";
  }
  for (const char* name : {"sys_vendor", "product_name"}) {
    const auto maker = read_text(roots.sys + "/class/dmi/id/" + name);
    for (const char* known : {"QEMU", "KVM", "VMware", "VirtualBox", "Xen", "Virtual Machine",
                              "Amazon EC2", "Google Compute"}) {
      if (maker && contains(*maker, known)) return *maker;
    }
  }
  // arm64 guests are described by a device tree or firmware that names the machine.
  if (const auto model = read_text(roots.proc + "/device-tree/compatible")) {
    if (contains(*model, "dummy-virt")) return "virtual board";
  }
  if (const auto type = read_text(roots.sys + "/hypervisor/type")) return *type;
  return cpuinfo.is_open() ? std::optional<std::string>("no") : std::nullopt;
}

double sleep_overshoot_ns() {
  constexpr uint64_t kAskedNs = 50'000;
  uint64_t best = UINT64_MAX;
  for (int i = 0; i < 5; ++i) {
    const uint64_t before = now_ns();
    std::this_thread::sleep_for(std::chrono::nanoseconds(kAskedNs));
    best = std::min(best, now_ns() - before);
  }
  return best > kAskedNs ? static_cast<double>(best - kAskedNs) : 0;
}

std::optional<double> temperature_mc(int64_t raw, double largest) {
  // A sleeping block answers with 0 or with absolute zero in one of the units.
  if (raw == 0 || raw == -273 || raw == -274 || raw == -2730 || raw <= -100'000)
    return std::nullopt;
  const double scale = largest >= 1000 ? 1.0 : largest > 200 ? 100.0 : 1000.0;
  const double value = static_cast<double>(raw) * scale;
  if (value < kColdestMc || value > kHottestMc) return std::nullopt;
  return value;
}

}  // namespace npb

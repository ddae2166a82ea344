#include "telemetry/neighbours.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <set>
#include <utility>

#include "core/clock.h"
#include "telemetry/files.h"
#include "telemetry/machine.h"

#ifndef _WIN32
#include <unistd.h>
#endif

namespace npb {
namespace {

#ifndef _WIN32

constexpr double kLeastCores = 0.1;

struct Process {
  std::string name;
  int64_t parent = 0;
  double cpu_ns = 0;
  int64_t start = 0;  // tells a reused number apart
};

/// Fields of /proc/PID/stat; the name stands in brackets and may hold blanks and brackets.
std::optional<Process> read_process(const std::string& path, double tick_ns) {
  const auto text = read_text(path + "/stat");
  if (!text) return std::nullopt;
  const size_t open = text->find('('), close = text->rfind(')');
  if (open == std::string::npos || close == std::string::npos || close < open) return std::nullopt;
  Process process;
  process.name = text->substr(open + 1, close - open - 1);
  std::string_view rest = std::string_view(*text).substr(close + 1);
  int64_t user = 0, system = 0;
  // The fields after the name: 3 state, 4 parent, 14 user, 15 system, 22 start.
  for (int field = 3; field <= 22; ++field) {
    const size_t start = rest.find_first_not_of(' ');
    if (start == std::string_view::npos) return std::nullopt;
    rest.remove_prefix(start);
    const int64_t value = leading_int(rest).value_or(0);
    if (field == 4) process.parent = value;
    if (field == 14) user = value;
    if (field == 15) system = value;
    if (field == 22) process.start = value;
    rest.remove_prefix(std::min(rest.find(' '), rest.size()));
  }
  process.cpu_ns = static_cast<double>(user + system) * tick_ns;
  return process;
}

bool is_number(const std::string& name) {
  return !name.empty() && name.find_first_not_of("0123456789") == std::string::npos;
}

#endif

}  // namespace

std::optional<Neighbour> busiest_neighbour(const std::string& proc) {
#ifdef _WIN32
  (void)proc;
  return std::nullopt;
#else
  static std::mutex mutex;
  static std::map<int64_t, Process> last;
  static std::string last_proc;
  static uint64_t last_ns = 0;

  std::map<int64_t, Process> now;
  const double tick_ns = kernel_tick_ns();
  for (const std::string& name : list_names(proc)) {
    if (!is_number(name)) continue;
    if (auto process = read_process(proc + "/" + name, tick_ns)) {
      now.emplace(leading_int(name).value_or(0), std::move(*process));
    }
  }
  const uint64_t t = now_ns();
  const std::lock_guard lock(mutex);
  const double wall_ns = static_cast<double>(t - last_ns);
  const bool comparable = last_ns != 0 && last_proc == proc && t > last_ns;
  std::set<int64_t> own = {getpid()};
  for (int64_t pid = getppid(); pid > 1 && now.contains(pid) && own.insert(pid).second;) {
    pid = now[pid].parent;
  }
  Neighbour busiest;
  for (const auto& [pid, process] : now) {
    const auto before = last.find(pid);
    if (!comparable || own.contains(pid) || process.parent == getpid()) continue;
    if (process.parent == getppid() && getppid() > 1) continue;
    const bool known = before != last.end() && before->second.start == process.start;
    const double cores = (process.cpu_ns - (known ? before->second.cpu_ns : 0)) / wall_ns;
    if (cores > busiest.cores) busiest = {process.name, pid, cores};
  }
  last = std::move(now);
  last_proc = proc;
  last_ns = t;
  if (busiest.cores < kLeastCores) return std::nullopt;
  return busiest;
#endif
}

}  // namespace npb

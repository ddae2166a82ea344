// Time for which the processor quota of this process's control group held its threads.
#include <algorithm>

#include "core/clock.h"
#include "telemetry/sources.h"

namespace npb {
namespace {

class Quota : public Source {
 public:
  explicit Quota(TextFile file) : file_(std::move(file)) {
    SeriesInfo info;
    info.source = "cgroup:cpu.stat";
    info.quantity = "cpu_quota_wait_us";
    info.component = "process";
    info.counter = true;
    channels.push_back(std::move(info));
    floor_ns = 100 * kMillisecond;
  }
  void read(Sink sink) override {
    char buffer[1024];
    const auto text = file_.read(buffer, sizeof buffer);
    if (!text) return;
    // Version 2 counts µs, version 1 ns.
    if (const auto us = value_of(*text, "throttled_usec")) {
      sink.push(0, now_ns(), static_cast<double>(*us));
    } else if (const auto ns = value_of(*text, "throttled_time")) {
      sink.push(0, now_ns(), static_cast<double>(*ns) * 1e-3);
    }
  }

 private:
  TextFile file_;
};

}  // namespace

Found find_quota(const std::string& sys, const std::string& proc) {
  Found found;
  const auto groups = read_text(proc + "/self/cgroup");
  if (!groups) return found;
  // Lines are "0::/path" (version 2) and "3:cpu,cpuacct:/path" (version 1).
  std::string_view rest = *groups;
  while (!rest.empty()) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    const size_t first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string_view::npos || second == std::string_view::npos) continue;
    const std::string controllers(line.substr(first + 1, second - first - 1));
    const std::string path(line.substr(second + 1));
    // ".." leads out of what a container shows.
    if (contains(path, "..")) continue;
    if (!controllers.empty() && !contains("," + controllers + ",", ",cpu,")) continue;
    const std::string base = sys + "/fs/cgroup" + (controllers.empty() ? "" : "/" + controllers);
    for (const std::string& file : {base + path + "/cpu.stat", base + "/cpu.stat"}) {
      const auto text = read_text(file);
      if (!text || !contains(*text, "throttled_")) continue;
      found.sources.push_back(std::make_unique<Quota>(TextFile::open(file)));
      return found;
    }
  }
  return found;
}

}  // namespace npb

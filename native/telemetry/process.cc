// This process: resident memory at every tick, its processor time and faults.
#include "core/clock.h"
#include "telemetry/sources.h"

#ifdef _WIN32
#include <windows.h>
// After windows.h:
#include <psapi.h>
#else
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>
#endif

namespace npb {
namespace {

SeriesInfo describe(const char* source, const char* quantity, bool counter) {
  SeriesInfo info;
  info.source = source;
  info.quantity = quantity;
  info.component = "process";
  info.counter = counter;
  return info;
}

#ifdef _WIN32

double filetime_ns(const FILETIME& t) {
  return static_cast<double>((static_cast<uint64_t>(t.dwHighDateTime) << 32) | t.dwLowDateTime) *
         100.0;
}

/// Working set, processor time and page faults of this process.
class WindowsProcess : public Source {
 public:
  WindowsProcess() {
    channels = {describe("process:working_set", "memory_rss_bytes", false),
                describe("process:cpu", "process_cpu_ns", true)};
    every_tick = true;
  }
  void read(Sink sink) override {
    PROCESS_MEMORY_COUNTERS memory = {};
    memory.cb = sizeof memory;
    const uint64_t t = now_ns();
    if (K32GetProcessMemoryInfo(GetCurrentProcess(), &memory, sizeof memory)) {
      sink.push(0, t, static_cast<double>(memory.WorkingSetSize));
    }
    FILETIME created, exited, kernel, user;
    if (GetProcessTimes(GetCurrentProcess(), &created, &exited, &kernel, &user)) {
      sink.push(1, t, filetime_ns(kernel) + filetime_ns(user));
    }
  }
};

#else

/// Resident pages from statm: the cheapest of the kernel's memory files.
class ResidentMemory : public Source {
 public:
  explicit ResidentMemory(TextFile file) : file_(std::move(file)) {
    channels = {describe("process:statm", "memory_rss_bytes", false)};
    page_bytes_ = static_cast<double>(sysconf(_SC_PAGESIZE));
    every_tick = true;
  }
  void read(Sink sink) override {
    char buffer[128];
    const auto text = file_.read(buffer, sizeof buffer);
    if (!text) return;
    const size_t space = text->find(' ');
    if (space == std::string_view::npos) return;
    const auto pages = leading_int(text->substr(space));
    if (pages) sink.push(0, now_ns(), static_cast<double>(*pages) * page_bytes_);
  }

 private:
  TextFile file_;
  double page_bytes_;
};

/// PSS walks the page tables and holds the process's memory lock meanwhile: rarely, and more
/// rarely the longer it takes.
class ProportionalMemory : public Source {
 public:
  explicit ProportionalMemory(TextFile file) : file_(std::move(file)) {
    channels = {describe("process:smaps_rollup", "memory_pss_bytes", false)};
    floor_ns = 1000 * kMillisecond;
  }
  void read(Sink sink) override {
    const uint64_t before = now_ns();
    char buffer[2048];
    const auto text = file_.read(buffer, sizeof buffer);
    const auto kilobytes = text ? value_of(*text, "Pss") : std::nullopt;
    const uint64_t after = now_ns();
    const uint64_t spaced = (after - before) * 1000;
    if (spaced > floor_ns) floor_ns = spaced;
    if (kilobytes) {
      sink.push(0, before + (after - before) / 2, static_cast<double>(*kilobytes) * 1024);
    }
  }

 private:
  TextFile file_;
};

/// The kernel's own high-water mark, so that a peak between two ticks isn't lost.
class PeakMemory : public Source {
 public:
  explicit PeakMemory(TextFile file) : file_(std::move(file)) {
    channels = {describe("process:status", "memory_rss_peak_bytes", false)};
    floor_ns = 500 * kMillisecond;
  }
  void read(Sink sink) override {
    char buffer[4096];
    const auto text = file_.read(buffer, sizeof buffer);
    const auto kilobytes = text ? value_of(*text, "VmHWM") : std::nullopt;
    if (kilobytes) sink.push(0, now_ns(), static_cast<double>(*kilobytes) * 1024);
  }

 private:
  TextFile file_;
};

class ProcessUsageSource : public Source {
 public:
  ProcessUsageSource() {
    channels = {describe("process:cpu", "process_cpu_ns", true),
                describe("process:rusage", "major_faults", true),
                describe("process:rusage", "context_switches", true)};
    floor_ns = 20 * kMillisecond;
  }
  void read(Sink sink) override {
    timespec t = {};
    rusage usage = {};
    const uint64_t now = now_ns();
    if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t) == 0) {
      sink.push(0, now, static_cast<double>(t.tv_sec) * 1e9 + static_cast<double>(t.tv_nsec));
    }
    if (getrusage(RUSAGE_SELF, &usage) == 0) {
      sink.push(1, now, static_cast<double>(usage.ru_majflt));
      sink.push(2, now, static_cast<double>(usage.ru_nivcsw));
    }
  }
};

/// The process's own figures are true whatever device is simulated, so a fake tree without them
/// falls back to the real one.
TextFile open_own(const std::string& proc, const char* name, std::string* why) {
  TextFile file = TextFile::open(proc + "/self/" + name, why);
  if (!file.is_open() && proc != "/proc") {
    return TextFile::open(std::string("/proc/self/") + name, why);
  }
  return file;
}

#endif

}  // namespace

Found find_process(const std::string& proc) {
  Found found;
#ifdef _WIN32
  (void)proc;
  found.sources.push_back(std::make_unique<WindowsProcess>());
#else
  std::string why;
  TextFile statm = open_own(proc, "statm", &why);
  if (statm.is_open()) {
    found.sources.push_back(std::make_unique<ResidentMemory>(std::move(statm)));
  } else {
    found.missing.push_back({"memory", why, "mount /proc"});
  }
  TextFile status = open_own(proc, "status", nullptr);
  if (status.is_open()) found.sources.push_back(std::make_unique<PeakMemory>(std::move(status)));
  TextFile rollup = open_own(proc, "smaps_rollup", nullptr);
  if (rollup.is_open()) {
    found.sources.push_back(std::make_unique<ProportionalMemory>(std::move(rollup)));
  }
  found.sources.push_back(std::make_unique<ProcessUsageSource>());
#endif
  return found;
}

}  // namespace npb

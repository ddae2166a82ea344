// Series about everybody else: other processes' processor time, steal, memory pressure and swap.
#include <algorithm>

#include "core/clock.h"
#include "telemetry/machine.h"
#include "telemetry/sources.h"

namespace npb {
namespace {

constexpr uint64_t kMachinePeriodNs = 100 * kMillisecond;

SeriesInfo describe(const char* source, const char* quantity, bool counter) {
  SeriesInfo info;
  info.source = source;
  info.quantity = quantity;
  info.component = "system";
  info.counter = counter;
  return info;
}

/// Busy time of all processors minus this process's own.
class OthersCpu : public Source {
 public:
  explicit OthersCpu(TextFile file) : file_(std::move(file)), tick_ns_(kernel_tick_ns()) {
    channels = {describe("machine:stat", "others_cpu_ns", true),
                describe("machine:stat", "steal_ns", true)};
    floor_ns = kMachinePeriodNs;
  }
  void begin() override { highest_ = -1e300; }
  void read(Sink sink) override {
    char buffer[8192];
    const auto text = file_.read(buffer, sizeof buffer);
    if (!text) return;
    const auto times = parse_machine_times(*text, tick_ns_);
    if (!times) return;
    const uint64_t t = now_ns();
    // The kernel's ticks are coarse and ours are exact: the difference may step back by a tick.
    highest_ = std::max(highest_, times->busy_ns - process_cpu_time_ns());
    sink.push(0, t, highest_);
    sink.push(1, t, times->steal_ns);
  }

 private:
  TextFile file_;
  double tick_ns_, highest_ = -1e300;
};

/// Microseconds in which some task waited for the resource, since boot.
class Pressure : public Source {
 public:
  Pressure(TextFile file, const char* source, const char* quantity) : file_(std::move(file)) {
    channels = {describe(source, quantity, true)};
    floor_ns = kMachinePeriodNs;
  }
  void read(Sink sink) override {
    char buffer[256];
    const auto text = file_.read(buffer, sizeof buffer);
    if (!text || !starts_with(*text, "some ")) return;
    const size_t total = text->find("total=");
    if (total == std::string_view::npos) return;
    const auto microseconds = leading_int(text->substr(total + 6));
    if (microseconds) sink.push(0, now_ns(), static_cast<double>(*microseconds));
  }

 private:
  TextFile file_;
};

class Swap : public Source {
 public:
  explicit Swap(TextFile file) : file_(std::move(file)) {
    channels = {describe("machine:meminfo", "swap_bytes", false),
                describe("machine:meminfo", "memory_available_bytes", false)};
    floor_ns = 500 * kMillisecond;
  }
  void read(Sink sink) override {
    char buffer[4096];
    const auto text = file_.read(buffer, sizeof buffer);
    if (!text) return;
    const uint64_t t = now_ns();
    const auto total = value_of(*text, "SwapTotal"), unused = value_of(*text, "SwapFree");
    const auto available = value_of(*text, "MemAvailable");
    if (total && unused) sink.push(0, t, static_cast<double>(*total - *unused) * 1024);
    if (available) sink.push(1, t, static_cast<double>(*available) * 1024);
  }

 private:
  TextFile file_;
};

}  // namespace

Found find_machine(const std::string& proc) {
  Found found;
  TextFile stat = TextFile::open(proc + "/stat");
  if (stat.is_open()) found.sources.push_back(std::make_unique<OthersCpu>(std::move(stat)));
  TextFile memory = TextFile::open(proc + "/pressure/memory");
  if (memory.is_open()) {
    found.sources.push_back(std::make_unique<Pressure>(std::move(memory), "machine:pressure/memory",
                                                       "pressure_memory_us"));
  }
  TextFile cpu = TextFile::open(proc + "/pressure/cpu");
  if (cpu.is_open()) {
    found.sources.push_back(
        std::make_unique<Pressure>(std::move(cpu), "machine:pressure/cpu", "pressure_cpu_us"));
  }
  TextFile meminfo = TextFile::open(proc + "/meminfo");
  if (meminfo.is_open()) found.sources.push_back(std::make_unique<Swap>(std::move(meminfo)));
  return found;
}

}  // namespace npb

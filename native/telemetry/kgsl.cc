// Adreno's own driver under /sys/class/kgsl (Android, Qualcomm Linux).
#include "core/clock.h"
#include "telemetry/sources.h"

#ifdef _WIN32
#include <process.h>
#define NPB_GETPID _getpid
#else
#include <unistd.h>
#define NPB_GETPID getpid
#endif

namespace npb {
namespace {

SeriesInfo describe(const char* quantity, const char* label) {
  SeriesInfo info;
  info.source = "kgsl:kgsl-3d0";
  info.quantity = quantity;
  info.label = label;
  info.component = "gpu";
  return info;
}

/// "busy total": microseconds of the last window that the driver has closed; not counters, so no
/// difference is taken. Both are zero while the GPU is powered off: no window, no reading.
class GpuBusy : public Source {
 public:
  explicit GpuBusy(TextFile file) : file_(std::move(file)) {
    channels = {describe("utilization_ratio", "gpubusy")};
    channels[0].note = "share of the driver's last window (about 1 s)";
    floor_ns = 200 * kMillisecond;
  }
  void read(Sink sink) override {
    char buffer[64];
    const uint64_t t = now_ns();
    const auto text = file_.read(buffer, sizeof buffer);
    if (!text) return;
    const size_t start = text->find_first_not_of(' ');
    if (start == std::string_view::npos) return;
    const auto busy = leading_int(text->substr(start));
    const size_t space = text->find(' ', start);
    if (!busy || space == std::string_view::npos) return;
    const auto total = leading_int(text->substr(space));
    if (!total || *total <= 0 || *busy < 0 || *busy > *total) return;
    sink.push(0, t, static_cast<double>(*busy) / static_cast<double>(*total));
  }

 private:
  TextFile file_;
};

void add_file(Found& found, const std::string& path, SeriesInfo info, uint64_t period_ns,
              double scale, double lowest, std::string* why = nullptr) {
  TextFile file = TextFile::open(path, why);
  if (!file.is_open()) return;
  auto source = std::make_unique<FileSource>(std::move(file), std::move(info), period_ns, scale);
  source->lowest = lowest;
  found.sources.push_back(std::move(source));
}

/// Memory of this process: what the driver allocated for it.
class GpuMemory : public Source {
 public:
  explicit GpuMemory(std::string folder) : folder_(std::move(folder)) {
    channels = {describe("memory_device_bytes", "gpumem_mapped"),
                describe("memory_device_bytes", "gpumem_unmapped")};
    channels[0].note = "mapped into the process: contained in its resident memory";
    channels[1].note = "not contained in the process's resident memory";
    floor_ns = 200 * kMillisecond;
  }
  void begin() override { open(); }
  void read(Sink sink) override {
    // The folder appears when the process opens the GPU, which may be after the sampler started.
    const uint64_t now = now_ns();
    if (!mapped_.is_open() && now >= retry_ns_) {
      retry_ns_ = now + 1000 * kMillisecond;
      open();
    }
    if (const auto bytes = mapped_.read_int()) sink.push(0, now, static_cast<double>(*bytes));
    if (const auto bytes = unmapped_.read_int()) sink.push(1, now, static_cast<double>(*bytes));
  }

 private:
  void open() {
    mapped_ = TextFile::open(folder_ + "/gpumem_mapped");
    unmapped_ = TextFile::open(folder_ + "/gpumem_unmapped");
  }

  std::string folder_;
  TextFile mapped_, unmapped_;
  uint64_t retry_ns_ = 0;
};

}  // namespace

Found find_kgsl(const std::string& sys) {
  Found found;
  const std::string gpu = sys + "/class/kgsl/kgsl-3d0";
  if (list_names(gpu).empty()) return found;
  std::string why;
  // One figure of utilisation: the pair of numbers, or the percentage where only that is there.
  TextFile busy = TextFile::open(gpu + "/gpubusy", &why);
  if (busy.is_open()) {
    found.sources.push_back(std::make_unique<GpuBusy>(std::move(busy)));
  } else {
    add_file(found, gpu + "/gpu_busy_percentage",
             describe("utilization_ratio", "gpu_busy_percentage"), 200 * kMillisecond, 0.01, 0,
             &why);
  }
  if (found.sources.empty()) {
    found.missing.push_back({"gpu_utilization", why,
                             "run through adb shell or as root; the device's own timestamps "
                             "give GPU time without it"});
  }
  add_file(found, gpu + "/gpuclk", describe("frequency_hz", "gpuclk"), 50 * kMillisecond, 1.0, 1);
  add_file(found, gpu + "/max_gpuclk", describe("frequency_limit_hz", "max_gpuclk"),
           200 * kMillisecond, 1.0, 1);
  auto level = describe("throttle_level", "thermal_pwrlevel");
  level.hardware_limit = static_cast<double>(read_number(gpu + "/num_pwrlevels").value_or(0));
  add_file(found, gpu + "/thermal_pwrlevel", std::move(level), 200 * kMillisecond, 1.0, 0);
  const std::string memory = sys + "/class/kgsl/kgsl/proc";
  if (!list_names(sys + "/class/kgsl/kgsl").empty()) {
    found.sources.push_back(
        std::make_unique<GpuMemory>(memory + "/" + std::to_string(NPB_GETPID())));
  }
  return found;
}

}  // namespace npb

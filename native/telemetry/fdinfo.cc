// GPU time, clock and memory of this process as DRM drivers tell it in /proc/self/fdinfo, and the
// dma-bufs that it holds.
#include <algorithm>
#include <array>

#include "core/clock.h"
#include "telemetry/sources.h"

namespace npb {
namespace {

constexpr uint64_t kLookPeriodNs = 50 * kMillisecond;
// Descriptors come and go while the model is opened: looked for anew this often.
constexpr uint64_t kScanPeriodNs = 1000 * kMillisecond;
constexpr size_t kMostEngines = 8, kMostClients = 16;

template <class Visit>
void for_each_line(std::string_view text, const Visit& visit) {
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const size_t colon = line.find(':');
    if (colon != std::string_view::npos) visit(line.substr(0, colon), line.substr(colon + 1));
  }
}

std::string_view trimmed(std::string_view text) {
  const size_t start = text.find_first_not_of(" \t");
  if (start == std::string_view::npos) return {};
  return text.substr(start, text.find_last_not_of(" \t") - start + 1);
}

double bytes_of(std::string_view value) {
  const auto number = leading_int(value);
  if (!number || *number < 0) return 0;
  const double unit = contains(value, "KiB") ? 1024 : contains(value, "MiB") ? 1048576 : 1;
  return static_cast<double>(*number) * unit;
}

struct Counters {
  struct Engine {
    char name[24] = {};
    double busy_ns = 0;
  };
  std::array<Engine, kMostEngines> engines;
  double cycles = 0, resident_bytes = 0;
  bool has_cycles = false, has_memory = false;

  void add_engine(std::string_view name, double ns) {
    for (Engine& engine : engines) {
      const std::string_view known = engine.name;
      if (known.empty())
        name.substr(0, sizeof engine.name - 1).copy(engine.name, sizeof engine.name - 1);
      else if (known != name)
        continue;
      engine.busy_ns += ns;
      return;
    }
  }

  void add(std::string_view text) {
    for_each_line(text, [this](std::string_view key, std::string_view value) {
      if (starts_with(key, "drm-engine-capacity")) return;
      if (starts_with(key, "drm-engine-")) {
        add_engine(key.substr(11), static_cast<double>(leading_int(value).value_or(0)));
      } else if (starts_with(key, "drm-cycles-")) {
        cycles += static_cast<double>(leading_int(value).value_or(0));
        has_cycles = true;
      } else if (starts_with(key, "drm-resident-")) {
        resident_bytes += bytes_of(value);
        has_memory = true;
      }
    });
  }
};

SeriesInfo describe(const char* quantity, const char* label, const char* note) {
  SeriesInfo info;
  info.source = "fdinfo:self";
  info.quantity = quantity;
  info.label = label;
  info.component = "gpu";
  info.note = note;
  return info;
}

class DescriptorInfo : public Source {
 public:
  explicit DescriptorInfo(std::string folder) : folder_(std::move(folder)) {
    channels = {
        describe("utilization_ratio", "busiest engine", "share of the time since the last reading"),
        describe("frequency_hz", "mean clock while busy", "cycles ÷ busy time"),
        describe("memory_device_bytes", "resident", "GPU buffers of this process"),
        describe("memory_device_bytes", "dma-buf", "dma-bufs held by this process"),
    };
    floor_ns = kLookPeriodNs;
  }

  void begin() override {
    next_scan_ns_ = 0;
    last_t_ns_ = 0;
  }

  void read(Sink sink) override {
    const uint64_t t = now_ns();
    if (t >= next_scan_ns_) {
      next_scan_ns_ = t + kScanPeriodNs;
      scan();
      if (dmabuf_bytes_ > 0) sink.push(3, t, dmabuf_bytes_);
    }
    if (clients_ == 0) return;
    Counters now;
    char buffer[4096];
    for (size_t i = 0; i < clients_; ++i) {
      if (const auto text = files_[i].read(buffer, sizeof buffer)) now.add(*text);
    }
    if (now.has_memory) sink.push(2, t, now.resident_bytes);
    if (last_t_ns_ != 0 && t > last_t_ns_) push_rates(sink, t, now);
    last_ = now;
    last_t_ns_ = t;
  }

 private:
  void push_rates(Sink& sink, uint64_t t, const Counters& now) {
    double busiest_ns = 0;
    for (size_t i = 0; i < kMostEngines; ++i) {
      busiest_ns = std::max(busiest_ns, now.engines[i].busy_ns - last_.engines[i].busy_ns);
    }
    const double wall_ns = static_cast<double>(t - last_t_ns_);
    sink.push(0, t, std::min(1.0, busiest_ns / wall_ns));
    const double cycles = now.cycles - last_.cycles;
    // Too little work gives a clock of rounding errors.
    if (now.has_cycles && cycles > 0 && busiest_ns > 1e5)
      sink.push(1, t, cycles * 1e9 / busiest_ns);
  }

  /// Opens the information of each DRM client once (several descriptors may show the same client)
  /// and sums the dma-bufs, again each once. Allocates; it is the sampler's thread and rare.
  void scan() {
    std::array<std::string, kMostClients> ids;
    std::array<TextFile, kMostClients> files;
    size_t count = 0;
    double dmabuf_bytes = 0;
    std::vector<std::string> inodes;
    for (const std::string& name : list_names(folder_)) {
      TextFile file = TextFile::open(folder_ + "/" + name);
      char buffer[4096];
      const auto text = file.read(buffer, sizeof buffer);
      if (!text) continue;
      std::string client, driver, inode;
      double size = -1;
      bool exporter = false;
      for_each_line(*text, [&](std::string_view key, std::string_view value) {
        if (key == "drm-client-id") client = trimmed(value);
        if (key == "drm-driver" || key == "drm-pdev") driver += trimmed(value);
        if (key == "ino") inode = trimmed(value);
        if (key == "size") size = bytes_of(value);
        exporter |= key == "exp_name";
      });
      if (exporter && size > 0 &&
          (inode.empty() || std::find(inodes.begin(), inodes.end(), inode) == inodes.end())) {
        inodes.push_back(inode);
        dmabuf_bytes += size;
      }
      const std::string id = driver + "/" + client;
      if (client.empty() || count == kMostClients) continue;
      if (std::find(ids.begin(), ids.begin() + static_cast<long>(count), id) !=
          ids.begin() + static_cast<long>(count)) {
        continue;
      }
      ids[count] = id;
      files[count++] = std::move(file);
    }
    // A client that came or went changes the sums: rates begin anew.
    if (count != clients_ || ids != ids_) last_t_ns_ = 0;
    ids_ = std::move(ids);
    files_ = std::move(files);
    clients_ = count;
    dmabuf_bytes_ = dmabuf_bytes;
  }

  std::string folder_;
  std::array<std::string, kMostClients> ids_;
  std::array<TextFile, kMostClients> files_;
  size_t clients_ = 0;
  double dmabuf_bytes_ = 0;
  Counters last_;
  uint64_t next_scan_ns_ = 0, last_t_ns_ = 0;
};

}  // namespace

Found find_fdinfo(const std::string& proc) {
  Found found;
  const std::string folder = proc + "/self/fdinfo";
  if (!list_names(folder).empty()) {
    found.sources.push_back(std::make_unique<DescriptorInfo>(folder));
  }
  return found;
}

}  // namespace npb

// An external meter: a command, or a FIFO or file, that prints lines of "seconds watts".
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "core/clock.h"
#include "telemetry/sources.h"

#ifndef _WIN32
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;
#endif

namespace npb {
namespace {

#ifndef _WIN32

// 5 kHz for ten minutes is 3 million readings; longer recordings are thinned out.
constexpr size_t kMeterCapacity = size_t{1} << 21;

class Meter : public Source {
 public:
  explicit Meter(std::string command) : command_(std::move(command)) {
    SeriesInfo info;
    info.source = "meter";
    info.quantity = "power_uw";
    info.label = command_;
    info.component = "system";
    info.in_total = true;
    channels.push_back(std::move(info));
    power_kind = PowerKind::external_meter;
    floor_ns = 10 * kMillisecond;
    capacity = kMeterCapacity;
  }
  ~Meter() override { close_stream(); }

  void begin() override {
    pending_ = 0;
    offset_ns_ = std::numeric_limits<double>::infinity();
    if (fd_ < 0) open_stream();
  }

  void read(Sink sink) override {
    if (fd_ < 0) return;
    const double arrival = static_cast<double>(now_ns());
    while (true) {
      const ssize_t got = ::read(fd_, buffer_ + pending_, sizeof buffer_ - pending_);
      if (got <= 0) return;
      pending_ += static_cast<size_t>(got);
      consume(sink, arrival);
    }
  }

  /// The meter's clock is its own. A line arrives after it was measured, never before, so the
  /// smallest difference seen between arrival and stamp is the best guess of the clocks' distance.
  void end(std::span<Track> tracks) override {
    if (tracks[0].size() > 0) {
      for (uint64_t& t : tracks[0].times()) {
        const double own = static_cast<double>(static_cast<int64_t>(t));
        t = static_cast<uint64_t>(std::max(0.0, own + offset_ns_));
      }
      channels[0].note = "meter's clock shifted onto ours by the smallest delay seen";
    }
    close_stream();
  }

 private:
  void consume(Sink& sink, double arrival) {
    size_t start = 0;
    for (size_t i = 0; i < pending_; ++i) {
      if (buffer_[i] != '\n') continue;
      parse(sink, std::string_view(buffer_ + start, i - start), arrival);
      start = i + 1;
    }
    // A line longer than the buffer is no reading.
    if (start == 0 && pending_ == sizeof buffer_) start = pending_;
    std::copy(buffer_ + start, buffer_ + pending_, buffer_);
    pending_ -= start;
  }

  void parse(Sink& sink, std::string_view line, double arrival) {
    double number[2];
    for (double& value : number) {
      const size_t at = line.find_first_not_of(" \t,;\r");
      if (at == std::string_view::npos) return;
      line.remove_prefix(at);
      const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), value);
      if (error != std::errc() || !std::isfinite(value)) return;
      line.remove_prefix(static_cast<size_t>(end - line.data()));
    }
    const double stamp_ns = number[0] * 1e9;
    if (std::fabs(stamp_ns) > 9e18) return;
    offset_ns_ = std::min(offset_ns_, arrival - stamp_ns);
    // Two's complement in the unsigned time until end() shifts it onto our clock.
    sink.push(0, static_cast<uint64_t>(static_cast<int64_t>(stamp_ns)), number[1] * 1e6);
  }

  void open_stream() {
    struct stat status = {};
    if (stat(command_.c_str(), &status) == 0 && !(status.st_mode & S_IXUSR)) {
      fd_ = open(command_.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
      return;
    }
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return;
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    // A group of its own, so that all of a pipeline ends with it.
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    const char* shell[] = {"sh", "-c", command_.c_str(), nullptr};
    if (posix_spawnp(&child_, "sh", &actions, &attributes, const_cast<char**>(shell), environ) !=
        0) {
      child_ = -1;
    }
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    if (child_ < 0) {
      close(ends[0]);
      return;
    }
    fd_ = ends[0];
    fcntl(fd_, F_SETFL, fcntl(fd_, F_GETFL) | O_NONBLOCK);
  }

  void close_stream() {
    if (fd_ >= 0) close(fd_);
    fd_ = -1;
    if (child_ > 0) {
      kill(-child_, SIGTERM);
      waitpid(child_, nullptr, 0);
    }
    child_ = -1;
  }

  std::string command_;
  int fd_ = -1;
  pid_t child_ = -1;
  char buffer_[4096];
  size_t pending_ = 0;
  double offset_ns_ = 0;
};

#endif

}  // namespace

Found find_meter(const std::string& command) {
  Found found;
  if (command.empty()) return found;
#ifdef _WIN32
  found.missing.push_back({"power_sensor", "external meters can't be read on Windows yet",
                           "use the energy meter interface or the battery"});
#else
  found.sources.push_back(std::make_unique<Meter>(command));
#endif
  return found;
}

}  // namespace npb

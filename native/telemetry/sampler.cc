#include "telemetry/sampler.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <limits>
#include <mutex>
#include <thread>

#include "core/clock.h"
#include "telemetry/sources.h"

#ifdef _WIN32
#include <windows.h>
#else
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#endif

namespace npb {
namespace {

// Of one core, for all sources together at their planned rates; the thread's wake-ups come on top.
constexpr double kBudget = 0.005;
// The share of the budget that energy counters may use before they, too, are read less often.
constexpr double kEnergyShare = 0.6;
constexpr uint64_t kSlowestAdaptedNs = 1'000'000'000;
constexpr int kChangesToJudge = 8;
// A level that stays the same is looked at less and less, down to this rate. A wake-up alone can
// cost 20 µs in a virtual machine, so an idle tick is worth saving.
constexpr uint64_t kSlowestRestNs = 10'000'000;
constexpr int kSameToRest = 8;
constexpr size_t kMostLateTicks = 20'000;

uint64_t thread_cpu_ns() {
#ifdef _WIN32
  FILETIME created, exited, kernel, user;
  if (!GetThreadTimes(GetCurrentThread(), &created, &exited, &kernel, &user)) return 0;
  const auto ticks = [](const FILETIME& t) {
    return (static_cast<uint64_t>(t.dwHighDateTime) << 32) | t.dwLowDateTime;
  };
  return (ticks(kernel) + ticks(user)) * 100;
#else
  timespec t = {};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<uint64_t>(t.tv_sec) * 1'000'000'000ull + static_cast<uint64_t>(t.tv_nsec);
#endif
}

/// The kernel's account of the calling thread's waiting for a processor. It tells a sampler that
/// had to wait from one that was stopped with its process: who is stopped doesn't wait.
TextFile open_own_schedstat() {
#ifdef __linux__
  return TextFile::open("/proc/self/task/" + std::to_string(syscall(SYS_gettid)) + "/schedstat");
#else
  return {};
#endif
}

/// "run_ns wait_ns slices"
std::optional<double> waited_ns(const TextFile& schedstat) {
  char buffer[96];
  const auto text = schedstat.read(buffer, sizeof buffer);
  if (!text) return std::nullopt;
  const size_t space = text->find(' ');
  const auto wait =
      space == std::string_view::npos ? std::nullopt : leading_int(text->substr(space));
  return wait ? std::optional(static_cast<double>(*wait)) : std::nullopt;
}

SeriesInfo waiting_info(uint64_t period_ns) {
  SeriesInfo info;
  info.source = "sampler:schedstat";
  info.quantity = "sampler_wait_ns";
  info.component = "process";
  info.counter = true;
  info.period_ns = period_ns;
  return info;
}

/// A source with its place in the schedule.
struct Slot {
  std::unique_ptr<Source> source;
  std::vector<Track> tracks;
  uint64_t cost_ns = 0;    // of one look, the smallest of a few
  uint64_t period_ns = 0;  // planned distance of two looks
  uint64_t due_ns = 0;
  // What is known of the source's own rate (adaptive sources): see learn().
  uint64_t last_change_ns = 0, shortest_gap_ns = 0, seen_ns = 0;
  double last_value = std::numeric_limits<double>::quiet_NaN();
  int changes = 0, quick_changes = 0;
  uint64_t base_period_ns = 0;

  int same = 0;

  void look() { source->read(Sink(tracks)); }
  void learn();
  void rest();
};

/// Reads less often than before once the value has been seen to change less often, and faster
/// again when it changes at every look.
void Slot::learn() {
  Track& track = tracks[0];
  if (track.size() == 0 || track.times().back() == seen_ns) return;
  const uint64_t t = seen_ns = track.times().back();
  const bool first = last_value != last_value;
  if (track.last() == last_value) return;
  last_value = track.last();
  const uint64_t gap = t - last_change_ns;
  last_change_ns = t;
  if (first) return;
  quick_changes = gap < period_ns + period_ns / 2 ? quick_changes + 1 : 0;
  if (quick_changes >= kChangesToJudge && period_ns > base_period_ns) {
    period_ns = std::max(base_period_ns, period_ns / 2);
    quick_changes = changes = 0;
    return;
  }
  shortest_gap_ns = changes == 0 ? gap : std::min(shortest_gap_ns, gap);
  if (++changes < kChangesToJudge) return;
  // Two looks per change, so that the moment of a change is known to half its interval.
  const uint64_t wanted = std::min(shortest_gap_ns / 2, kSlowestAdaptedNs);
  if (wanted > period_ns) period_ns = wanted;
  changes = 0;
}

/// Slows down while the value stays the same, and is back at full rate with the first change.
void Slot::rest() {
  if (base_period_ns >= kSlowestRestNs || tracks[0].size() == 0) return;
  if (tracks[0].last() != last_value) {
    last_value = tracks[0].last();
    same = 0;
    period_ns = base_period_ns;
  } else if (++same >= kSameToRest) {
    same = 0;
    period_ns = std::min(2 * period_ns, kSlowestRestNs);
  }
}

class ThreadSampler : public Sampler {
 public:
  ThreadSampler(Found found, const SamplerOptions& options);
  ~ThreadSampler() override { halt(); }
  void start() override;
  Recording stop() override;

 private:
  void plan();
  void run();
  void tick(uint64_t now);
  uint64_t earliest_due() const;
  void halt();

  uint64_t period_ns_, capacity_ns_;
  bool fake_roots_;
  std::vector<Slot> slots_;
  std::vector<MissingSource> missing_;

  std::thread thread_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  uint64_t begin_ns_ = 0, cpu_ns_ = 0, ticks_ = 0, late_ticks_ = 0;
  Track waiting_;  // see open_own_schedstat(); read at the begin, at the end and when late
};

ThreadSampler::ThreadSampler(Found found, const SamplerOptions& options)
    : period_ns_(std::max<uint64_t>(options.period_ns, 100'000)),
      capacity_ns_(options.capacity_ns != 0 ? options.capacity_ns : 600'000'000'000ull),
      fake_roots_(options.roots.sys != "/sys" || options.roots.proc != "/proc"),
      missing_(std::move(found.missing)) {
  for (auto& source : found.sources) {
    Slot slot;
    slot.tracks.resize(source->channels.size());
    slot.source = std::move(source);
    // Tracks have no capacity yet, so these looks record nothing; they warm up and tell the cost.
    slot.cost_ns = std::numeric_limits<uint64_t>::max();
    for (int i = 0; i < 3; ++i) {
      const uint64_t before = now_ns();
      slot.look();
      slot.cost_ns = std::min(slot.cost_ns, now_ns() - before);
    }
    slots_.push_back(std::move(slot));
  }
  plan();
}

/// Gives each source its rate: its own or the sampler's, whichever is slower, and slower still for
/// what isn't memory or total energy if all together would cost more than the budget.
void ThreadSampler::plan() {
  double fixed = 0, flexible = 0;
  for (Slot& slot : slots_) {
    slot.period_ns =
        slot.source->every_tick ? period_ns_ : std::max(period_ns_, slot.source->floor_ns);
    const bool total = std::any_of(slot.source->channels.begin(), slot.source->channels.end(),
                                   [](const SeriesInfo& info) { return info.in_total; });
    if (total) {
      const double least = static_cast<double>(slot.cost_ns) / (kBudget * kEnergyShare);
      slot.period_ns = std::max(slot.period_ns, static_cast<uint64_t>(least));
    }
    const double share = static_cast<double>(slot.cost_ns) / static_cast<double>(slot.period_ns);
    (slot.source->every_tick || total ? fixed : flexible) += share;
  }
  const double left = std::max(kBudget - fixed, kBudget / 5);
  const double stretch = std::max(1.0, flexible / left);
  for (Slot& slot : slots_) {
    const bool total = std::any_of(slot.source->channels.begin(), slot.source->channels.end(),
                                   [](const SeriesInfo& info) { return info.in_total; });
    if (!slot.source->every_tick && !total) {
      slot.period_ns = static_cast<uint64_t>(static_cast<double>(slot.period_ns) * stretch);
    }
    slot.base_period_ns = slot.period_ns;
  }
}

void ThreadSampler::start() {
  for (Slot& slot : slots_) {
    const size_t by_period = static_cast<size_t>(capacity_ns_ / slot.base_period_ns) + 16;
    for (Track& track : slot.tracks) {
      track.reserve(slot.source->capacity != 0 ? slot.source->capacity : by_period);
    }
    slot.period_ns = slot.base_period_ns;
    slot.changes = slot.quick_changes = slot.same = 0;
    slot.last_value = std::numeric_limits<double>::quiet_NaN();
    slot.seen_ns = 0;
    slot.source->begin();
  }
  waiting_.reserve(kMostLateTicks);
  stopping_ = false;
  ticks_ = late_ticks_ = 0;
  begin_ns_ = now_ns();
  // The first look happens before the caller goes on, so that windows begin inside the recording.
  for (Slot& slot : slots_) {
    slot.look();
    slot.due_ns = begin_ns_ + slot.period_ns;
  }
  thread_ = std::thread([this] { run(); });
}

void ThreadSampler::tick(uint64_t now) {
  for (Slot& slot : slots_) {
    // Half a period of grace: a look that is due between two ticks belongs to the nearer one.
    if (now + period_ns_ / 2 < slot.due_ns) continue;
    slot.look();
    if (slot.source->every_tick)
      slot.rest();
    else if (slot.source->adaptive)
      slot.learn();
    const uint64_t distance = std::max(slot.period_ns, slot.source->floor_ns);
    slot.due_ns = std::max(slot.due_ns + distance, now + distance / 2);
  }
}

uint64_t ThreadSampler::earliest_due() const {
  uint64_t earliest = std::numeric_limits<uint64_t>::max();
  for (const Slot& slot : slots_) earliest = std::min(earliest, slot.due_ns);
  return earliest;
}

void ThreadSampler::run() {
  const uint64_t cpu_before = thread_cpu_ns();
  const TextFile schedstat = open_own_schedstat();
  const auto note_waiting = [&] {
    if (const auto waited = waited_ns(schedstat)) waiting_.push(now_ns(), *waited);
  };
  note_waiting();
  // Absolute ticks: a late one doesn't move those after it, and ticks at which nothing is due are
  // slept through. steady_clock and now_ns() have the same rate; only their distance is used.
  const auto steady_zero =
      std::chrono::steady_clock::now() - std::chrono::nanoseconds(now_ns() - begin_ns_);
  std::unique_lock lock(mutex_);
  for (uint64_t number = 1;;) {
    const uint64_t planned = number * period_ns_;
    if (wake_.wait_until(lock, steady_zero + std::chrono::nanoseconds(planned),
                         [this] { return stopping_; })) {
      break;
    }
    lock.unlock();
    const uint64_t now = now_ns();
    const uint64_t lateness = now > begin_ns_ + planned ? now - begin_ns_ - planned : 0;
    ++ticks_;
    if (lateness > period_ns_ / 2) {
      ++late_ticks_;
      note_waiting();
    }
    // Whole ticks that have gone by can't be made up for: they count as late and are left out.
    ticks_ += lateness / period_ns_;
    late_ticks_ += lateness / period_ns_;
    tick(now);
    const uint64_t due = earliest_due() - begin_ns_ - period_ns_ / 2;
    const uint64_t wanted = (due + period_ns_ - 1) / period_ns_;
    number = std::max({number + 1, wanted, (now_ns() - begin_ns_) / period_ns_ + 1});
    lock.lock();
  }
  // A last look at everything, so that every window ends inside the recording.
  lock.unlock();
  for (Slot& slot : slots_) slot.look();
  note_waiting();
  cpu_ns_ = thread_cpu_ns() - cpu_before;
}

void ThreadSampler::halt() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

Recording ThreadSampler::stop() {
  halt();
  Recording recording;
  recording.begin_ns = begin_ns_;
  recording.end_ns = now_ns();
  recording.sampler_cpu_ns = cpu_ns_;
  recording.ticks = ticks_;
  recording.late_ticks = late_ticks_;
  recording.fake_roots = fake_roots_;
  recording.missing = missing_;
  for (Slot& slot : slots_) {
    slot.source->end(slot.tracks);
    for (size_t i = 0; i < slot.tracks.size(); ++i) {
      if (slot.tracks[i].size() == 0) continue;
      Series series;
      series.info = slot.source->channels[i];
      series.info.period_ns = slot.source->every_tick ? slot.base_period_ns : slot.period_ns;
      if (slot.tracks[i].thinned()) series.info.note += " (thinned out: a long recording)";
      slot.tracks[i].move_to(series);
      recording.series.push_back(std::move(series));
    }
  }
  if (waiting_.size() > 0) {
    Series series;
    series.info = waiting_info(period_ns_);
    waiting_.move_to(series);
    recording.series.push_back(std::move(series));
  }
  return recording;
}

void join(Found& found, Found more) {
  for (auto& source : more.sources) found.sources.push_back(std::move(source));
  for (auto& missing : more.missing) found.missing.push_back(std::move(missing));
}

}  // namespace

std::unique_ptr<Sampler> Sampler::open(const SamplerOptions& options) {
  const TelemetryRoots& roots = options.roots;
  Found found = find_process(roots.proc);
  join(found, find_meter(options.meter_command));
  join(found, find_powercap(roots.sys));
  join(found, find_hwmon(roots.sys));
  join(found, find_iio_rails(roots.sys));
  join(found, find_power_supplies(roots.sys));
  join(found, find_windows_power());
  join(found, find_thermal(roots.sys));
  join(found, find_cpufreq(roots.sys));
  join(found, find_devfreq(roots.sys));
  join(found, find_kgsl(roots.sys));
  join(found, find_fdinfo(roots.proc));
  join(found, find_machine(roots.proc));
  join(found, find_quota(roots.sys, roots.proc));
  choose_total(found);
  return std::make_unique<ThreadSampler>(std::move(found), options);
}

}  // namespace npb

// What a source of readings is. The sampler owns sources and ticks them; a source knows files
// and units, and nothing of the thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "telemetry/sampler.h"

namespace npb {

/// A series that fills without allocating: when its capacity is used up, every second reading is
/// dropped and from then on only every second one is kept, so memory stays bounded.
class Track {
 public:
  void reserve(size_t capacity);
  void push(uint64_t t_ns, double value);
  /// Hands the readings over and leaves the track empty and without capacity.
  void move_to(Series& series);
  bool thinned() const { return stride_ > 1; }
  size_t size() const { return values_.size(); }
  double last() const { return values_.back(); }
  std::vector<uint64_t>& times() { return t_ns_; }

 private:
  std::vector<uint64_t> t_ns_;
  std::vector<double> values_;
  size_t capacity_ = 0;
  uint64_t stride_ = 1, skipped_ = 0;
};

/// Where a source puts its readings during one look; channel i of the source is tracks[i].
class Sink {
 public:
  explicit Sink(std::span<Track> tracks) : tracks_(tracks) {}
  void push(size_t channel, uint64_t t_ns, double value) { tracks_[channel].push(t_ns, value); }

 private:
  std::span<Track> tracks_;
};

/// Kinds of power and energy sources, best first: only one kind makes the document's total.
enum class PowerKind {
  external_meter,
  powercap,
  hwmon_energy,
  energy_meter,  // Windows
  hwmon_power,
  rails,  // IIO
  battery,
  none,  // not a power source
};

class Source {
 public:
  virtual ~Source() = default;

  /// Called before the first look of a recording, on the thread that calls start().
  virtual void begin() {}
  /// One look, without allocating. A value that can't be had now is not pushed.
  virtual void read(Sink sink) = 0;
  /// Called after the last look; may correct the times of what was recorded and write notes.
  virtual void end(std::span<Track> tracks) { (void)tracks; }

  std::vector<SeriesInfo> channels;
  uint64_t floor_ns = 0;  // never read more often than this
  PowerKind power_kind = PowerKind::none;
  bool every_tick = false;  // read at the sampler's own rate (less often while it stays the same)
  bool adaptive = false;    // find out how often the value changes, and read no faster
  size_t capacity = 0;      // readings to provide for, where a look may bring many; 0 = by period
};

/// What a finder brought: sources to tick, and what could not be had.
struct Found {
  std::vector<std::unique_ptr<Source>> sources;
  std::vector<MissingSource> missing;
};

}  // namespace npb

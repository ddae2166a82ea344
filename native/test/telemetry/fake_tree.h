// Device trees in temporary folders: what a machine's /sys and /proc would show.
#pragma once

#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <string>

#include "telemetry/source.h"

namespace npb::test {

/// A folder that is removed at the end, with small files in it.
class FakeTree {
 public:
  FakeTree();
  ~FakeTree();
  FakeTree(const FakeTree&) = delete;
  FakeTree& operator=(const FakeTree&) = delete;

  /// Writes sys/… or proc/…, making folders as needed. In place: an open reader sees the new text.
  void write(const std::string& path, const std::string& text);
  void write(const std::string& folder, const std::map<std::string, std::string>& files);
  void remove(const std::string& path);
  std::string path(const std::string& relative) const { return (root_ / relative).string(); }
  std::string sys() const { return path("sys"); }
  std::string proc() const { return path("proc"); }
  TelemetryRoots roots() const { return {sys(), proc(), path("dev")}; }

 private:
  std::filesystem::path root_;
};

/// The six systems, after public facts of such machines.
void build_android_phone(FakeTree& tree);      // Snapdragon 8 Gen 3, kgsl, battery only
void build_pixel_phone(FakeTree& tree);        // two ODPM devices
void build_snapdragon_laptop(FakeTree& tree);  // X Elite, Linux, qcom-battmgr, msm DRM
void build_dragonwing_board(FakeTree& tree);   // QCS board, INA sensors
void build_x86_laptop(FakeTree& tree);         // RAPL with psys, battery, coretemp
void build_bare_vm(FakeTree& tree);

/// A source with its tracks, looked at by hand.
class Watched {
 public:
  explicit Watched(Source& source) : source_(source), tracks_(source.channels.size()) {
    for (Track& track : tracks_) track.reserve(1000);
    source_.begin();
  }
  void look() { source_.read(Sink(tracks_)); }
  size_t count(size_t channel = 0) const { return tracks_[channel].size(); }
  double last(size_t channel = 0) const { return tracks_[channel].last(); }
  void end() { source_.end(tracks_); }

 private:
  Source& source_;
  std::vector<Track> tracks_;
};

/// The first source with a channel of that label; fails the test if there is none.
Source& source_labelled(Found& found, const std::string& label);
size_t channel_labelled(const Source& source, const std::string& label);

}  // namespace npb::test

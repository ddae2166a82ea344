#include "core/clock.h"
#include "telemetry/sources.h"

namespace npb {

FileSource::FileSource(TextFile file, SeriesInfo info, uint64_t floor, double scale)
    : file_(std::move(file)), scale_(scale) {
  channels.push_back(std::move(info));
  floor_ns = floor;
}

void FileSource::read(Sink sink) {
  const uint64_t before = now_ns();
  const auto number = file_.read_int();
  if (!number) return;
  const double value = static_cast<double>(*number);
  if (value < lowest || value > highest) return;
  sink.push(0, before + (now_ns() - before) / 2, value * scale_);
}

}  // namespace npb

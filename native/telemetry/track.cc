#include "telemetry/source.h"

namespace npb {

void Track::reserve(size_t capacity) {
  capacity_ = capacity < 2 ? 2 : capacity;
  stride_ = 1;
  skipped_ = 0;
  t_ns_.clear();
  values_.clear();
  t_ns_.reserve(capacity_);
  values_.reserve(capacity_);
}

void Track::push(uint64_t t_ns, double value) {
  if (capacity_ == 0 || ++skipped_ < stride_) return;
  skipped_ = 0;
  if (values_.size() == capacity_) {
    const size_t kept = capacity_ / 2;
    for (size_t i = 0; i < kept; ++i) {
      t_ns_[i] = t_ns_[2 * i];
      values_[i] = values_[2 * i];
    }
    t_ns_.resize(kept);
    values_.resize(kept);
    stride_ *= 2;
  }
  t_ns_.push_back(t_ns);
  values_.push_back(value);
}

void Track::move_to(Series& series) {
  series.t_ns = std::move(t_ns_);
  series.values = std::move(values_);
  t_ns_ = {};
  values_ = {};
  capacity_ = 0;
}

}  // namespace npb

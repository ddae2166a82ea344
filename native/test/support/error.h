// How far two results are apart, in the measures that the project's bounds are stated in.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <string>

#include "core/result.h"

namespace npb::test {

/// The message of a result's error, empty for a success: for messages of assertions, which doctest
/// may also evaluate when the assertion holds.
template <class T>
std::string error_text(const Result<T>& result) {
  return result.ok() ? std::string() : result.error().message;
}

/// Normalised error: ||actual - expected|| / ||expected|| (L2). Infinite when the sizes differ or
/// anything is not finite, so that a comparison with a bound fails.
inline double normalized_error(std::span<const float> actual, std::span<const float> expected) {
  if (actual.size() != expected.size() || expected.empty()) {
    return std::numeric_limits<double>::infinity();
  }
  double difference = 0.0, size = 0.0;
  for (size_t i = 0; i < expected.size(); ++i) {
    const double d = static_cast<double>(actual[i]) - expected[i];
    difference += d * d;
    size += static_cast<double>(expected[i]) * expected[i];
  }
  const double error = std::sqrt(difference) / std::sqrt(std::max(size, 1e-300));
  return std::isfinite(error) ? error : std::numeric_limits<double>::infinity();
}

inline double max_abs_error(std::span<const float> actual, std::span<const float> expected) {
  if (actual.size() != expected.size()) return std::numeric_limits<double>::infinity();
  double largest = 0.0;
  for (size_t i = 0; i < expected.size(); ++i) {
    const double d = std::abs(static_cast<double>(actual[i]) - expected[i]);
    if (!(d <= largest)) largest = std::isfinite(d) ? d : std::numeric_limits<double>::infinity();
  }
  return largest;
}

/// Cosine of the angle between two vectors; NaN (which fails every bound) when sizes differ.
inline double cosine(std::span<const float> a, std::span<const float> b) {
  if (a.size() != b.size()) return std::numeric_limits<double>::quiet_NaN();
  double ab = 0.0, aa = 0.0, bb = 0.0;
  for (size_t i = 0; i < a.size(); ++i) {
    ab += static_cast<double>(a[i]) * b[i];
    aa += static_cast<double>(a[i]) * a[i];
    bb += static_cast<double>(b[i]) * b[i];
  }
  return ab / std::sqrt(aa * bb);
}

}  // namespace npb::test

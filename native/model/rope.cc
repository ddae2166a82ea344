#include "model/rope.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace npb {

namespace {

constexpr double kTau = 2.0 * std::numbers::pi;

// Llama 3.1: long wavelengths are scaled, short ones kept, those between blended.
double llama3_frequency(double frequency, const RopeScaling& scaling) {
  const double wavelength = kTau / frequency;
  const double longest = scaling.original_context / scaling.low_frequency_factor;
  const double shortest = scaling.original_context / scaling.high_frequency_factor;
  if (wavelength < shortest) return frequency;
  if (wavelength > longest || longest <= shortest) return frequency / scaling.factor;
  const double kept = (scaling.original_context / wavelength - scaling.low_frequency_factor) /
                      (scaling.high_frequency_factor - scaling.low_frequency_factor);
  return (1.0 - kept) * frequency / scaling.factor + kept * frequency;
}

// The (fractional) dimension that makes `rotations` turns within the original context.
double yarn_dimension(double rotations, uint32_t dims, double base, double context) {
  return dims * std::log(context / (rotations * kTau)) / (2.0 * std::log(base));
}

}  // namespace

std::vector<float> rope_inverse_frequencies(uint32_t dims, double base,
                                            const RopeScaling& scaling) {
  double low = 0.0;
  double high = 0.0;
  if (scaling.kind == RopeScalingKind::yarn) {
    low = yarn_dimension(scaling.beta_fast, dims, base, scaling.original_context);
    high = yarn_dimension(scaling.beta_slow, dims, base, scaling.original_context);
    if (scaling.truncate) {
      low = std::floor(low);
      high = std::ceil(high);
    }
    low = std::max(low, 0.0);
    high = std::min(high, dims - 1.0);
    if (low == high) high += 0.001;
  }
  std::vector<float> result(dims / 2);
  for (uint32_t pair = 0; pair < dims / 2; ++pair) {
    double frequency = std::pow(base, -2.0 * pair / dims);
    if (pair < scaling.divisors.size()) frequency /= static_cast<double>(scaling.divisors[pair]);
    switch (scaling.kind) {
      case RopeScalingKind::none:
      case RopeScalingKind::longrope:
        break;
      case RopeScalingKind::linear:
        frequency /= scaling.factor;
        break;
      case RopeScalingKind::llama3:
        frequency = llama3_frequency(frequency, scaling);
        break;
      case RopeScalingKind::yarn: {
        const double interpolated = std::clamp((pair - low) / (high - low), 0.0, 1.0);
        frequency = interpolated * frequency / scaling.factor + (1.0 - interpolated) * frequency;
        break;
      }
    }
    result[pair] = static_cast<float>(frequency);
  }
  return result;
}

double yarn_magnitude(double factor, double mscale) {
  return factor <= 1.0 ? 1.0 : 0.1 * mscale * std::log(factor) + 1.0;
}

}  // namespace npb

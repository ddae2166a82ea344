// Rotary position embedding resolved while loading: whatever scaling a model asks for becomes one
// inverse frequency per pair and one magnitude.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "model/model.h"

namespace npb {

enum class RopeScalingKind { none, linear, llama3, yarn, longrope };

struct RopeScaling {
  RopeScalingKind kind = RopeScalingKind::none;
  double factor = 1.0;                 // how much longer the context is than the original one
  double original_context = 0.0;       // tokens; llama3 and yarn
  double low_frequency_factor = 1.0;   // llama3: wavelengths beyond original/low are fully scaled
  double high_frequency_factor = 4.0;  // llama3: wavelengths below original/high are kept
  double beta_fast = 32.0;             // yarn: rotations within the original context
  double beta_slow = 1.0;
  bool truncate = true;  // yarn: round the correction range to whole dimensions
  /// Divides each inverse frequency: longrope's chosen list, or GGUF's rope_freqs. Empty or [dims /
  /// 2].
  std::vector<float> divisors;
  double magnitude = 1.0;  // multiplies cos and sin
};

/// Inverse frequencies [dims / 2] of `base`. Sources: "RoFormer" (2104.09864), "YaRN" (2309.00071),
/// Llama 3.1's published rope scaling, "LongRoPE" (2402.13753). dims must be even and positive.
std::vector<float> rope_inverse_frequencies(uint32_t dims, double base, const RopeScaling& scaling);

/// YaRN's attention factor for a context scaled by `factor`: 0.1 * mscale * ln(factor) + 1.
double yarn_magnitude(double factor, double mscale = 1.0);

}  // namespace npb

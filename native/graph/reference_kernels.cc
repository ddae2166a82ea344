#include "graph/reference_kernels.h"

#include <algorithm>
#include <cmath>

// The sums are plain loops; where the tool chain can choose at load time, a wider vector unit runs
// them. (glibc resolves the choice; sanitizers aren't ready that early.)
#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define NPB_WIDEST_VECTORS \
  __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define NPB_WIDEST_VECTORS
#endif

namespace npb::reference {
namespace {

/// kRows dot products with one matrix row, in 32 partial sums altogether, so that the compiler can
/// fill vector registers, and hide their latency, without reordering a sum. Inlined so that the
/// caller's vector unit applies.
template <size_t kRows>
[[gnu::always_inline]] inline void dot(const float* w, const float* x, size_t k, double* sums) {
  constexpr size_t kLanes = kRows == 1 ? 32 : 8;
  double lanes[kRows][kLanes] = {};
  size_t i = 0;
  for (; i + kLanes <= k; i += kLanes) {
    for (size_t r = 0; r < kRows; ++r) {
      for (size_t l = 0; l < kLanes; ++l) {
        lanes[r][l] += static_cast<double>(w[i + l]) * static_cast<double>(x[r * k + i + l]);
      }
    }
  }
  for (size_t r = 0; r < kRows; ++r) {
    double sum = 0.0;
    for (size_t l = 0; l < kLanes; ++l) sum += lanes[r][l];
    for (size_t rest = i; rest < k; ++rest) {
      sum += static_cast<double>(w[rest]) * static_cast<double>(x[r * k + rest]);
    }
    sums[r] = sum;
  }
}

}  // namespace

NPB_WIDEST_VECTORS
void multiply(const float* x, size_t m, size_t k, const float* w, size_t n, const float* bias,
              float* out, size_t out_stride) {
  constexpr size_t kBlock = 4;
  for (size_t r = 0; r < m; r += kBlock) {
    const size_t count = std::min(kBlock, m - r);
    for (size_t j = 0; j < n; ++j) {
      double sums[kBlock];
      if (count == kBlock) {
        dot<kBlock>(w + j * k, x + r * k, k, sums);
      } else {
        for (size_t i = 0; i < count; ++i) dot<1>(w + j * k, x + (r + i) * k, k, sums + i);
      }
      for (size_t i = 0; i < count; ++i) {
        const double offset = bias == nullptr ? 0.0 : bias[j];
        out[(r + i) * out_stride + j] = static_cast<float>(sums[i] + offset);
      }
    }
  }
}

NPB_WIDEST_VECTORS
void attend(const float* q, const float* keys, const float* values, size_t stride, size_t head_dim,
            double scale, std::span<double> scores, std::span<double> sums, float* out) {
  double largest = -HUGE_VAL;
  for (size_t p = 0; p < scores.size(); ++p) {
    dot<1>(keys + p * stride, q, head_dim, &scores[p]);
    scores[p] *= scale;
    largest = std::max(largest, scores[p]);
  }
  double total = 0.0;
  for (double& score : scores) {
    score = std::exp(score - largest);
    total += score;
  }
  std::fill(sums.begin(), sums.end(), 0.0);
  for (size_t p = 0; p < scores.size(); ++p) {
    const float* value = values + p * stride;
    for (size_t i = 0; i < head_dim; ++i) sums[i] += scores[p] * static_cast<double>(value[i]);
  }
  for (size_t i = 0; i < head_dim; ++i) out[i] = static_cast<float>(sums[i] / total);
}

void rotate_head(const Hyperparameters& hp, uint64_t position, const float* x, size_t head_dim,
                 float* out) {
  const size_t pairs = hp.rope_inv_freq.size();
  for (size_t i = 0; i < pairs; ++i) {
    const double angle = static_cast<double>(position) * hp.rope_inv_freq[i];
    const double cosine = std::cos(angle) * hp.rope_magnitude;
    const double sine = std::sin(angle) * hp.rope_magnitude;
    const size_t first = hp.rope_style == RopeStyle::interleaved ? 2 * i : i;
    const size_t second = hp.rope_style == RopeStyle::interleaved ? 2 * i + 1 : i + pairs;
    const double a = x[first], b = x[second];
    out[first] = static_cast<float>(a * cosine - b * sine);
    out[second] = static_cast<float>(a * sine + b * cosine);
  }
  std::copy(x + 2 * pairs, x + head_dim, out + 2 * pairs);
}

void rms_normalize(const float* x, size_t width, const float* weight, double eps, float* out) {
  double squares = 0.0;
  for (size_t i = 0; i < width; ++i) squares += static_cast<double>(x[i]) * x[i];
  const double factor = 1.0 / std::sqrt(squares / static_cast<double>(width) + eps);
  for (size_t i = 0; i < width; ++i) out[i] = static_cast<float>(x[i] * factor * weight[i]);
}

void layer_normalize(const float* x, size_t width, const float* weight, const float* bias,
                     double eps, float* out) {
  double sum = 0.0;
  for (size_t i = 0; i < width; ++i) sum += x[i];
  const double mean = sum / static_cast<double>(width);
  double squares = 0.0;
  for (size_t i = 0; i < width; ++i) squares += (x[i] - mean) * (x[i] - mean);
  const double factor = 1.0 / std::sqrt(squares / static_cast<double>(width) + eps);
  for (size_t i = 0; i < width; ++i) {
    out[i] = static_cast<float>((x[i] - mean) * factor * weight[i] + bias[i]);
  }
}

void l2_normalize(const float* x, size_t width, float* out) {
  double squares = 0.0;
  for (size_t i = 0; i < width; ++i) squares += static_cast<double>(x[i]) * x[i];
  const double length = std::max(std::sqrt(squares), 1e-12);
  for (size_t i = 0; i < width; ++i) out[i] = static_cast<float>(x[i] / length);
}

void mean_of_rows(const float* rows, size_t count, size_t width, float* out) {
  for (size_t i = 0; i < width; ++i) {
    double sum = 0.0;
    for (size_t r = 0; r < count; ++r) sum += rows[r * width + i];
    out[i] = static_cast<float>(sum / static_cast<double>(count));
  }
}

double silu(double x) { return x / (1.0 + std::exp(-x)); }

double gelu(double x, bool tanh_form) {
  constexpr double kSqrtHalf = 0.70710678118654752440;
  constexpr double kSqrtTwoOverPi = 0.79788456080286535588;
  if (tanh_form) return 0.5 * x * (1.0 + std::tanh(kSqrtTwoOverPi * (x + 0.044715 * x * x * x)));
  return 0.5 * x * (1.0 + std::erf(x * kSqrtHalf));
}

}  // namespace npb::reference

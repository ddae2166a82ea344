// The arithmetic of the reference ops, one row at a time. All sums are in double (see reference.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "model/model.h"

namespace npb::reference {

/// out[r * out_stride + j] = sum_i x[r][i] * w[j][i] + bias[j], for r < m and j < n.
/// x [m, k], w [n, k]; bias [n] or null.
void multiply(const float* x, size_t m, size_t k, const float* w, size_t n, const float* bias,
              float* out, size_t out_stride);

/// One head of one query over scores.size() positions; keys and values `stride` floats apart.
/// `scores` and `sums` [head_dim] are scratch.
void attend(const float* q, const float* keys, const float* values, size_t stride, size_t head_dim,
            double scale, std::span<double> scores, std::span<double> sums, float* out);

/// Turns the first 2 * rope_inv_freq.size() columns of a head by position * inv_freq; copies the
/// rest.
void rotate_head(const Hyperparameters& hp, uint64_t position, const float* x, size_t head_dim,
                 float* out);

void rms_normalize(const float* x, size_t width, const float* weight, double eps, float* out);
void layer_normalize(const float* x, size_t width, const float* weight, const float* bias,
                     double eps, float* out);
void l2_normalize(const float* x, size_t width, float* out);
void mean_of_rows(const float* rows, size_t count, size_t width, float* out);

double silu(double x);
/// erf form, or the tanh approximation of Hendrycks and Gimpel (arXiv 1606.08415).
double gelu(double x, bool tanh_form);

}  // namespace npb::reference

#include "backends/qnn/quantize.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/parallel.h"

namespace npb::qnn {
namespace {

constexpr uint32_t kMostBlockScale = 15;  // 4 bits
constexpr float kMostStepError = 2e-3f;   // of a typical token's RMS

float largest_of(const float* values, size_t count) {
  float most = 0;
  for (size_t i = 0; i < count; ++i) most = std::max(most, std::abs(values[i]));
  return most;
}

/// Nearest multiple of `scale` within [-most, most]; 0 where all of the channel is 0.
int8_t nearest(float value, float scale, float most) {
  if (scale == 0) return 0;
  return static_cast<int8_t>(std::clamp(std::nearbyint(value / scale), -most, most));
}

double squared_error(const float* values, uint32_t count, float scale) {
  double sum = 0;
  for (uint32_t i = 0; i < count; ++i) {
    const double d = double{values[i]} - double{scale} * nearest(values[i], scale, 7);
    sum += d * d;
  }
  return sum;
}

/// The scale below which clipping the largest costs more than finer steps gain.
float best_scale4(const float* values, uint32_t count) {
  const float most = largest_of(values, count);
  float best = most / 7;
  double least = std::numeric_limits<double>::infinity();
  for (int tenths = 70; tenths <= 100; tenths += 5) {
    const float scale = most / 7 * static_cast<float>(tenths) / 100;
    const double error = squared_error(values, count, scale);
    if (error < least) {
      least = error;
      best = scale;
    }
  }
  return best;
}

void quantize_row(QuantizedMatrix& m, uint32_t r, const float* row) {
  if (m.format != WeightFormat::int4_block) {
    const bool wide = m.format == WeightFormat::int8_channel;
    const float scale = wide ? largest_of(row, m.cols) / 127 : best_scale4(row, m.cols);
    m.scales[r] = scale;
    for (uint32_t c = 0; c < m.cols; ++c)
      m.data[size_t{r} * m.cols + c] = nearest(row[c], scale, wide ? 127 : 7);
    return;
  }
  const uint32_t blocks = m.cols / m.block;
  m.scales[r] = largest_of(row, m.cols) / 7 / kMostBlockScale;
  for (uint32_t b = 0; b < blocks; ++b) {
    const float* part = row + size_t{b} * m.block;
    const float wanted = m.scales[r] == 0 ? 1 : largest_of(part, m.block) / 7 / m.scales[r];
    const int middle = static_cast<int>(std::ceil(wanted));
    uint8_t best = 1;
    double least = std::numeric_limits<double>::infinity();
    for (int s = std::max(1, middle - 4); s <= std::clamp<int>(middle, 1, kMostBlockScale); ++s) {
      const double error = squared_error(part, m.block, m.scales[r] * static_cast<float>(s));
      if (error >= least) continue;
      least = error;
      best = static_cast<uint8_t>(s);
    }
    m.block_scales[size_t{r} * blocks + b] = best;
    for (uint32_t c = 0; c < m.block; ++c)
      m.data[(size_t{b} * m.block + c) * m.rows + r] = nearest(part[c], m.scales[r] * best, 7);
  }
}

}  // namespace

ScaleOffset grid_of(float magnitude) {
  // A value that is zero everywhere still needs steps of some size.
  return {std::max(magnitude, 1e-6f) / 32767.0f, -32768};
}

Result<Range> range_of(const Graph& graph, const FixedPoint& fixed, ValueId value) {
  const auto maker = [&](ValueId made) -> const Node* {
    for (const Node& node : graph.nodes)
      if (node.output == made) return &node;
    return nullptr;
  };
  const Node* source = maker(value);
  while (source) {
    const auto found = fixed.ranges.find(source->name);
    if (found != fixed.ranges.end()) return found->second;
    // The graph that was calibrated keeps all tokens.
    source = source->kind == OpKind::pool ? maker(source->inputs[0]) : nullptr;
  }
  return Error{ErrorCode::internal, "The range of " +
                                        graph.values[static_cast<size_t>(value)].name +
                                        " is not known; delete the cached ranges."};
}

Result<bool> fits_grid(const Graph& graph, const FixedPoint& fixed, const Node& node) {
  for (ValueId value : {node.inputs[0], node.output}) {
    NPB_TRY_ASSIGN(const Range range, range_of(graph, fixed, value));
    // A step of rounding errs by its length / sqrt(12).
    const float error = grid_of(range.largest * kHeadroom).scale / 3.4641f;
    if (error > kMostStepError * range.typical && range.largest > 0) return false;
  }
  return true;
}

float QuantizedMatrix::value(uint32_t r, uint32_t c) const {
  if (format != WeightFormat::int4_block) return data[size_t{r} * cols + c] * scales[r];
  return data[size_t{c} * rows + r] * scales[r] *
         static_cast<float>(block_scales[size_t{r} * (cols / block) + c / block]);
}

Result<QuantizedMatrix> quantize(WeightFormat format, uint32_t rows, uint32_t cols,
                                 const float* values) {
  QuantizedMatrix m = {};
  m.format = format;
  m.rows = rows;
  m.cols = cols;
  if (format == WeightFormat::int4_block) {
    m.block = cols % 32 == 0 ? 32 : 16;
    if (cols % m.block != 0)
      return Error{ErrorCode::unsupported, "A matrix of " + std::to_string(cols) +
                                               " columns has no 4-bit blocks of 16; use "
                                               "--precision int8."};
    m.block_scales.resize(size_t{rows} * (cols / m.block));
  }
  m.data.resize(size_t{rows} * cols);
  m.scales.resize(rows);
  parallel_for((size_t{rows} + 15) / 16, 0, [&](size_t chunk) {
    for (size_t r = chunk * 16; r < std::min<size_t>(rows, chunk * 16 + 16); ++r)
      quantize_row(m, static_cast<uint32_t>(r), values + r * cols);
  });
  for (float& scale : m.scales) {
    if (!std::isfinite(scale))
      return Error{ErrorCode::unsupported,
                   "A matrix holds weights that are no finite numbers; convert the model again."};
    if (scale == 0) scale = 1e-9f;  // a row of zeros
    m.channels.push_back({scale, 0});
  }
  m.offsets.resize(rows);
  return m;
}

Result<QuantizedMatrix*> QuantizedWeights::get(const WeightRef& ref, HeadOrder order,
                                               WeightFormat format) {
  const Key key{ref.tensor, ref.row, ref.rows, order, format};
  if (const auto found = data_.find(key); found != data_.end()) return found->second.get();
  const uint64_t cols = ref.cols();
  std::vector<float> values(ref.rows * cols);
  parallel_for(ref.rows, 0, [&](size_t r) {
    dequantize_rows(*source_, *ref.tensor, ref.row + source_row(r, order), 1,
                    values.data() + r * cols);
  });
  source_->release(*ref.tensor, ref.row, ref.rows);
  NPB_TRY_ASSIGN(QuantizedMatrix matrix, quantize(format, static_cast<uint32_t>(ref.rows),
                                                  static_cast<uint32_t>(cols), values.data()));
  const uint64_t bits = format == WeightFormat::int8_channel ? 8 : 4;
  bytes_ += values.size() * bits / 8 + matrix.scales.size() * sizeof(float) +
            matrix.block_scales.size() / 2;
  read_bytes_ += ref.tensor->bytes() / ref.tensor->rows * ref.rows;
  return data_.emplace(key, std::make_unique<QuantizedMatrix>(std::move(matrix)))
      .first->second.get();
}

}  // namespace npb::qnn

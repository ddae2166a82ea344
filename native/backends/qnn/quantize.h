// Quantised matrix products: 16-bit activations, and weights of 8 bits per output channel or 4 bits
// per output channel or block. Everything else of a model stays in f16.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <tuple>
#include <vector>

#include "backends/qnn/abi.h"
#include "backends/qnn/ranges.h"
#include "backends/qnn/weights.h"

namespace npb::qnn {

enum class WeightFormat : uint32_t {
  int8_channel,
  int4_channel,
  int4_block,  // "blockwise expansion": 4-bit block scales on top of the channel's scale
};

/// How matrix products are computed; in f16 where there is none of it.
struct FixedPoint {
  WeightFormat format = WeightFormat::int8_channel;
  Ranges ranges;
};

/// Ranges of a value, found for the graph that gives all tokens' logits. Errors: internal.
Result<Range> range_of(const Graph& graph, const FixedPoint& fixed, ValueId value);

/// Whether 16-bit steps suffice for both sides of a product. A few values of some models are
/// thousands of times larger in one token than in the others (attention sinks); steps that reach so
/// far would leave nothing of those, and the product stays in f16.
Result<bool> fits_grid(const Graph& graph, const FixedPoint& fixed, const Node& node);

/// What other text may exceed the ranges by: clipping costs far more than the bit that room takes.
constexpr float kHeadroom = 2.0f;

/// real = (q + offset) * scale, q an unsigned 16-bit number. Symmetric, so that zero is exact.
ScaleOffset grid_of(float magnitude);

/// One matrix as HTP takes it: FullyConnected's [rows, cols], or for int4_block Conv2d's
/// [1, 1, cols, rows]. 4-bit numbers take a byte each.
struct QuantizedMatrix {
  WeightFormat format;
  uint32_t rows, cols;
  std::vector<int8_t> data;
  std::vector<ScaleOffset> channels;  // [rows]; offsets 0
  std::vector<float> scales;          // the same scales, as the 4-bit encoding wants them
  std::vector<int32_t> offsets;       // zeros
  uint32_t block = 0;                 // columns of a block
  std::vector<uint8_t> block_scales;  // [rows, cols / block], 1 to 15
  BlockwiseExpansion expansion;

  /// The value that stands for row r, column c.
  float value(uint32_t r, uint32_t c) const;
};

/// Quantises `values` [rows, cols]. Errors: unsupported (4-bit blocks need 16 to divide cols; a
/// weight that is no finite number).
Result<QuantizedMatrix> quantize(WeightFormat format, uint32_t rows, uint32_t cols,
                                 const float* values);

/// Not thread-safe. Data lives until clear().
class QuantizedWeights {
 public:
  explicit QuantizedWeights(std::shared_ptr<const WeightSource> source)
      : source_(std::move(source)) {}
  /// Rows in the head order, as HalfWeights gives them.
  Result<QuantizedMatrix*> get(const WeightRef& ref, HeadOrder order, WeightFormat format);
  uint64_t bytes() const { return bytes_; }  // as the device holds them
  uint64_t read_bytes() const { return read_bytes_; }
  void clear() { data_.clear(); }

 private:
  using Key = std::tuple<const WeightInfo*, uint64_t, uint64_t, HeadOrder, WeightFormat>;
  std::shared_ptr<const WeightSource> source_;
  std::map<Key, std::unique_ptr<QuantizedMatrix>> data_;
  uint64_t bytes_ = 0;
  uint64_t read_bytes_ = 0;
};

}  // namespace npb::qnn

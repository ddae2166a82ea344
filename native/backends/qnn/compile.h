// The graph IR as one QNN graph of a fixed number of tokens, in f16; matrix products of weights
// optionally in fixed point, between a Quantize and a Dequantize.
//
// Inputs, all f16: "x" [B*T, d], the embedded tokens (the host looks rows up: the table would
// otherwise be held a second time); "cos" and "sin" [1, T, 1, pairs]; "mask" [1, T, P + T]
// (decoder) or [1, T, T], 0 where a token may look and kMasked where not; "select" [B, B*T], the
// weights of a pooling; "past_k.L" and "past_v.L" [B * kv heads, P, head_dim], the cache. Outputs:
// "logits" [B or B*T, vocab] or "embedding" [B, d]; "new_k.L" and "new_v.L" [B * kv heads, T,
// head_dim], which the host puts into the cache. The cache itself never moves: attention takes its
// scores over the past and over the new tokens apart, and joins them before the softmax.
#pragma once

#include <string>
#include <vector>

#include "backends/qnn/net.h"
#include "backends/qnn/quantize.h"
#include "backends/qnn/weights.h"
#include "graph/graph.h"

namespace npb::qnn {

/// Low enough that exp() gives zero, and no infinity in f16 when a score is added.
constexpr float kMasked = -30000.0f;

struct Shape {
  uint32_t batch = 1;   // B
  uint32_t tokens = 1;  // T
  uint32_t past = 0;    // P, rows of the cache; 0 for encoders
};

/// An input or output: its name and shape say what it is.
struct Port {
  std::string name;
  Tensor tensor;  // with the id that the graph gave it
  std::vector<uint32_t> dims;
  std::string quantization = {};  // in words, of tensors read from a context binary
};
struct Ports {
  std::vector<Port> inputs;
  std::vector<Port> outputs;
};

/// All weights of a model, once for all graphs.
struct Weights {
  explicit Weights(const std::shared_ptr<const WeightSource>& source)
      : halves(source), quantized(source) {}
  HalfWeights halves;
  QuantizedWeights quantized;
};

/// Builds and finalises `graph` into the QNN graph `handle`. Nodes that the host does are left out:
/// embed, argmax and a closing l2_norm. Errors: unsupported (naming the node), those of the
/// runtime. `fixed` null: all of it in f16.
Result<Ports> compile(const Device& device, Handle handle, const Graph& graph, const Shape& shape,
                      const FixedPoint* fixed, Weights& weights);

}  // namespace npb::qnn

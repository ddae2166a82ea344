// What the builders of all model families share: tensors looked up by name and shape, nodes
// appended in execution order. The first problem is kept and reported by finish(), so that a
// builder reads like the model it describes.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>

#include "graph/graph.h"

namespace npb {

class GraphBuilder {
 public:
  explicit GraphBuilder(std::shared_ptr<const Model> model);

  const Hyperparameters& hp() const { return graph_.hp; }
  Graph& graph() { return graph_; }

  /// A tensor [rows, cols] that must exist. Empty (and the error kept) if it doesn't or has another
  /// shape.
  WeightRef weight(const std::string& name, uint64_t rows, uint64_t cols);
  /// Empty without an error if there is no such tensor.
  WeightRef optional_weight(const std::string& name, uint64_t rows, uint64_t cols);
  bool has(const std::string& name) const;
  void fail(ErrorCode code, std::string message);
  bool failed() const { return error_.has_value(); }

  ValueId embed(const std::string& name, WeightRef tokens, WeightRef positions, WeightRef types);
  ValueId rms_norm(const std::string& name, ValueId x, const std::string& weight_name,
                   uint32_t group);
  ValueId layer_norm(const std::string& name, ValueId x);
  /// Tensor `name`.weight [width, width of x], `name`.bias [1, width] if the model has it.
  ValueId linear(const std::string& name, ValueId x, uint32_t width);
  ValueId linear(const std::string& name, ValueId x, WeightRef weight, WeightRef bias);
  ValueId rope(const std::string& name, ValueId x, uint32_t heads);
  ValueId attention(const std::string& name, ValueId q, ValueId k, ValueId v, uint32_t layer,
                    bool causal);
  ValueId add(const std::string& name, ValueId a, ValueId b);
  ValueId swiglu(const std::string& name, ValueId gate, ValueId up);
  ValueId gelu(const std::string& name, ValueId x, bool tanh_form);
  ValueId pool(const std::string& name, ValueId x, Pooling pooling);
  ValueId l2_norm(const std::string& name, ValueId x);
  ValueId argmax(const std::string& name, ValueId x);

  /// The graph, or the first problem. A tensor of a layer that no node uses is an error, too: the
  /// model then computes something that this builder doesn't know.
  Result<Graph> finish();

 private:
  ValueId append(Node node, uint32_t width, Rows rows);
  uint32_t width(ValueId id) const;
  Rows rows(ValueId id) const;

  Graph graph_;
  std::unordered_set<std::string> used_;
  std::optional<Error> error_;
};

/// The query, key and value matrices of one attention layer: three tensors, or slices of one
/// ("attn_qkv", rows in the order q, k, v).
struct AttentionInputs {
  ValueId q, k, v;
};
AttentionInputs build_qkv(GraphBuilder& builder, const std::string& layer, ValueId x);

/// Decoders: token ids to logits. llama.cc
Result<Graph> build_llama(std::shared_ptr<const Model> model, const GraphOptions& options);
/// Encoders: token ids to one vector per sequence. bert.cc
Result<Graph> build_bert(std::shared_ptr<const Model> model);

}  // namespace npb

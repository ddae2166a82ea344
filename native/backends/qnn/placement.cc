#include "backends/qnn/placement.h"

#include <algorithm>

#include "graph/cost.h"

namespace npb::qnn {
namespace {

const char* kernel_of(OpKind kind) {
  switch (kind) {
    case OpKind::embed:
      return "table lookup";
    case OpKind::linear:
      return "FullyConnected";
    case OpKind::rms_norm:
      return "RmsNorm";
    case OpKind::layer_norm:
      return "LayerNorm";
    case OpKind::rope:
      return "Split, ElementWiseMultiply, ElementWiseAdd, Concat";
    case OpKind::attention:
      return "MatMul, Concat, Softmax";
    case OpKind::swiglu:
    case OpKind::silu:
      return "Sigmoid, ElementWiseMultiply";
    case OpKind::gelu:
      return "Gelu";
    case OpKind::pool:
      return "MatMul";
    case OpKind::add:
      return "ElementWiseAdd";
    case OpKind::mul:
      return "ElementWiseMultiply";
    default:
      return "plain C++";
  }
}

const char* format_name(WeightFormat format) {
  switch (format) {
    case WeightFormat::int8_channel:
      return "int8 per channel, int16 activations";
    case WeightFormat::int4_channel:
      return "int4 per channel, int16 activations";
    case WeightFormat::int4_block:
      return "int4 block 32, int16 activations";
  }
  return "";
}

uint64_t bits_of(std::optional<WeightFormat> format) {
  return !format ? 16 : *format == WeightFormat::int8_channel ? 8 : 4;
}

bool on_host(OpKind kind) {
  return kind == OpKind::embed || kind == OpKind::argmax || kind == OpKind::l2_norm;
}

}  // namespace

std::vector<PlacementEntry> place(const Graph& graph, const FixedPoint* fixed_point,
                                  bool simulated) {
  std::vector<PlacementEntry> entries;
  for (const Node& node : graph.nodes) {
    const std::string type =
        node.weight ? std::string(tensor_type_info(node.weight.tensor->type).name) : std::string();
    std::optional<WeightFormat> fixed;
    if (node.kind == OpKind::linear && fixed_point) {
      const auto fits = fits_grid(graph, *fixed_point, node);
      if (fits.ok() && *fits) fixed = fixed_point->format;
    }
    if (fixed && node.output == graph.logits) fixed = WeightFormat::int8_channel;
    const bool host = on_host(node.kind);
    const char* compute = fixed ? format_name(*fixed) : host ? "f32" : "f16";
    auto entry = std::find_if(entries.begin(), entries.end(), [&](const PlacementEntry& e) {
      return e.op == name(node.kind) && e.stored_type == type && e.compute_format == compute;
    });
    if (entry == entries.end()) {
      entries.push_back({.op = name(node.kind),
                         .where = host        ? "cpu"
                                  : simulated ? "npu:qnn (simulated)"
                                              : "npu:qnn",
                         .kernel = !fixed ? kernel_of(node.kind)
                                   : *fixed == WeightFormat::int4_block
                                       ? "Quantize, Conv2d, Dequantize"
                                       : "Quantize, FullyConnected, Dequantize",
                         .stored_type = type,
                         .compute_format = compute});
      entry = entries.end() - 1;
    }
    entry->count += 1;
    entry->macs_per_token += cost(graph, node, {}).macs;
    if (node.weight && !on_host(node.kind))
      entry->weight_bytes += node.weight.rows * node.weight.cols() * bits_of(fixed) / 8;
  }
  return entries;
}

std::vector<OpProfile> profile_nodes(const Graph& graph,
                                     const std::map<std::string, uint64_t>& cycles,
                                     uint64_t accelerator_us, uint64_t executions) {
  uint64_t total = 0;
  for (const auto& [name, count] : cycles) total += count;
  std::vector<OpProfile> lines;
  for (const auto& [qnn_name, count] : cycles) {
    // "blk.0.attn.scores" belongs to "blk.0.attn": the longest name that it begins with.
    const Node* owner = nullptr;
    for (const Node& node : graph.nodes) {
      const bool result = (qnn_name == "logits" && node.output == graph.logits) ||
                          (qnn_name == "embedding" && node.output == graph.embedding);
      const bool fits = result || qnn_name == node.name || qnn_name.rfind(node.name + ".", 0) == 0;
      if (fits && (!owner || node.name.size() > owner->name.size())) owner = &node;
    }
    const std::string line_name = owner ? owner->name : qnn_name;
    auto line = std::find_if(lines.begin(), lines.end(),
                             [&](const OpProfile& one) { return one.node == line_name; });
    if (line == lines.end()) {
      OpProfile fresh;
      fresh.node = line_name;
      fresh.op = owner ? name(owner->kind) : "other";
      fresh.calls = executions;
      lines.push_back(fresh);
      line = lines.end() - 1;
    }
    line->total_ns +=
        static_cast<uint64_t>(static_cast<double>(accelerator_us) * 1000.0 *
                              static_cast<double>(count) / static_cast<double>(total));
  }
  return lines;
}

}  // namespace npb::qnn

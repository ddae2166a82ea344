// One lowered operation to its kernel launches: bindings, arguments (in the order of the kernels'
// own argument blocks) and group counts.
#include <algorithm>
#include <bit>

#include "backends/gpu/choose.h"
#include "backends/gpu/pack.h"
#include "backends/gpu/plan.h"

namespace npb::gpu {
namespace {

uint32_t groups_for(uint64_t items, uint32_t per_group) {
  return static_cast<uint32_t>((items + per_group - 1) / per_group);
}

/// Element-wise launches number their invocations through; where one dimension can't hold all
/// groups, a second one counts the folds.
std::array<uint32_t, 3> folded_groups(uint64_t items, uint32_t per_group, uint32_t most) {
  const uint64_t groups = (items + per_group - 1) / per_group;
  if (groups <= most) return {static_cast<uint32_t>(groups), 1, 1};
  return {most, static_cast<uint32_t>((groups + most - 1) / most), 1};
}

uint32_t bits(float value) { return std::bit_cast<uint32_t>(value); }

Variant elementwise_variant(const Limits& limits) {
  Variant variant;
  variant.local_size = choose_elementwise(limits);
  variant.lanes = variant.local_size;
  return variant;
}

}  // namespace

void Plan::emit(const LoweredOp& op, uint32_t step_tokens, uint32_t slot,
                std::vector<Dispatch>& list) const {
  switch (op.kind) {
    case LoweredKind::embed:
      return emit_embed(op, step_tokens, list);
    case LoweredKind::linear:
      return emit_linear(op, step_tokens, list);
    case LoweredKind::norm:
    case LoweredKind::l2_norm:
      return emit_norm(op, step_tokens, list);
    case LoweredKind::rope_append:
      return emit_rope_append(op, step_tokens, list);
    case LoweredKind::attention:
      return emit_attention(op, step_tokens, list);
    case LoweredKind::elementwise:
    case LoweredKind::pool:
      return emit_elementwise(op, step_tokens, list);
    case LoweredKind::argmax:
      return emit_argmax(op, step_tokens, slot, list);
  }
}

void Plan::emit_embed(const LoweredOp& op, uint32_t step_tokens,
                      std::vector<Dispatch>& list) const {
  const Node& node = *op.nodes[0];
  const Location& out = layout_.of[node.output];
  const uint32_t m = sizes_.batch * step_tokens;
  const Variant variant = elementwise_variant(device_.limits());
  uint32_t mode = 0;
  for (const WeightRef* table : {&node.weight, &node.weight2, &node.weight3}) {
    if (*table) {
      const uint32_t columns = static_cast<uint32_t>(table->cols());
      for (const WeightChunk& chunk : weights_.matrix({*table}).chunks) {
        Dispatch d{.kernel = Kernel::embed, .format = chunk.format, .variant = variant};
        d.bindings = {tokens_, chunk.quants, chunk.scales, region(node.output), step_};
        d.push = {columns,
                  m,
                  static_cast<uint32_t>(chunk.row),
                  static_cast<uint32_t>(chunk.rows),
                  out.offset,
                  out.stride,
                  static_cast<uint32_t>(quant_words_per_row(chunk.format, columns)),
                  static_cast<uint32_t>(scale_words_per_row(chunk.format, columns)),
                  mode,
                  mode == 0 ? 0u : 1u,
                  step_tokens};
        d.groups = folded_groups(uint64_t{m} * columns / 4, variant.local_size,
                                 device_.limits().max_groups);
        d.node = &node;
        d.bytes = uint64_t{m} * 4 *
                  (quant_words_per_row(chunk.format, columns) +
                   scale_words_per_row(chunk.format, columns));
        list.push_back(std::move(d));
      }
    }
    ++mode;
  }
}

void Plan::emit_linear(const LoweredOp& op, uint32_t step_tokens,
                       std::vector<Dispatch>& list) const {
  const Matrix& matrix = weights_.matrix(DeviceWeights::matrix_parts(op));
  const std::vector<WeightRef> biases = DeviceWeights::bias_parts(op);
  const Location& x = layout_.of[op.inputs[0]];
  const Location& y = layout_.of[op.outputs[0]];
  const uint32_t m = rows_of(op.inputs[0], step_tokens);
  const uint32_t k = static_cast<uint32_t>(matrix.cols);
  const bool has_residual = op.residual != kNoValue;
  const uint32_t quant_words =
      static_cast<uint32_t>(quant_words_per_row(matrix.chunks[0].format, k));
  const uint32_t scale_words =
      static_cast<uint32_t>(scale_words_per_row(matrix.chunks[0].format, k));
  const LinearChoice choice =
      choose_linear(device_.limits(), m, k, x.stride, matrix.chunks[0].rows * quant_words / 4);
  const Binding none = step_;  // any binding: the kernel doesn't read it
  // Through a uniform buffer x travels in tiles, each a launch of its own.
  const uint32_t tile = choice.variant.texel ? choice.variant.columns : m;
  bool first = true;
  for (const WeightChunk& chunk : matrix.chunks)
    for (uint32_t column = 0; column < m; column += tile) {
      Dispatch d{.kernel = choice.kernel, .format = chunk.format, .variant = choice.variant};
      d.variant.f16 = sizes_.f16 && choice.kernel == Kernel::matmul_tiled;
      const uint32_t columns = std::min(tile, m - column);
      const uint32_t rows = static_cast<uint32_t>(chunk.rows),
                     row = static_cast<uint32_t>(chunk.row);
      Binding x_binding = region(op.inputs[0]);
      uint32_t x_offset = x.offset + column * x.stride;
      if (choice.variant.texel) {
        d.variant.columns = columns;
        d.variant.x_quads = columns * x.stride / 4;
        x_binding.offset += uint64_t{x_offset} * 4;
        x_binding.bytes = uint64_t{d.variant.x_quads} * 16;
        x_offset = 0;
      }
      d.bindings = {chunk.quants,
                    chunk.scales,
                    x_binding,
                    region(op.outputs[0]),
                    biases.empty() ? none : weights_.vector(biases),
                    has_residual ? region(op.residual) : none};
      d.push = {k,
                rows,
                columns,
                x_offset,
                x.stride,
                y.offset + row + column * y.stride,
                y.stride,
                quant_words,
                scale_words,
                biases.empty() ? 0u : 1u,
                row,
                has_residual ? 1u : 0u,
                has_residual
                    ? layout_.of[op.residual].offset + row + column * layout_.of[op.residual].stride
                    : 0u,
                has_residual ? layout_.of[op.residual].stride : 0u};
      const Variant& v = d.variant;
      const uint32_t across = v.local_size / v.lanes;
      if (choice.kernel == Kernel::matvec)
        d.groups = {groups_for(rows, across * v.rows), 1, 1};
      else if (choice.kernel == Kernel::matmul_tiled)
        d.groups = {groups_for(rows, v.lanes * v.rows), groups_for(columns, across * v.columns), 1};
      else
        d.groups = {groups_for(rows, v.local_size * v.rows), groups_for(columns, v.columns), 1};
      d.barrier_before = first;  // chunks and tiles write different elements
      first = false;
      d.node = op.nodes.back();
      d.bytes = chunk.rows * 4 * (quant_words + scale_words);
      d.flops = 2 * uint64_t{columns} * rows * k;
      list.push_back(std::move(d));
    }
}

void Plan::emit_norm(const LoweredOp& op, uint32_t step_tokens, std::vector<Dispatch>& list) const {
  const Node& node = *op.nodes[0];
  const Location& x = layout_.of[node.inputs[0]];
  const Location& y = layout_.of[node.output];
  const uint32_t width = graph_.values[node.output].width;
  const uint32_t m = rows_of(node.output, step_tokens);
  Dispatch d{.kernel = Kernel::norm, .variant = choose_reduction(device_.limits())};
  if (op.kind == LoweredKind::l2_norm) {
    d.kernel = Kernel::l2_norm;
    d.bindings = {region(node.inputs[0]), region(node.output)};
    d.push = {width, x.offset, x.stride, y.offset, y.stride};
    d.groups = {m, 1, 1};
  } else {
    const bool layer_norm = node.kind == OpKind::layer_norm;
    const uint32_t group = layer_norm || node.group == 0 ? width : node.group;
    const Binding& weight = weights_.vector({node.weight});
    d.bindings = {region(node.inputs[0]), weight,
                  node.weight2 ? weights_.vector({node.weight2}) : weight, region(node.output)};
    d.push = {group,         m, x.offset, x.stride, y.offset, y.stride, layer_norm ? 1u : 0u,
              bits(node.eps)};
    d.groups = {width / group, m, 1};
  }
  d.node = &node;
  list.push_back(std::move(d));
}

void Plan::emit_rope_append(const LoweredOp& op, uint32_t step_tokens,
                            std::vector<Dispatch>& list) const {
  const Node& node = *op.attention;
  const Hyperparameters& hp = graph_.hp;
  const Location& q = layout_.of[op.inputs[0]];
  const Location& k = layout_.of[op.inputs[1]];
  const Location& v = layout_.of[op.inputs[2]];
  const uint32_t m = sizes_.batch * step_tokens;
  const uint32_t rope_dims =
      op.nodes.empty() ? 0 : static_cast<uint32_t>(2 * hp.rope_inv_freq.size());
  Dispatch d{.kernel = Kernel::rope_append, .variant = elementwise_variant(device_.limits())};
  d.variant.kv_f16 = sizes_.kv_f16;
  d.bindings = {region(op.inputs[0]),
                region(op.inputs[1]),
                region(op.inputs[2]),
                cache(node.layer, false),
                cache(node.layer, true),
                rope_table_,
                step_};
  d.push = {m,
            step_tokens,
            node.n_heads,
            node.n_kv_heads,
            node.head_dim,
            rope_dims,
            hp.rope_style == RopeStyle::half ? 1u : 0u,
            q.offset,
            q.stride,
            k.offset,
            k.stride,
            v.offset,
            v.stride,
            sizes_.max_tokens};
  const uint64_t quads = uint64_t{m} * (node.n_heads + 2 * node.n_kv_heads) * (node.head_dim / 4);
  d.groups = folded_groups(quads, d.variant.local_size, device_.limits().max_groups);
  d.node = op.nodes.empty() ? &node : op.nodes.back();
  list.push_back(std::move(d));
}

void Plan::emit_attention(const LoweredOp& op, uint32_t step_tokens,
                          std::vector<Dispatch>& list) const {
  const Node& node = *op.attention;
  const Location& q = layout_.of[op.inputs[0]];
  const Location& out = layout_.of[node.output];
  const uint32_t dim = node.head_dim;
  Dispatch d{.kernel = Kernel::attention, .variant = choose_attention(device_.limits(), dim)};
  d.variant.rows = groups_for(dim, d.variant.local_size);  // columns of a head per invocation
  d.variant.columns = dim;
  d.variant.queries = choose_queries(step_tokens);
  d.push = {step_tokens,      node.n_heads, node.n_kv_heads, node.causal ? 1u : 0u,
            bits(node.scale), q.offset,     q.stride,        out.offset,
            out.stride};
  if (node.causal) {
    d.variant.kv_f16 = sizes_.kv_f16;
    d.bindings = {region(op.inputs[0]), cache(node.layer, false), cache(node.layer, true),
                  region(node.output), step_};
    const uint32_t head = sizes_.max_tokens * dim, sequence = head * node.n_kv_heads;
    d.push.insert(d.push.end(), {0, 0, sequence, head, dim, sequence, head, dim});
  } else {
    const Location& k = layout_.of[op.inputs[1]];
    const Location& v = layout_.of[op.inputs[2]];
    d.bindings = {region(op.inputs[0]), region(op.inputs[1]), region(op.inputs[2]),
                  region(node.output), step_};
    d.push.insert(d.push.end(), {k.offset, v.offset, step_tokens * k.stride, dim, k.stride,
                                 step_tokens * v.stride, dim, v.stride});
  }
  d.groups = {node.n_heads, sizes_.batch * groups_for(step_tokens, d.variant.queries), 1};
  d.node = &node;
  list.push_back(std::move(d));
}

void Plan::emit_elementwise(const LoweredOp& op, uint32_t step_tokens,
                            std::vector<Dispatch>& list) const {
  const Node& node = *op.nodes[0];
  const Location& a = layout_.of[node.inputs[0]];
  const Location& y = layout_.of[node.output];
  const uint32_t columns = graph_.values[node.output].width;
  const uint32_t m = rows_of(node.output, step_tokens);
  Dispatch d{.kernel = Kernel::elementwise, .variant = elementwise_variant(device_.limits())};
  if (op.kind == LoweredKind::pool) {
    d.kernel = Kernel::pool;
    d.bindings = {region(node.inputs[0]), region(node.output)};
    const uint32_t mode = node.pooling == Pooling::mean  ? 2u
                          : node.pooling == Pooling::cls ? 1u
                                                         : 0u;
    d.push = {columns, m, step_tokens, a.offset, a.stride, y.offset, y.stride, mode};
  } else {
    const ValueId other = node.inputs.size() > 1 ? node.inputs[1] : node.inputs[0];
    const Location& b = layout_.of[other];
    uint32_t operation = 5;
    switch (node.kind) {
      case OpKind::add:
        operation = 0;
        break;
      case OpKind::mul:
        operation = 1;
        break;
      case OpKind::silu:
        operation = 2;
        break;
      case OpKind::gelu:
        operation = node.gelu_tanh ? 4 : 3;
        break;
      default:
        break;
    }
    d.bindings = {region(node.inputs[0]), region(other), region(node.output)};
    d.push = {columns, m, a.offset, a.stride, b.offset, b.stride, y.offset, y.stride, operation};
  }
  d.groups =
      folded_groups(uint64_t{m} * columns, d.variant.local_size, device_.limits().max_groups);
  d.node = &node;
  list.push_back(std::move(d));
}

void Plan::emit_argmax(const LoweredOp& op, uint32_t step_tokens, uint32_t slot,
                       std::vector<Dispatch>& list) const {
  const Node& node = *op.nodes[0];
  const Location& x = layout_.of[node.inputs[0]];
  const uint32_t columns = graph_.values[node.inputs[0]].width;
  const uint32_t m = rows_of(node.inputs[0], step_tokens);
  Variant variant = choose_reduction(device_.limits());
  variant.subgroup = false;  // value and index travel together: shared memory in every form
  Dispatch part{.kernel = Kernel::argmax_part, .variant = variant};
  part.bindings = {region(node.inputs[0]), partial_values_, partial_ids_};
  part.push = {columns, x.offset, x.stride, kArgmaxPartLogits};
  part.groups = {argmax_parts_, m, 1};
  part.node = &node;
  list.push_back(std::move(part));
  Dispatch final{.kernel = Kernel::argmax_final, .variant = variant};
  final.bindings = {partial_values_, partial_ids_, next_[slot], tokens_, step_};
  // A graph with logits of every token has no one token that follows.
  const bool feeds = graph_.values[node.inputs[0]].rows != Rows::per_token;
  final.push = {argmax_parts_, feeds ? step_tokens : 0u};
  final.groups = {m, 1, 1};
  final.node = &node;
  list.push_back(std::move(final));
}

}  // namespace npb::gpu

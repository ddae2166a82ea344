#include "graph/reference.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "core/parallel.h"
#include "graph/reference_kernels.h"

namespace npb::reference {
namespace {

Error wrong(const Node& node, const std::string& what) {
  return {ErrorCode::invalid_argument, "Node '" + node.name + "' " + what + "."};
}

/// Calls body(row) for all rows, in parallel, several at a time.
template <class Body>
void for_rows(const OpContext& context, size_t rows, const Body& body) {
  constexpr size_t kChunk = 8;
  parallel_for((rows + kChunk - 1) / kChunk, context.threads, [&](size_t chunk) {
    for (size_t row = chunk * kChunk; row < std::min(rows, (chunk + 1) * kChunk); ++row) body(row);
  });
}

Result<void> embed(const OpContext& c, const Node& node, std::span<float> out) {
  const size_t width = node.weight.cols();
  const Step& step = c.step;
  if (step.tokens.size() != step.rows(Rows::per_token)) {
    return wrong(node, "was given another number of tokens than the step has");
  }
  for (int32_t token : step.tokens) {
    if (token < 0 || static_cast<uint64_t>(token) >= node.weight.rows) {
      return wrong(node, "was given token " + std::to_string(token) + ", outside a vocabulary of " +
                             std::to_string(node.weight.rows));
    }
  }
  if (node.weight2 && uint64_t{step.past} + step.step_tokens > node.weight2.rows) {
    return wrong(node, "has positions for " + std::to_string(node.weight2.rows) +
                           " tokens only: use a shorter input");
  }
  std::vector<float> scratch;
  for (size_t row = 0; row < step.tokens.size(); ++row) {
    float* target = out.data() + row * width;
    const float* token =
        c.weights.rows(node.weight, static_cast<uint64_t>(step.tokens[row]), 1, scratch);
    std::copy(token, token + width, target);
    if (node.weight2) {
      const uint64_t position = step.past + row % step.step_tokens;
      const float* learned = c.weights.rows(node.weight2, position, 1, scratch);
      for (size_t i = 0; i < width; ++i) target[i] += learned[i];
    }
    if (node.weight3) {
      const float* type = c.weights.rows(node.weight3, 0, 1, scratch);
      for (size_t i = 0; i < width; ++i) target[i] += type[i];
    }
  }
  return {};
}

void linear(const OpContext& c, const Node& node, std::span<const float> x, std::span<float> out) {
  const size_t n = node.weight.rows, k = node.weight.cols(), m = x.size() / k;
  std::vector<float> bias_scratch;
  const float* bias = node.weight2 ? c.weights.rows(node.weight2, 0, 1, bias_scratch) : nullptr;
  constexpr size_t kRows = 32;  // matrix rows per task: enough work to hand out, small scratch
  parallel_for((n + kRows - 1) / kRows, c.threads, [&](size_t task) {
    const size_t begin = task * kRows, count = std::min(kRows, n - begin);
    std::vector<float> scratch;
    const float* w = c.weights.rows(node.weight, begin, count, scratch);
    multiply(x.data(), m, k, w, count, bias == nullptr ? nullptr : bias + begin, out.data() + begin,
             n);
  });
}

Result<void> attention(const OpContext& c, const Node& node,
                       std::span<const std::span<const float>> inputs, std::span<float> out) {
  const uint32_t tokens = c.step.step_tokens;
  const uint32_t past = node.causal ? c.step.past : 0;
  const size_t kv_width = size_t{node.n_kv_heads} * node.head_dim;
  const size_t q_width = size_t{node.n_heads} * node.head_dim;
  if (node.causal) {
    if (c.cache == nullptr || uint64_t{past} + tokens > c.cache->capacity()) {
      return wrong(node, "has no room in the KV cache for " +
                             std::to_string(uint64_t{past} + tokens) + " tokens");
    }
    for (uint32_t b = 0; b < c.step.batch; ++b) {
      for (uint32_t t = 0; t < tokens; ++t) {
        const size_t from = (size_t{b} * tokens + t) * kv_width;
        std::copy_n(inputs[1].data() + from, kv_width, c.cache->key(node.layer, b, past + t));
        std::copy_n(inputs[2].data() + from, kv_width, c.cache->value(node.layer, b, past + t));
      }
    }
  }
  parallel_for(size_t{c.step.batch} * node.n_heads, c.threads, [&](size_t task) {
    const uint32_t b = static_cast<uint32_t>(task / node.n_heads);
    const uint32_t head = static_cast<uint32_t>(task % node.n_heads);
    const size_t kv_offset = size_t{head / (node.n_heads / node.n_kv_heads)} * node.head_dim;
    const float* keys = node.causal ? c.cache->key(node.layer, b, 0)
                                    : inputs[1].data() + size_t{b} * tokens * kv_width;
    const float* values = node.causal ? c.cache->value(node.layer, b, 0)
                                      : inputs[2].data() + size_t{b} * tokens * kv_width;
    std::vector<double> scores(size_t{past} + tokens), sums(node.head_dim);
    for (uint32_t t = 0; t < tokens; ++t) {
      const size_t row = (size_t{b} * tokens + t) * q_width + size_t{head} * node.head_dim;
      scores.resize(node.causal ? size_t{past} + t + 1 : tokens);
      attend(inputs[0].data() + row, keys + kv_offset, values + kv_offset, kv_width, node.head_dim,
             node.scale, scores, sums, out.data() + row);
    }
  });
  return {};
}

void pool(const OpContext& c, const Node& node, std::span<const float> x, std::span<float> out) {
  const size_t tokens = c.step.step_tokens, width = out.size() / c.step.batch;
  for (size_t b = 0; b < c.step.batch; ++b) {
    const float* first = x.data() + b * tokens * width;
    float* target = out.data() + b * width;
    if (node.pooling == Pooling::mean) {
      mean_of_rows(first, tokens, width, target);
    } else {
      const float* row = node.pooling == Pooling::last ? first + (tokens - 1) * width : first;
      std::copy(row, row + width, target);
    }
  }
}

void rope(const OpContext& c, const Node& node, std::span<const float> x, std::span<float> out) {
  const size_t width = size_t{node.n_heads} * node.head_dim;
  for_rows(c, x.size() / width, [&](size_t row) {
    const uint64_t position = c.step.past + row % c.step.step_tokens;
    for (size_t head = 0; head < node.n_heads; ++head) {
      const size_t at = row * width + head * node.head_dim;
      rotate_head(c.hp, position, x.data() + at, node.head_dim, out.data() + at);
    }
  });
}

/// Ops that look at one element at a time, over elements [begin, end).
void element_op(const Node& node, const float* a, const float* b, float* out, size_t begin,
                size_t end) {
  switch (node.kind) {
    case OpKind::add:
      for (size_t i = begin; i < end; ++i) out[i] = a[i] + b[i];
      return;
    case OpKind::mul:
      for (size_t i = begin; i < end; ++i) out[i] = a[i] * b[i];
      return;
    case OpKind::silu:
      for (size_t i = begin; i < end; ++i) out[i] = static_cast<float>(silu(a[i]));
      return;
    case OpKind::swiglu:
      for (size_t i = begin; i < end; ++i) out[i] = static_cast<float>(silu(a[i]) * double{b[i]});
      return;
    case OpKind::gelu:
      for (size_t i = begin; i < end; ++i) out[i] = static_cast<float>(gelu(a[i], node.gelu_tanh));
      return;
    default:
      return;
  }
}

size_t input_count(OpKind kind) {
  if (kind == OpKind::attention) return 3;
  return kind == OpKind::add || kind == OpKind::mul || kind == OpKind::swiglu ? 2 : 1;
}

}  // namespace

void argmax_rows(std::span<const float> logits, size_t width, std::span<int32_t> ids) {
  for (size_t row = 0; row < ids.size(); ++row) {
    const float* begin = logits.data() + row * width;
    ids[row] = static_cast<int32_t>(std::max_element(begin, begin + width) - begin);
  }
}

Result<void> run_op(const OpContext& c, const Node& node,
                    std::span<const std::span<const float>> inputs, std::span<float> out) {
  if (node.kind == OpKind::embed) {
    if (out.size() != c.step.rows(Rows::per_token) * node.weight.cols()) {
      return wrong(node, "was given an output of another size");
    }
    return embed(c, node, out);
  }
  const size_t needed = input_count(node.kind);
  if (inputs.size() != needed) return wrong(node, "was given another number of inputs than it has");
  const std::span<const float> x = inputs[0];
  const uint64_t per_token = c.step.rows(Rows::per_token);
  std::vector<float> scratch, scratch2;
  switch (node.kind) {
    case OpKind::linear: {
      const uint64_t k = node.weight.cols();
      if (x.size() % k != 0 || out.size() != x.size() / k * node.weight.rows) {
        return wrong(node, "was given sizes that don't fit its matrix");
      }
      linear(c, node, x, out);
      return {};
    }
    case OpKind::attention: {
      const uint64_t kv = per_token * node.n_kv_heads * node.head_dim;
      if (x.size() != per_token * node.n_heads * node.head_dim || out.size() != x.size() ||
          inputs[1].size() != kv || inputs[2].size() != kv) {
        return wrong(node, "was given sizes that don't fit its heads");
      }
      return attention(c, node, inputs, out);
    }
    case OpKind::pool:
      if (x.size() != out.size() * c.step.step_tokens || out.size() % c.step.batch != 0) {
        return wrong(node, "was given sizes that don't fit its sequences");
      }
      pool(c, node, x, out);
      return {};
    case OpKind::argmax: {
      if (out.empty() || x.size() % out.size() != 0) {
        return wrong(node, "was given sizes that don't fit its rows");
      }
      std::vector<int32_t> ids(out.size());
      argmax_rows(x, x.size() / out.size(), ids);
      std::transform(ids.begin(), ids.end(), out.begin(), [](int32_t id) { return float(id); });
      return {};
    }
    default:
      break;
  }
  if (out.size() != x.size() || (needed == 2 && inputs[1].size() != x.size())) {
    return wrong(node, "was given inputs and outputs of unequal size");
  }
  switch (node.kind) {
    case OpKind::rms_norm:
    case OpKind::l2_norm: {
      if (node.group == 0 || x.size() % node.group != 0) {
        return wrong(node, "was given rows that don't fit its groups");
      }
      const bool rms = node.kind == OpKind::rms_norm;
      const float* weight = rms ? c.weights.rows(node.weight, 0, 1, scratch) : nullptr;
      for_rows(c, x.size() / node.group, [&](size_t row) {
        const float* from = x.data() + row * node.group;
        float* to = out.data() + row * node.group;
        rms ? rms_normalize(from, node.group, weight, node.eps, to)
            : l2_normalize(from, node.group, to);
      });
      return {};
    }
    case OpKind::layer_norm: {
      const size_t width = node.weight.cols();
      if (x.size() % width != 0) return wrong(node, "was given rows that don't fit its weight");
      const float* weight = c.weights.rows(node.weight, 0, 1, scratch);
      const float* bias = c.weights.rows(node.weight2, 0, 1, scratch2);
      for_rows(c, x.size() / width, [&](size_t row) {
        layer_normalize(x.data() + row * width, width, weight, bias, node.eps,
                        out.data() + row * width);
      });
      return {};
    }
    case OpKind::rope: {
      const uint64_t width = uint64_t{node.n_heads} * node.head_dim;
      if (x.size() != per_token * width)
        return wrong(node, "was given sizes that don't fit its heads");
      rope(c, node, x, out);
      return {};
    }
    default: {
      constexpr size_t kChunk = 4096;
      const float* second = needed == 2 ? inputs[1].data() : nullptr;
      parallel_for((x.size() + kChunk - 1) / kChunk, c.threads, [&](size_t chunk) {
        element_op(node, x.data(), second, out.data(), chunk * kChunk,
                   std::min(x.size(), (chunk + 1) * kChunk));
      });
      return {};
    }
  }
}

}  // namespace npb::reference

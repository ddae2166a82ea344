// Steps other than products: embedding, attention, row-wise ops, pooling, argmax.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "backends/xnnpack/runtime.h"
#include "backends/xnnpack/runtime_limits.h"
#include "model/weights.h"

namespace npb::cpu {

void Runtime::run_embed(const Step& step, unsigned thread) {
  const Node& node = *step.node;
  const WeightSource& weights = *graph_.model->weights;
  const size_t rows = row_count(step.rows), d = width(node.output);
  float* extra = scratches_[thread].row;
  for (size_t r = team_.claim(); r < rows; r = team_.claim()) {
    float* out = row(node.output, r);
    const uint64_t token = static_cast<uint64_t>(tokens_[r]);
    // Rows all over a large table: mapped, they would soon hold all of it in memory.
    dequantize_copied_rows(weights, *node.weight.tensor, node.weight.row + token, 1, out);
    if (node.weight2) {
      dequantize_rows(weights, *node.weight2.tensor, node.weight2.row + position(r), 1, extra);
      kernels_.add(out, extra, out, d);
    }
    if (node.weight3) {
      dequantize_rows(weights, *node.weight3.tensor, node.weight3.row, 1, extra);
      kernels_.add(out, extra, out, d);
    }
  }
}

/// Keys and values that no product has stored on its way.
void Runtime::store_inputs(const Step& step) {
  const Node& node = *step.node;
  const size_t rows = row_count(step.rows), columns = size_t{node.n_kv_heads} * node.head_dim;
  for (size_t r = team_.claim(); r < rows; r = team_.claim()) {
    if (!step.stores_key)
      store(row(node.inputs[1], r), r, 0, columns, node.head_dim, node.layer, true);
    if (!step.stores_value)
      store(row(node.inputs[2], r), r, 0, columns, node.head_dim, node.layer, false);
  }
  team_.barrier();
}

/// Every row sees every position of its sequence, and nothing is kept for later steps.
void Runtime::attend_all(const Step& step, unsigned thread) {
  const Node& node = *step.node;
  const size_t group = node.n_heads / node.n_kv_heads, head_dim = node.head_dim;
  const auto attend = options_.int16_attention ? kernels_.attend_all_int16 : kernels_.attend_all;
  AttendAll work{};
  work.positions = step_tokens_;
  work.head_dim = head_dim;
  work.scale = node.scale;
  work.scratch = scratches_[thread].scores;
  const auto place = [&](ValueId id, size_t row, size_t head) {
    const Buffer& b = buffers_[static_cast<size_t>(id)];
    return b.data + row * b.stride + head * head_dim;
  };
  const auto stride = [&](ValueId id) { return buffers_[static_cast<size_t>(id)].stride; };
  work.q_stride = stride(node.inputs[0]);
  work.k_stride = stride(node.inputs[1]);
  work.v_stride = stride(node.inputs[2]);
  work.out_stride = stride(node.output);
  // Whole heads, whose keys and values are arranged once, but enough tasks for all threads.
  const size_t heads = size_t{batch_} * node.n_heads, wanted = size_t{4} * team_.size();
  const size_t longest = round_up((step_tokens_ + kAttendRuns - 1) / kAttendRuns, kAttendRows);
  const size_t run_rows =
      heads >= wanted ? size_t{step_tokens_}
                      : std::max(longest, round_up(step_tokens_ * heads / wanted, kAttendRows));
  const size_t runs = (step_tokens_ + run_rows - 1) / run_rows;
  for (size_t task = team_.claim(); task < heads * runs; task = team_.claim()) {
    const size_t run = task % runs, head = task / runs % node.n_heads;
    const size_t sequence = task / runs / node.n_heads * step_tokens_;
    const size_t first = run * run_rows;
    work.rows = std::min(run_rows, step_tokens_ - first);
    work.q = place(node.inputs[0], sequence + first, head);
    work.k = place(node.inputs[1], sequence, head / group);
    work.v = place(node.inputs[2], sequence, head / group);
    work.out = place(node.output, sequence + first, head);
    attend(work);
  }
}

void Runtime::run_attention(const Step& step, unsigned thread) {
  const Node& node = *step.node;
  if (!node.causal) return attend_all(step, thread);
  if (!step.stores_key || !step.stores_value) store_inputs(step);
  const size_t group = node.n_heads / node.n_kv_heads, head_dim = node.head_dim;
  const size_t layer = node.layer;
  const Buffer& q = buffers_[static_cast<size_t>(node.inputs[0])];
  const Buffer& out = buffers_[static_cast<size_t>(node.output)];
  Attend work{};
  work.head_dim = head_dim;
  work.half = cache_.half();
  work.scale = node.scale;
  work.scratch = scratches_[thread].scores;
  const auto attend = [&](size_t sequence, size_t head, size_t first_row) {
    const size_t at = first_row, kv = head / group;
    work.q = q.data + at * q.stride + head * head_dim;
    work.out = out.data + at * out.stride + head * head_dim;
    work.keys = cache_.keys(layer, sequence, kv);
    work.values = cache_.values(layer, sequence, kv);
    kernels_.attend(work);
  };

  if (step_tokens_ == 1) {
    // The heads of a group see the same keys and values: one pass serves several, unless that would
    // leave threads without work.
    const size_t groups = size_t{batch_} * node.n_kv_heads;
    const bool whole = groups % team_.size() == 0 || groups >= size_t{4} * team_.size();
    const size_t heads = whole ? std::min(group, kAttendRows) : 1;
    const size_t runs = (group + heads - 1) / heads;
    work.q_stride = work.out_stride = head_dim;
    work.first_length = past_ + 1;
    work.length_step = 0;
    for (size_t task = team_.claim(); task < groups * runs; task = team_.claim()) {
      const size_t sequence = task / (node.n_kv_heads * runs),
                   rest = task % (node.n_kv_heads * runs);
      const size_t in_group = rest % runs * heads;
      work.rows = std::min(heads, group - in_group);
      attend(sequence, rest / runs * group + in_group, sequence);
    }
    return;
  }

  const size_t runs = (step_tokens_ + kAttendRows - 1) / kAttendRows;
  work.q_stride = q.stride;
  work.out_stride = out.stride;
  work.length_step = 1;
  const size_t tasks = size_t{batch_} * node.n_heads * runs;
  for (size_t task = team_.claim(); task < tasks; task = team_.claim()) {
    // The last rows see most and go first, so that the threads end together.
    const size_t run = runs - 1 - task / (batch_ * node.n_heads);
    const size_t rest = task % (batch_ * node.n_heads);
    const size_t sequence = rest / node.n_heads, first = run * kAttendRows;
    work.rows = std::min<size_t>(kAttendRows, step_tokens_ - first);
    work.first_length = past_ + first + 1;
    attend(sequence, rest % node.n_heads, sequence * step_tokens_ + first);
  }
}

void Runtime::run_rows(const Step& step, unsigned thread) {
  const Node& node = *step.node;
  const size_t rows = row_count(step.rows), n = width(node.output);
  for (size_t r = team_.claim(); r < rows; r = team_.claim()) {
    if (step.norm.present) {
      const RowNorm& norm = step.norm;
      float* out = row(node.output, r);
      const float* in = row(norm.input, r);
      norm.layer ? kernels_.layer_norm(in, norm.weight, norm.bias, out, n, norm.eps)
                 : kernels_.rms_norm(in, norm.weight, out, n, norm.group, norm.eps);
      continue;
    }
    const float* x = row(node.inputs[0], r);
    const float* y = row(node.inputs.back(), r);
    float* out = row(node.output, r);
    switch (node.kind) {
      case OpKind::add:
        kernels_.add(x, y, out, n);
        break;
      case OpKind::mul:
        kernels_.mul(x, y, out, n);
        break;
      case OpKind::silu:
        kernels_.silu(x, out, n);
        break;
      case OpKind::gelu:
        kernels_.gelu(x, out, n, node.gelu_tanh);
        break;
      case OpKind::swiglu:
        kernels_.swiglu(x, y, out, n);
        break;
      case OpKind::rope: {
        std::memcpy(out, x, n * sizeof(float));
        ColumnOp op{};
        op.kind = ColumnOp::Kind::rope;
        op.group = node.head_dim;
        apply(op, out, r, 0, n);
        break;
      }
      case OpKind::l2_norm: {
        for (size_t begin = 0; begin < n; begin += node.group) {
          double squares = 0.0;
          for (size_t i = 0; i < node.group; ++i)
            squares += static_cast<double>(x[begin + i]) * x[begin + i];
          const double length = std::max(std::sqrt(squares), 1e-12);
          for (size_t i = 0; i < node.group; ++i)
            out[begin + i] = static_cast<float>(x[begin + i] / length);
        }
        break;
      }
      default:
        break;  // compile() makes row steps of these kinds only
    }
  }
  (void)thread;
}

void Runtime::run_pool(const Step& step) {
  const Node& node = *step.node;
  const size_t n = width(node.output);
  for (size_t sequence = team_.claim(); sequence < batch_; sequence = team_.claim()) {
    float* out = row(node.output, sequence);
    const size_t first = sequence * step_tokens_;
    if (node.pooling != Pooling::mean) {
      const size_t token = node.pooling == Pooling::last ? step_tokens_ - 1 : 0;
      std::memcpy(out, row(node.inputs[0], first + token), n * sizeof(float));
      continue;
    }
    std::memset(out, 0, n * sizeof(float));
    for (size_t t = 0; t < step_tokens_; ++t)
      kernels_.add(out, row(node.inputs[0], first + t), out, n);
    for (size_t i = 0; i < n; ++i) out[i] /= static_cast<float>(step_tokens_);
  }
}

void Runtime::run_argmax(const Step& step) {
  const ValueId logits = step.node->inputs[0];
  const size_t rows = row_count(step.rows), n = width(logits);
  const size_t parts = (n + kArgmaxColumns - 1) / kArgmaxColumns;
  for (size_t task = team_.claim(); task < rows * parts; task = team_.claim()) {
    const size_t begin = task % parts * kArgmaxColumns;
    const float* x = row(logits, task / parts);
    const size_t best = begin + kernels_.argmax(x + begin, std::min(kArgmaxColumns, n - begin));
    candidates_[task] = {x[best], static_cast<int32_t>(best)};
  }
  team_.barrier();
  for (size_t r = team_.claim(); r < rows; r = team_.claim()) {
    Candidate best = candidates_[r * parts];
    for (size_t p = 1; p < parts; ++p) {
      // Parts are in order, so that of equal values the smallest index stays.
      if (candidates_[r * parts + p].value > best.value) best = candidates_[r * parts + p];
    }
    next_tokens_[r] = best.index;
  }
}

}  // namespace npb::cpu

// Products: preparing their rows, the products themselves, and the ops that follow on their output.
#include <xnnpack.h>

#include <algorithm>
#include <cstring>

#include "backends/xnnpack/runtime.h"
#include "backends/xnnpack/runtime_limits.h"

namespace npb::cpu {

/// The row that the products read: the step's input, or its norm. `write`: also to where others
/// read it.
const float* Runtime::norm_row(const Step& step, size_t index, float* own, bool write) {
  const RowNorm& norm = step.norm;
  if (!norm.present) return row(step.input, index);
  const size_t n = width(norm.input);
  float* out = write && norm.output != kNoValue ? row(norm.output, index) : own;
  const float* x = row(norm.input, index);
  if (norm.layer) {
    kernels_.layer_norm(x, norm.weight, norm.bias, out, n, norm.eps);
  } else {
    kernels_.rms_norm(x, norm.weight, out, n, norm.group, norm.eps);
  }
  return out;
}

void Runtime::prepare_row(const Step& step, const float* x, const RowTarget& target) {
  const size_t k = width(step.input);
  if (step.forms.blocks) kernels_.quantize_blocks(x, k, round_up(k, kUnit), target.blocks);
  if (step.forms.channels) {
    const MutableChannelRows& row = target.channels;
    kernels_.quantize_channel_row(x, k, round_up(k, 4), row.q, row.scale, row.zero, row.start);
  }
  if (step.forms.rows) {
    xnn_quantization_params params;
    kernels_.quantize_row(x, k, target.codes, &params.zero_point, &params.scale);
    std::memcpy(target.params, &params, sizeof params);
  }
  if (step.forms.sums) {
    for (size_t begin = 0; begin < k; begin += kBlock) {
      float total = 0.0f;
      for (size_t i = begin; i < std::min(k, begin + kBlock); ++i) total += x[i];
      target.sums[begin / kBlock] = total;
    }
  }
}

/// One row is prepared by every thread for itself, which is cheaper than waiting for one that does
/// it; more rows are shared out.
const ProductInput& Runtime::prepare(const Step& step, size_t rows, unsigned thread) {
  Scratch& own = scratches_[thread];
  if (rows == 1) {
    const float* x = norm_row(step, 0, own.row, thread == 0);
    prepare_row(step, x, {own.blocks, own.row_codes, own.row_params, own.sums, own.channels});
    if (step.forms.rows) {
      auto* params = static_cast<xnn_quantization_params*>(own.row_params);
      std::fill_n(params + 1, kParamPadding, params[0]);
    }
    own.input.floats = x;
    own.input.float_stride = 0;
    return own.input;
  }
  const size_t k = width(step.input);
  const bool own_floats = step.norm.present && step.norm.output == kNoValue && step.forms.floats;
  for (size_t begin = size_t{team_.claim()} * kClaimRows; begin < rows;
       begin = size_t{team_.claim()} * kClaimRows) {
    for (size_t r = begin; r < std::min(rows, begin + kClaimRows); ++r) {
      float* target = own_floats ? shared_floats_ + r * shared_.float_stride : own.row;
      const float* x = norm_row(step, r, target, true);
      const size_t block = r * shared_.blocks.block_stride;
      prepare_row(step, x,
                  {{shared_blocks_.q + r * shared_.blocks.q_stride, shared_blocks_.scale + block,
                    shared_blocks_.sum + block, shared_blocks_.start8 + block,
                    shared_blocks_.start128 + block},
                   shared_codes_ + r * k,
                   shared_params_ + r * sizeof(xnn_quantization_params),
                   shared_sums_ + r * shared_.sum_stride,
                   shared_channels_.from(r)});
    }
  }
  team_.barrier();
  own.shared = shared_;
  own.shared.row_code_stride = k;
  if (step.forms.rows) {
    if (thread == 0) {
      auto* params = reinterpret_cast<xnn_quantization_params*>(shared_params_);
      std::fill_n(params + rows, kParamPadding, params[rows - 1]);
    }
    team_.barrier();
  }
  if (!own_floats) {
    const ValueId source = step.norm.present ? step.norm.output : step.input;
    if (source != kNoValue) {
      own.shared.floats = row(source, 0);
      own.shared.float_stride = buffers_[static_cast<size_t>(source)].stride;
    }
  }
  return own.shared;
}

void Runtime::run_product(const Step& step, unsigned thread) {
  const size_t rows = row_count(step.rows);
  const ProductInput& input = prepare(step, rows, thread);
  Scratch& scratch = scratches_[thread];
  if (rows <= kFewRows && options_.uniform_cores) {
    for (uint32_t i = step.even_begin[thread]; i < step.even_begin[thread + 1]; ++i) {
      run_range(step, step.even[i], input, 0, rows, scratch);
    }
    return;
  }
  const size_t runs = (rows + kRunRows - 1) / kRunRows;
  for (size_t task = team_.claim(); task < step.tasks.size() * runs; task = team_.claim()) {
    const TaskRange& range = step.tasks[task % step.tasks.size()];
    const size_t run = task / step.tasks.size();
    const Part& part = step.parts[range.part];
    if (part.matrix->splits_rows() && (part.up == nullptr || part.up->splits_rows())) {
      const size_t first = run * kRunRows;
      run_range(step, range, input, first, std::min(kRunRows, rows - first), scratch);
    } else if (run == 0) {
      run_range(step, range, input, 0, rows, scratch);
    }
  }
}

void Runtime::run_range(const Step& step, const TaskRange& range, const ProductInput& input,
                        size_t first, size_t count, Scratch& scratch) {
  const Part& part = step.parts[range.part];
  const Buffer& buffer = buffers_[static_cast<size_t>(part.out)];
  float* out = buffer.data + first * buffer.stride;
  const size_t at_once = std::max(part.grain, kRunPanels / part.grain * part.grain);
  for (size_t begin = range.begin; begin < range.end; begin += at_once) {
    const size_t end = std::min<size_t>(range.end, begin + at_once);
    const size_t left = begin * kPanel, right = std::min(end * kPanel, part.matrix->n());
    part.matrix->multiply(input, first, count, begin, end, out, buffer.stride);
    if (part.up != nullptr) {
      // Only a product that takes all rows at once needs room for whole rows.
      const bool tiled = part.up->splits_rows();
      const size_t stride = tiled ? (end - begin) * kPanel : buffer.stride;
      float* tile = tiled ? scratch.tile - left : scratch.tile;
      part.up->multiply(input, first, count, begin, end, tile, stride);
      for (size_t r = 0; r < count; ++r) {
        float* up = tile + r * stride;
        for (const ColumnOp& op : part.ops)
          apply(op, out + r * buffer.stride, first + r, left, right);
        for (const ColumnOp& op : part.up_ops) apply(op, up, first + r, left, right);
        float* gate = out + r * buffer.stride + left;
        kernels_.swiglu(gate, up + left, gate, right - left);
      }
      continue;
    }
    if (part.ops.empty()) continue;
    for (size_t r = 0; r < count; ++r) {
      for (const ColumnOp& op : part.ops)
        apply(op, out + r * buffer.stride, first + r, left, right);
    }
  }
}

/// `out` is the row's column 0; [begin, end) are the columns at hand.
void Runtime::apply(const ColumnOp& op, float* out, size_t index, size_t begin, size_t end) {
  float* x = out + begin;
  const size_t n = end - begin;
  switch (op.kind) {
    case ColumnOp::Kind::bias:
      kernels_.add(x, op.vector + begin, x, n);
      return;
    case ColumnOp::Kind::norm_groups:
      kernels_.rms_norm(x, op.vector, x, n, op.group, op.eps);
      return;
    case ColumnOp::Kind::silu:
      kernels_.silu(x, x, n);
      return;
    case ColumnOp::Kind::gelu:
      kernels_.gelu(x, x, n, op.tanh_form);
      return;
    case ColumnOp::Kind::add:
      kernels_.add(row(op.other, index) + begin, x, x, n);
      return;
    case ColumnOp::Kind::mul:
      kernels_.mul(row(op.other, index) + begin, x, x, n);
      return;
    case ColumnOp::Kind::rope: {
      const size_t pairs = graph_.hp.rope_inv_freq.size();
      const size_t at = position(index) * pairs;
      kernels_.rope(x, cos_.data() + at, sin_.data() + at, n / op.group, op.group, pairs,
                    graph_.hp.rope_style == RopeStyle::interleaved);
      return;
    }
    case ColumnOp::Kind::store_key:
      store(x, index, begin, n, op.group, op.layer, true);
      return;
    case ColumnOp::Kind::store_value:
      store(x, index, begin, n, op.group, op.layer, false);
      return;
  }
}

/// Whole heads of one row, from `first_column` on, into the cache.
void Runtime::store(const float* data, size_t index, size_t first_column, size_t columns,
                    size_t head_dim, size_t layer, bool key) {
  const size_t sequence = index / step_tokens_, at = position(index);
  for (size_t column = 0; column < columns; column += head_dim) {
    const size_t head = (first_column + column) / head_dim;
    if (key) {
      kernels_.store_key(data + column, head_dim, cache_.keys(layer, sequence, head), at,
                         cache_.half());
    } else {
      kernels_.store_value(data + column, head_dim, cache_.values(layer, sequence, head), at,
                           cache_.half());
    }
  }
}

}  // namespace npb::cpu

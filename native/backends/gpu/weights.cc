#include "backends/gpu/weights.h"

#include <algorithm>
#include <cstring>

#include "backends/gpu/pack.h"
#include "core/parallel.h"

namespace npb::gpu {
namespace {

/// Packed at once per thread: large enough to be worth a thread, small beside the model.
constexpr uint64_t kPieceBytes = 4u << 20;

/// Hands out aligned bindings; buffers are made when all sizes are known.
class Arena {
 public:
  Arena(uint32_t alignment, uint64_t largest) : alignment_(alignment), largest_(largest) {}

  /// The binding's `buffer` is an index of this arena until create() is called.
  Binding allocate(uint64_t bytes) {
    if (sizes_.empty() || sizes_.back() + bytes > largest_) sizes_.push_back(0);
    const uint64_t offset = sizes_.back();
    sizes_.back() = (offset + bytes + alignment_ - 1) / alignment_ * alignment_;
    return {static_cast<BufferId>(sizes_.size() - 1), offset, bytes};
  }

  Result<uint64_t> create(Device& device) {
    uint64_t total = 0;
    for (uint64_t size : sizes_) {
      NPB_TRY_ASSIGN(const BufferId buffer, device.create_buffer(size, BufferKind::weights));
      buffers_.push_back(buffer);
      total += size;
    }
    return total;
  }

  void resolve(Binding& binding) const { binding.buffer = buffers_[binding.buffer]; }

 private:
  uint32_t alignment_;
  uint64_t largest_;
  std::vector<uint64_t> sizes_;
  std::vector<BufferId> buffers_;
};

}  // namespace

DeviceWeights::Key DeviceWeights::key(const std::vector<WeightRef>& parts) {
  Key key;
  for (const WeightRef& part : parts) key.emplace_back(part.tensor, part.row, part.rows);
  return key;
}

std::vector<WeightRef> DeviceWeights::matrix_parts(const LoweredOp& op) {
  std::vector<WeightRef> parts;
  for (const Node* node : op.nodes)
    if (node->kind == OpKind::linear) parts.push_back(node->weight);
  return parts;
}

std::vector<WeightRef> DeviceWeights::bias_parts(const LoweredOp& op) {
  std::vector<WeightRef> parts;
  bool any = false;
  for (const Node* node : op.nodes) {
    if (node->kind != OpKind::linear) continue;
    any = any || node->weight2;
    // An absent bias still takes its place: zeros, as many as the product has rows.
    parts.push_back(node->weight2 ? node->weight2 : WeightRef{nullptr, 0, node->weight.rows});
  }
  return any ? parts : std::vector<WeightRef>{};
}

class WeightUploader {
 public:
  WeightUploader(Device& device, const Graph& graph, uint32_t threads)
      : device_(device),
        source_(*graph.model->weights),
        threads_(std::max(threads, 1u)),
        arena_(device.limits().binding_alignment,
               std::min<uint64_t>(device.limits().max_allocation_bytes, 1ull << 30)) {}

  Result<DeviceWeights> run(const Lowered& lowered) {
    for (const LoweredOp& op : lowered.ops) NPB_TRY(plan(op));
    NPB_TRY_ASSIGN(weights_.bytes_, arena_.create(device_));
    for (auto& [key, matrix] : weights_.matrices_)
      for (WeightChunk& chunk : matrix.chunks) {
        arena_.resolve(chunk.quants);
        arena_.resolve(chunk.scales);
        NPB_TRY(upload(key, chunk));
      }
    for (auto& [key, binding] : weights_.vectors_) {
      arena_.resolve(binding);
      NPB_TRY(upload_vector(key, binding));
    }
    return std::move(weights_);
  }

 private:
  Result<void> plan(const LoweredOp& op) {
    const Node& node = *(op.nodes.empty() ? op.attention : op.nodes[0]);
    switch (op.kind) {
      case LoweredKind::embed:
        for (const WeightRef* table : {&node.weight, &node.weight2, &node.weight3})
          if (*table) NPB_TRY(plan_matrix({*table}));
        return {};
      case LoweredKind::linear: {
        NPB_TRY(plan_matrix(DeviceWeights::matrix_parts(op)));
        if (const auto biases = DeviceWeights::bias_parts(op); !biases.empty()) plan_vector(biases);
        return {};
      }
      case LoweredKind::norm:
        plan_vector({node.weight});
        if (node.weight2) plan_vector({node.weight2});
        return {};
      default:
        return {};
    }
  }

  Result<void> plan_matrix(const std::vector<WeightRef>& parts) {
    Matrix& matrix = weights_.matrices_[DeviceWeights::key(parts)];
    if (!matrix.chunks.empty()) return {};
    const Format format = format_for(parts[0].tensor->type);
    matrix.cols = parts[0].cols();
    for (const WeightRef& part : parts) matrix.rows += part.rows;
    const uint64_t quant_bytes = quant_words_per_row(format, matrix.cols) * 4;
    const uint64_t scale_bytes = scale_words_per_row(format, matrix.cols) * 4;
    const uint64_t fit = device_.limits().max_binding_bytes / std::max(quant_bytes, uint64_t{1});
    // Rows a launch can cover: one workgroup makes at least one row.
    const uint64_t most = std::min<uint64_t>(fit, device_.limits().max_groups);
    if (most == 0)
      return Error{ErrorCode::unsupported,
                   "One row of " + parts[0].tensor->name +
                       " is larger than a storage buffer of this GPU may be; use --device cpu."};
    for (uint64_t row = 0; row < matrix.rows; row += most) {
      WeightChunk chunk{.format = format,
                        .row = row,
                        .rows = std::min(most, matrix.rows - row),
                        .cols = matrix.cols,
                        .quants = {},
                        .scales = {}};
      chunk.quants = arena_.allocate(chunk.rows * quant_bytes);
      chunk.scales = scale_bytes > 0 ? arena_.allocate(chunk.rows * scale_bytes) : chunk.quants;
      matrix.bytes += chunk.rows * (quant_bytes + scale_bytes);
      matrix.chunks.push_back(chunk);
    }
    return {};
  }

  void plan_vector(const std::vector<WeightRef>& parts) {
    Binding& binding = weights_.vectors_[DeviceWeights::key(parts)];
    if (binding.bytes == 0) binding = arena_.allocate(vector_length(DeviceWeights::key(parts)) * 4);
  }

  /// A present slice is one row of `cols` floats; an absent one counts its zeros in `rows`.
  static uint64_t vector_length(const DeviceWeights::Key& key) {
    uint64_t length = 0;
    for (const auto& [tensor, row, rows] : key) length += tensor ? tensor->cols * rows : rows;
    return length;
  }

  Result<void> upload_vector(const DeviceWeights::Key& key, const Binding& binding) {
    std::vector<float> values(vector_length(key), 0.0f);
    float* to = values.data();
    for (const auto& [tensor, row, rows] : key) {
      if (tensor) dequantize_rows(source_, *tensor, row, rows, to);
      to += tensor ? tensor->cols * rows : rows;
    }
    return device_.write(binding.buffer, binding.offset, std::as_bytes(std::span(values)));
  }

  /// Rows of the concatenated matrix -> rows of the parts, piece by piece.
  Result<void> upload(const DeviceWeights::Key& key, const WeightChunk& chunk) {
    const uint64_t quant_bytes = quant_words_per_row(chunk.format, chunk.cols) * 4;
    const uint64_t scale_bytes = scale_words_per_row(chunk.format, chunk.cols) * 4;
    const uint64_t piece = std::max<uint64_t>(1, kPieceBytes / quant_bytes);
    struct Piece {
      const WeightInfo* tensor;
      uint64_t row, rows;  // in the tensor
      uint64_t at;         // in the chunk
    };
    std::vector<Piece> pieces;
    uint64_t part_begin = 0;
    for (const auto& [tensor, row, rows] : key) {
      const uint64_t begin = std::max(part_begin, chunk.row);
      const uint64_t end = std::min(part_begin + rows, chunk.row + chunk.rows);
      for (uint64_t r = begin; r < end; r += piece)
        pieces.push_back({tensor, row + (r - part_begin), std::min(piece, end - r), r - chunk.row});
      part_begin += rows;
    }
    std::vector<PackedRows> packed(threads_);
    std::vector<Result<void>> results(threads_);
    for (size_t first = 0; first < pieces.size(); first += threads_) {
      const size_t count = std::min<size_t>(threads_, pieces.size() - first);
      parallel_for(count, threads_, [&](size_t i) {
        const Piece& p = pieces[first + i];
        results[i] = pack_rows(source_, *p.tensor, p.row, p.rows, packed[i]);
      });
      for (size_t i = 0; i < count; ++i) {
        const Piece& p = pieces[first + i];
        NPB_TRY(results[i]);
        NPB_TRY(device_.write(chunk.quants.buffer, chunk.quants.offset + p.at * quant_bytes,
                              std::as_bytes(std::span(packed[i].quants))));
        if (scale_bytes > 0)
          NPB_TRY(device_.write(chunk.scales.buffer, chunk.scales.offset + p.at * scale_bytes,
                                std::as_bytes(std::span(packed[i].scales))));
        source_.release(*p.tensor, p.row, p.rows);
      }
    }
    return {};
  }

  Device& device_;
  const WeightSource& source_;
  uint32_t threads_;
  Arena arena_;
  DeviceWeights weights_;
};

Result<DeviceWeights> DeviceWeights::upload(Device& device, const Graph& graph,
                                            const Lowered& lowered, uint32_t threads) {
  return WeightUploader(device, graph, threads).run(lowered);
}

}  // namespace npb::gpu

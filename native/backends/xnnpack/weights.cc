#include "backends/xnnpack/weights.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <mutex>
#include <optional>
#include <utility>

#include "backends/xnnpack/pack_blocks.h"
#include "backends/xnnpack/packed_cache.h"
#include "core/half.h"
#include "core/parallel.h"

namespace npb::cpu {
namespace {

// Rows that one packing job reads: enough to be worth a job, few enough that jobs balance and the
// source's pages are given back soon.
constexpr size_t kJobPanels = 16;

/// Slabs of an XNNPACK matrix: several per thread, but of no fewer channels than its kernels like.
size_t slab_panels(size_t panels, unsigned threads) {
  return std::clamp<size_t>(panels / (size_t{threads} * 4), 4, 32);
}

}  // namespace

PackedWeights::PackedWeights(std::shared_ptr<const WeightSource> source, const Kernels& kernels,
                             Options options)
    : source_(std::move(source)), kernels_(kernels), options_(std::move(options)) {}

Result<const Matrix*> PackedWeights::matrix(const WeightRef& weight, const std::string& node) {
  const auto key = std::tuple(weight.tensor, weight.row, weight.rows);
  if (const auto found = by_slice_.find(key); found != by_slice_.end())
    return found->second->matrix.get();
  if (weight.rows == 0 || weight.cols() == 0) {
    return Error{ErrorCode::unsupported, "The matrix of '" + node + "' is empty."};
  }
  auto entry = std::make_unique<Entry>();
  entry->weight = weight;
  const size_t n = weight.rows, k = weight.cols();
  entry->format = choose_format(weight.tensor->type, k, options_.precision, options_.own_blocks,
                                options_.channels);
  const auto take = [&](size_t bytes) {
    const size_t at = arena_bytes_;
    arena_bytes_ += round_up(bytes, 64);
    return at;
  };
  switch (entry->format.family) {
    case Format::Family::blocks:
      entry->offset = take(BlockMatrix::bytes(entry->format.blocks, n, k));
      entry->matrix = std::make_unique<BlockMatrix>(kernels_, entry->format.blocks, n, k);
      break;
    case Format::Family::channels:
      entry->offset = take(ChannelMatrix::bytes(n, k));
      entry->matrix = std::make_unique<ChannelMatrix>(kernels_, n, k);
      break;
    case Format::Family::dense:
      entry->offset = take(DenseMatrix::bytes(entry->format.half, n, k));
      entry->matrix = std::make_unique<DenseMatrix>(kernels_, entry->format.half, n, k);
      break;
    case Format::Family::xnnpack: {
      NPB_TRY(initialize_xnnpack());
      if (entry->format.with_minimums) {
        entry->correction_offset = take(DenseMatrix::bytes(true, n, k / kBlock));
        entry->correction = std::make_unique<DenseMatrix>(kernels_, true, n, k / kBlock, true);
      }
      const size_t panels = (n + kPanel - 1) / kPanel;
      entry->matrix = std::make_unique<XnnMatrix>(entry->format.xnnpack, n, k,
                                                  slab_panels(panels, options_.threads),
                                                  entry->correction.get());
      break;
    }
  }
  const Matrix* made = entry->matrix.get();
  by_slice_[key] = entry.get();
  entries_.push_back(std::move(entry));
  return made;
}

Result<const float*> PackedWeights::vector(const WeightRef& weight) {
  auto& values = vectors_[std::tuple(weight.tensor, weight.row, weight.rows)];
  if (values.empty()) {
    values.resize(weight.rows * weight.cols());
    dequantize_rows(*source_, *weight.tensor, weight.row, weight.rows, values.data());
    source_bytes_ += weight.rows * row_bytes(tensor_type_info(weight.tensor->type), weight.cols());
  }
  return static_cast<const float*>(values.data());
}

Result<void> PackedWeights::pack() {
  NPB_TRY_ASSIGN(arena_, Arena::allocate(arena_bytes_, "packed weights"));
  for (const auto& entry : entries_) {
    std::byte* at = arena_.data() + entry->offset;
    if (auto* block = dynamic_cast<BlockMatrix*>(entry->matrix.get())) block->set_memory(at);
    if (auto* channels = dynamic_cast<ChannelMatrix*>(entry->matrix.get()))
      channels->set_memory(at);
    if (auto* dense = dynamic_cast<DenseMatrix*>(entry->matrix.get())) dense->set_memory(at);
    if (entry->correction) entry->correction->set_memory(arena_.data() + entry->correction_offset);
  }
  const bool all_in_arena = std::none_of(entries_.begin(), entries_.end(), [](const auto& entry) {
    return entry->format.family == Format::Family::xnnpack;  // their memory is XNNPACK's own
  });
  if (options_.cache_dir.empty() || !all_in_arena || entries_.empty()) return run_jobs();
  const uint64_t key = identity();
  const std::span<std::byte> image(arena_.data(), arena_.size());
  from_cache_ = load_packed(options_.cache_dir, key, image, options_.threads);
  if (from_cache_) {
    source_bytes_ += image.size();
    return {};
  }
  std::fill(image.begin(), image.end(), std::byte{0});  // a damaged file may have left something
  NPB_TRY(run_jobs());
  save_packed(options_.cache_dir, key, image, options_.threads);
  return {};
}

/// Of the plan and of samples of the weights: any other model, type, layout or version has another
/// one.
uint64_t PackedWeights::identity() const {
  uint64_t hash = quick_hash(std::as_bytes(std::span("packed layout 1")), arena_bytes_);
  const size_t every = std::max<size_t>(1, entries_.size() / 64);
  std::vector<std::byte> scratch;
  for (size_t i = 0; i < entries_.size(); ++i) {
    const Entry& entry = *entries_[i];
    const WeightInfo& tensor = *entry.weight.tensor;
    const uint64_t facts[] = {static_cast<uint64_t>(tensor.type),
                              tensor.rows,
                              tensor.cols,
                              entry.weight.row,
                              entry.weight.rows,
                              entry.offset,
                              static_cast<uint64_t>(entry.format.family),
                              static_cast<uint64_t>(entry.format.blocks),
                              static_cast<uint64_t>(entry.format.half)};
    hash = quick_hash(std::as_bytes(std::span(facts)), hash);
    hash = quick_hash(std::as_bytes(std::span(tensor.name)), hash);
    if (i % every != 0) continue;
    const uint64_t row = entry.weight.row + entry.weight.rows * (i % 7) / 7;
    hash = quick_hash(source_->rows(tensor, row, 1, scratch), hash);
  }
  uint64_t vectors = 0;  // a sum, because the map's order is not the same in every process
  for (const auto& [slice, values] : vectors_)
    vectors += quick_hash(std::as_bytes(std::span(values)), 0);
  return hash ^ vectors;
}

Result<void> PackedWeights::run_jobs() {
  std::vector<Job> jobs;
  for (const auto& entry : entries_) {
    if (const auto* xnn = dynamic_cast<const XnnMatrix*>(entry->matrix.get())) {
      for (size_t slab = 0; slab < xnn->slabs(); ++slab)
        jobs.push_back({entry.get(), slab, slab + 1});
    } else {
      const size_t panels = entry->matrix->panels();
      for (size_t at = 0; at < panels; at += kJobPanels) {
        jobs.push_back({entry.get(), at, std::min(panels, at + kJobPanels)});
      }
    }
    source_bytes_ += entry->weight.rows *
                     row_bytes(tensor_type_info(entry->weight.tensor->type), entry->weight.cols());
  }
  std::mutex mutex;
  std::optional<Error> failed;
  parallel_for(jobs.size(), options_.threads, [&](size_t index) {
    const Result<void> result = pack_job(jobs[index]);
    if (result.ok()) return;
    const std::lock_guard lock(mutex);
    if (!failed) failed = result.error();
  });
  if (failed) return *failed;
  return {};
}

Result<void> PackedWeights::pack_job(const Job& job) const {
  const Entry& entry = *job.entry;
  const WeightInfo& tensor = *entry.weight.tensor;
  size_t first = job.begin * kPanel, last = std::min<size_t>(job.end * kPanel, entry.weight.rows);
  const auto* xnn = dynamic_cast<const XnnMatrix*>(entry.matrix.get());
  if (xnn != nullptr) {
    first = xnn->slab_begin(job.begin);
    last = first + xnn->slab_rows(job.begin);
  }
  std::vector<std::byte> scratch;
  const std::span<const std::byte> source =
      source_->rows(tensor, entry.weight.row + first, last - first, scratch);
  Result<void> result;
  if (xnn != nullptr) {
    result = pack_slab(entry, job.begin, source.data());
  } else if (const auto* block = dynamic_cast<const BlockMatrix*>(entry.matrix.get())) {
    std::vector<float> floats(tensor.cols);
    const uint64_t stride = row_bytes(tensor_type_info(tensor.type), tensor.cols);
    for (size_t panel = job.begin; panel < job.end; ++panel) {
      const size_t row = panel * kPanel;
      pack_block_panel(entry.format.blocks, tensor.type, source.data() + (row - first) * stride,
                       std::min(kPanel, last - row), tensor.cols, block->panel(panel), floats);
    }
  } else if (entry.format.family == Format::Family::channels) {
    pack_channels(entry, job.begin, job.end, source.data());
  } else {
    pack_dense(entry, job.begin, job.end, source.data());
  }
  source_->release(tensor, entry.weight.row + first, last - first);
  return result;
}

void PackedWeights::pack_channels(const Entry& entry, size_t begin, size_t end,
                                  const std::byte* rows) const {
  const WeightInfo& tensor = *entry.weight.tensor;
  const uint64_t stride = row_bytes(tensor_type_info(tensor.type), tensor.cols);
  std::vector<float> floats(kPanel * tensor.cols);
  for (size_t panel = begin; panel < end; ++panel) {
    const size_t first = panel * kPanel;
    const size_t count = std::min<size_t>(kPanel, entry.weight.rows - first);
    for (size_t r = 0; r < count; ++r) {
      dequantize(tensor.type, rows + (first + r - begin * kPanel) * stride, tensor.cols,
                 floats.data() + r * tensor.cols);
    }
    static_cast<const ChannelMatrix&>(*entry.matrix).pack_panel(panel, floats.data(), count);
  }
}

void PackedWeights::pack_dense(const Entry& entry, size_t begin, size_t end,
                               const std::byte* rows) const {
  const auto& dense = static_cast<const DenseMatrix&>(*entry.matrix);
  const WeightInfo& tensor = *entry.weight.tensor;
  const uint64_t stride = row_bytes(tensor_type_info(tensor.type), tensor.cols), k = tensor.cols;
  std::vector<float> row(k);
  for (size_t panel = begin; panel < end; ++panel) {
    for (size_t channel = 0; channel < kPanel; ++channel) {
      const size_t index = panel * kPanel + channel;
      if (index >= entry.weight.rows) break;  // the arena was zeroed
      dequantize(tensor.type, rows + (index - begin * kPanel) * stride, k, row.data());
      if (dense.half()) {
        auto* target = reinterpret_cast<uint16_t*>(dense.panel(panel)) + channel;
        for (size_t i = 0; i < k; ++i) target[i * kPanel] = f32_to_f16(row[i]);
      } else {
        auto* target = reinterpret_cast<float*>(dense.panel(panel)) + channel;
        for (size_t i = 0; i < k; ++i) target[i * kPanel] = row[i];
      }
    }
  }
}

Result<void> PackedWeights::pack_slab(const Entry& entry, size_t slab,
                                      const std::byte* source) const {
  auto& matrix = static_cast<XnnMatrix&>(*entry.matrix);
  const WeightInfo& tensor = *entry.weight.tensor;
  const uint64_t stride = row_bytes(tensor_type_info(tensor.type), tensor.cols), k = tensor.cols;
  const size_t rows = matrix.slab_rows(slab);
  std::vector<float> floats(k);
  if (matrix.format() == XnnFormat::qc8w) {
    std::vector<int8_t> codes(rows * k);
    std::vector<float> scales(rows);
    for (size_t r = 0; r < rows; ++r) {
      dequantize(tensor.type, source + r * stride, k, floats.data());
      float peak = 0.0f;
      for (float w : floats) peak = std::max(peak, std::fabs(w));
      scales[r] = peak > 0.0f ? peak / 127.0f : 1.0f;
      for (size_t i = 0; i < k; ++i) {
        codes[r * k + i] =
            static_cast<int8_t>(std::clamp(std::nearbyint(floats[i] / scales[r]), -127.0f, 127.0f));
      }
    }
    return matrix.pack(slab, codes.data(), scales.data());
  }
  const size_t blocks = k / kBlock;
  const bool exact = exact_block_format(tensor.type) == BlockFormat::q4 ||
                     exact_block_format(tensor.type) == BlockFormat::q4_min;
  std::vector<uint8_t> codes(rows * k / 2);
  std::vector<uint16_t> scales(rows * blocks);
  for (size_t r = 0; r < rows; ++r) {
    const std::byte* row = source + r * stride;
    if (!exact) dequantize(tensor.type, row, k, floats.data());
    const size_t channel = matrix.slab_begin(slab) + r;
    for (size_t b = 0; b < blocks; ++b) {
      WeightBlock block;
      if (exact) {
        read_block(tensor.type, row, b, block);
      } else {
        round_to_int4(floats.data() + b * kBlock, kBlock, block);
      }
      for (size_t i = 0; i < kBlock / 2; ++i) {
        codes[(r * k + b * kBlock) / 2 + i] =
            static_cast<uint8_t>(block.codes[2 * i] | block.codes[2 * i + 1] << 4);
      }
      const float scale = f16_to_f32(block.scale);
      scales[r * blocks + b] = f32_to_bf16(scale);
      if (entry.correction) {
        // scale * code + minimum = scale * (code - 8) + (minimum + 8 * scale)
        auto* panel = reinterpret_cast<uint16_t*>(entry.correction->panel(channel / kPanel));
        panel[b * kPanel + channel % kPanel] = f32_to_f16(f16_to_f32(block.minimum) + 8.0f * scale);
      }
    }
  }
  return matrix.pack(slab, codes.data(), scales.data());
}

const Matrix* PackedWeights::find(const WeightRef& weight) const {
  const auto found = by_slice_.find(std::tuple(weight.tensor, weight.row, weight.rows));
  return found == by_slice_.end() ? nullptr : found->second->matrix.get();
}

uint64_t PackedWeights::packed_bytes() const {
  uint64_t bytes = 0;
  for (const auto& entry : entries_) bytes += entry->matrix->weight_bytes();
  for (const auto& [slice, values] : vectors_) bytes += values.size() * sizeof(float);
  return bytes;
}

}  // namespace npb::cpu

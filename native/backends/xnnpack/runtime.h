// Executes a plan: buffers, KV cache, the threads, and one function per kind of step.
#pragma once

#include <atomic>
#include <memory>
#include <span>
#include <vector>

#include "backends/backend.h"
#include "backends/xnnpack/kv_cache.h"
#include "backends/xnnpack/plan.h"
#include "backends/xnnpack/team.h"

namespace npb::cpu {

struct RuntimeOptions {
  uint32_t batch = 1;
  uint32_t max_tokens = 1;       // per sequence
  uint32_t max_step_tokens = 1;  // per sequence
  unsigned threads = 1;
  std::vector<uint32_t> cpu_ids;
  bool half_cache = true;
  bool int16_attention = false;  // encoders: by the kernel in 16-bit integers, which must be there
  bool profile = false;
  bool uniform_cores = true;  // even shares beforehand; otherwise tasks are claimed
};

class Runtime {
 public:
  /// `graph` must outlive the runtime. Errors: out_of_memory, unsupported.
  static Result<std::unique_ptr<Runtime>> create(const Graph& graph, Plan plan,
                                                 const Kernels& kernels,
                                                 const RuntimeOptions& options);

  /// One step of batch * step_tokens valid token ids, with `past` tokens in the cache. Allocates
  /// nothing.
  void run(std::span<const int32_t> tokens, uint32_t step_tokens, uint32_t past);

  /// Rows of a result of the last run, `stride` floats apart.
  Buffer value(ValueId id) const { return buffers_[static_cast<size_t>(id)]; }
  std::span<const int32_t> next_tokens() const { return next_tokens_; }
  unsigned threads() const { return team_.size(); }
  size_t kv_cache_bytes() const { return cache_.bytes(); }
  size_t activation_bytes() const { return activations_.size() + scratch_.size(); }
  const Plan& plan() const { return plan_; }

  struct StepTime {
    uint64_t calls = 0, total_ns = 0;
  };
  std::span<const StepTime> step_times() const { return step_times_; }

 private:
  /// Where rows of int8 with one scale each are prepared.
  struct MutableChannelRows {
    int8_t* q;
    float* scale;
    float* zero;
    int32_t* start;
    size_t stride;
    ChannelRows view() const { return {q, scale, zero, start, stride}; }
    MutableChannelRows from(size_t row) const {
      return {q + row * stride, scale + row, zero + row, start + row, stride};
    }
  };
  /// Where one row of a step's input is prepared, in every form that the step asks for.
  struct RowTarget {
    MutableBlockRows blocks;
    int8_t* codes;
    void* params;
    float* sums;
    MutableChannelRows channels;
  };
  /// What a thread needs to itself.
  struct Scratch {
    float* row;           // a normalised row
    float* tile;          // the second product of a pair
    float* scores;        // attention
    ProductInput shared;  // the step's shared rows as this thread sees them
    ProductInput input;   // this thread's own prepared row, for steps of one row
    MutableBlockRows blocks;
    int8_t* row_codes;
    void* row_params;
    float* sums;
    MutableChannelRows channels;
  };

  Runtime(const Graph& graph, Plan plan, const Kernels& kernels, const RuntimeOptions& options);
  Result<void> allocate();
  void place_values(std::vector<size_t>& offsets, size_t& total) const;
  size_t row_count(Rows rows) const {
    return rows == Rows::per_token ? size_t{batch_} * step_tokens_ : batch_;
  }
  const float* row(ValueId id, size_t index) const {
    const Buffer& b = buffers_[static_cast<size_t>(id)];
    return b.data + index * b.stride;
  }
  float* row(ValueId id, size_t index) {
    return const_cast<float*>(std::as_const(*this).row(id, index));
  }
  Rows value_rows(ValueId id) const { return graph_.values[static_cast<size_t>(id)].rows; }
  size_t width(ValueId id) const { return graph_.values[static_cast<size_t>(id)].width; }
  uint32_t position(size_t row) const { return past_ + static_cast<uint32_t>(row % step_tokens_); }

  void run_thread(unsigned thread);
  void run_step(const Step& step, unsigned thread);
  void run_embed(const Step& step, unsigned thread);
  void run_product(const Step& step, unsigned thread);
  void attend_all(const Step& step, unsigned thread);
  void run_rows(const Step& step, unsigned thread);
  void run_attention(const Step& step, unsigned thread);
  void run_pool(const Step& step);
  void run_argmax(const Step& step);
  void store(const float* data, size_t row, size_t first_column, size_t columns, size_t head_dim,
             size_t layer, bool key);
  void store_inputs(const Step& step);

  const float* norm_row(const Step& step, size_t index, float* own, bool write);
  void prepare_row(const Step& step, const float* x, const RowTarget& target);
  const ProductInput& prepare(const Step& step, size_t rows, unsigned thread);
  void run_range(const Step& step, const TaskRange& range, const ProductInput& input, size_t first,
                 size_t count, Scratch& scratch);
  void apply(const ColumnOp& op, float* out, size_t row, size_t begin, size_t end);

  const Graph& graph_;
  Plan plan_;
  const Kernels& kernels_;
  RuntimeOptions options_;
  uint32_t batch_;  // sequences of the chunk at hand
  uint32_t chunk_;  // most sequences that go through at once
  Team team_;
  KvCache cache_;
  size_t cache_layers_ = 0;

  Arena activations_;  // values and the prepared input of the current step
  Arena scratch_;      // per thread
  std::vector<Buffer> buffers_;
  std::vector<Scratch> scratches_;
  ProductInput shared_;
  MutableBlockRows shared_blocks_{};
  MutableChannelRows shared_channels_{};
  int8_t* shared_codes_ = nullptr;
  std::byte* shared_params_ = nullptr;
  float* shared_floats_ = nullptr;
  float* shared_sums_ = nullptr;

  std::vector<float> cos_, sin_;  // [max positions][pairs]
  std::vector<int32_t> next_tokens_;
  struct Candidate {
    float value;
    int32_t index;
  };
  std::vector<Candidate> candidates_;

  std::span<const int32_t> tokens_;
  uint32_t step_tokens_ = 1;
  uint32_t past_ = 0;
  std::vector<StepTime> step_times_;
};

}  // namespace npb::cpu

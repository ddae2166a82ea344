#include "backends/xnnpack/runtime.h"

#include <xnnpack.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "backends/xnnpack/runtime_limits.h"
#include "core/clock.h"

namespace npb::cpu {
namespace {

struct Layout {
  size_t total = 0;
  size_t take(size_t bytes) {
    const size_t at = total;
    total += round_up(bytes + XNN_EXTRA_BYTES, 128);
    return at;
  }
};

/// The widest row that is prepared for a product, or embedded.
size_t widest(const Plan& plan, const Graph& graph) {
  size_t width = graph.hp.d_model;
  for (const Step& step : plan.steps) {
    if (step.kind == Step::Kind::product) {
      width = std::max<size_t>(width, graph.values[static_cast<size_t>(step.input)].width);
    }
  }
  return width;
}

/// An encoder's sequences know nothing of each other: they go through in chunks whose activations
/// stay in the threads' caches. A decoder's go through together.
uint32_t sequences_at_once(const Graph& graph, const RuntimeOptions& options) {
  const bool independent = graph.embedding != kNoValue && graph.logits == kNoValue &&
                           std::none_of(graph.nodes.begin(), graph.nodes.end(), [](const Node& n) {
                             return n.kind == OpKind::attention && n.causal;
                           });
  if (!independent) return options.batch;
  const size_t rows = kChunkRows * std::max(1u, options.threads);
  const auto fit =
      static_cast<uint32_t>((rows + options.max_step_tokens - 1) / options.max_step_tokens);
  const uint32_t chunks = (options.batch + fit - 1) / fit;
  return (options.batch + chunks - 1) / chunks;
}

}  // namespace

Runtime::Runtime(const Graph& graph, Plan plan, const Kernels& kernels,
                 const RuntimeOptions& options)
    : graph_(graph),
      plan_(std::move(plan)),
      kernels_(kernels),
      options_(options),
      batch_(sequences_at_once(graph, options)),
      chunk_(batch_),
      team_(options.threads, options.cpu_ids) {}

Result<std::unique_ptr<Runtime>> Runtime::create(const Graph& graph, Plan plan,
                                                 const Kernels& kernels,
                                                 const RuntimeOptions& options) {
  std::unique_ptr<Runtime> runtime(new Runtime(graph, std::move(plan), kernels, options));
  NPB_TRY(runtime->allocate());
  return runtime;
}

/// Values get memory from their first to their last step; what is free again is used again.
void Runtime::place_values(std::vector<size_t>& offsets, size_t& total) const {
  const size_t count = graph_.values.size();
  std::vector<size_t> first(count, SIZE_MAX), last(count, 0), bytes(count, 0);
  for (size_t s = 0; s < plan_.steps.size(); ++s) {
    const Step& step = plan_.steps[s];
    for (const auto* ids : {&step.reads, &step.writes}) {
      for (ValueId id : *ids) {
        first[static_cast<size_t>(id)] = std::min(first[static_cast<size_t>(id)], s);
        last[static_cast<size_t>(id)] = std::max(last[static_cast<size_t>(id)], s);
      }
    }
  }
  for (ValueId id : {graph_.logits, graph_.embedding}) {
    if (id != kNoValue) last[static_cast<size_t>(id)] = plan_.steps.size();
  }
  // The first chunk's results outlast the other chunks' steps.
  if (graph_.embedding != kNoValue) first[static_cast<size_t>(graph_.embedding)] = 0;
  for (size_t v = 0; v < count; ++v) {
    const bool whole = static_cast<ValueId>(v) == graph_.embedding;
    const size_t sequences = whole ? options_.batch : chunk_;
    const size_t rows =
        graph_.values[v].rows == Rows::per_token ? sequences * options_.max_step_tokens : sequences;
    bytes[v] = round_up(rows * buffers_[v].stride * sizeof(float) + XNN_EXTRA_BYTES, 128);
  }
  struct Hole {
    size_t at, size;
  };
  std::vector<Hole> holes;
  offsets.assign(count, 0);
  total = 0;
  for (size_t s = 0; s < plan_.steps.size(); ++s) {
    for (size_t v = 0; v < count; ++v) {
      if (first[v] != s) continue;
      auto fit = holes.end();
      for (auto hole = holes.begin(); hole != holes.end(); ++hole) {
        if (hole->size >= bytes[v] && (fit == holes.end() || hole->size < fit->size)) fit = hole;
      }
      if (fit != holes.end()) {
        offsets[v] = fit->at;
        fit->at += bytes[v];
        fit->size -= bytes[v];
      } else {
        offsets[v] = total;
        total += bytes[v];
      }
    }
    for (size_t v = 0; v < count; ++v) {
      if (first[v] != SIZE_MAX && last[v] == s) holes.push_back({offsets[v], bytes[v]});
    }
  }
}

Result<void> Runtime::allocate() {
  const size_t rows = size_t{batch_} * options_.max_step_tokens;
  buffers_.resize(graph_.values.size());
  for (size_t v = 0; v < buffers_.size(); ++v)
    buffers_[v].stride = round_up(graph_.values[v].width, kPanel);
  std::vector<size_t> offsets;
  Layout layout;
  place_values(offsets, layout.total);

  InputForms forms;
  for (const Step& step : plan_.steps) forms |= step.forms;
  const size_t k = widest(plan_, graph_), padded = round_up(k, kUnit);
  const size_t code_stride = padded + 64;  // keeps rows of a power of two apart in the caches
  const size_t blocks = padded / kBlock + 1;
  const size_t floats_at = layout.take(forms.floats ? rows * (padded + 16) * sizeof(float) : 0);
  const size_t codes_at = layout.take(forms.blocks ? rows * code_stride : 0);
  size_t per_block_at[4];
  for (size_t& at : per_block_at) at = layout.take(forms.blocks ? rows * blocks * 4 : 0);
  const size_t row_codes_at = layout.take(forms.rows ? rows * code_stride : 0);
  const size_t params_at = layout.take((rows + kParamPadding) * sizeof(xnn_quantization_params));
  const size_t channel_codes_at = layout.take(forms.channels ? rows * code_stride : 0);
  const size_t channel_rows_at = layout.take(forms.channels ? 3 * rows * sizeof(float) : 0);
  const size_t sums_at = layout.take(forms.sums ? rows * blocks * sizeof(float) : 0);
  NPB_TRY_ASSIGN(activations_, Arena::allocate(layout.total, "activations"));
  for (size_t v = 0; v < buffers_.size(); ++v)
    buffers_[v].data = activations_.at<float>(offsets[v]);
  shared_floats_ = activations_.at<float>(floats_at);
  shared_blocks_ = {activations_.at<int8_t>(codes_at), activations_.at<float>(per_block_at[0]),
                    activations_.at<float>(per_block_at[1]),
                    activations_.at<int32_t>(per_block_at[2]),
                    activations_.at<int32_t>(per_block_at[3])};
  shared_codes_ = activations_.at<int8_t>(row_codes_at);
  shared_params_ = activations_.at<std::byte>(params_at);
  shared_sums_ = activations_.at<float>(sums_at);
  auto* channel_rows = activations_.at<float>(channel_rows_at);
  shared_channels_ = {activations_.at<int8_t>(channel_codes_at), channel_rows, channel_rows + rows,
                      reinterpret_cast<int32_t*>(channel_rows + 2 * rows), code_stride};
  shared_ = {shared_floats_,
             padded + 16,
             {shared_blocks_.q, shared_blocks_.scale, shared_blocks_.sum, shared_blocks_.start8,
              shared_blocks_.start128, code_stride, blocks},
             shared_codes_,
             code_stride,
             reinterpret_cast<xnn_quantization_params*>(shared_params_),
             shared_sums_,
             blocks,
             shared_channels_.view()};

  const Node* attention = nullptr;
  size_t tile_floats = 0;
  for (const Step& step : plan_.steps) {
    if (step.kind == Step::Kind::attention) {
      if (attention != nullptr && (attention->head_dim != step.node->head_dim ||
                                   attention->n_kv_heads != step.node->n_kv_heads)) {
        return Error{
            ErrorCode::unsupported,
            "The layers' attention heads differ in size or number, which this build can't run."};
      }
      attention = step.node;
      if (step.node->causal) cache_layers_ = std::max<size_t>(cache_layers_, step.node->layer + 1);
    }
    for (const Part& part : step.parts) {
      if (part.up == nullptr) continue;
      const size_t tiled = std::max(part.grain, kRunPanels) * kPanel;
      const size_t columns = part.up->splits_rows() ? tiled : part.up->panels() * kPanel;
      const bool few = part.matrix->splits_rows() && part.up->splits_rows();
      tile_floats = std::max(tile_floats, (few ? std::min(rows, kRunRows) : rows) * columns);
    }
  }
  const size_t positions = cache_layers_ > 0 ? options_.max_tokens : options_.max_step_tokens;
  size_t score_floats = attend_scratch(positions);
  if (attention != nullptr && cache_layers_ == 0) {
    score_floats = attend_all_scratch(positions, attention->head_dim);
  } else if (attention != nullptr) {
    const size_t bytes = KvCache::bytes(cache_layers_, batch_, attention->n_kv_heads,
                                        attention->head_dim, positions, options_.half_cache);
    NPB_TRY_ASSIGN(Arena arena, Arena::allocate(bytes, "the KV cache"));
    cache_ = KvCache(std::move(arena), batch_, attention->n_kv_heads, attention->head_dim,
                     positions, options_.half_cache);
  }

  Layout own;
  const size_t row_at = own.take((padded + 16) * sizeof(float));
  const size_t tile_at = own.take(tile_floats * sizeof(float));
  const size_t scores_at = own.take(score_floats * sizeof(float));
  const size_t own_codes_at = own.take(code_stride);
  size_t own_block_at[4];
  for (size_t& at : own_block_at) at = own.take(blocks * 4);
  const size_t own_row_at = own.take(code_stride);
  const size_t own_params_at = own.take((1 + kParamPadding) * sizeof(xnn_quantization_params));
  const size_t own_sums_at = own.take(blocks * sizeof(float));
  const size_t own_channels_at = own.take(code_stride),
               own_channel_at = own.take(3 * sizeof(float));
  own.total = round_up(own.total, 4096);
  NPB_TRY_ASSIGN(scratch_, Arena::allocate(own.total * team_.size(), "scratch memory"));
  for (unsigned thread = 0; thread < team_.size(); ++thread) {
    const size_t base = thread * own.total;
    Scratch s{};
    s.row = scratch_.at<float>(base + row_at);
    s.tile = scratch_.at<float>(base + tile_at);
    s.scores = scratch_.at<float>(base + scores_at);
    s.blocks = {
        scratch_.at<int8_t>(base + own_codes_at), scratch_.at<float>(base + own_block_at[0]),
        scratch_.at<float>(base + own_block_at[1]), scratch_.at<int32_t>(base + own_block_at[2]),
        scratch_.at<int32_t>(base + own_block_at[3])};
    s.row_codes = scratch_.at<int8_t>(base + own_row_at);
    s.row_params = scratch_.at<std::byte>(base + own_params_at);
    s.sums = scratch_.at<float>(base + own_sums_at);
    auto* channel = scratch_.at<float>(base + own_channel_at);
    s.channels = {scratch_.at<int8_t>(base + own_channels_at), channel, channel + 1,
                  reinterpret_cast<int32_t*>(channel + 2), code_stride};
    s.input = {s.row,
               padded + 16,
               {s.blocks.q, s.blocks.scale, s.blocks.sum, s.blocks.start8, s.blocks.start128,
                code_stride, blocks},
               s.row_codes,
               code_stride,
               static_cast<xnn_quantization_params*>(s.row_params),
               s.sums,
               blocks,
               s.channels.view()};
    scratches_.push_back(s);
  }

  const size_t pairs = graph_.hp.rope_inv_freq.size();
  if (pairs > 0) {
    cos_.resize(positions * pairs);
    sin_.resize(positions * pairs);
    for (size_t p = 0; p < positions; ++p) {
      for (size_t i = 0; i < pairs; ++i) {
        const double angle = static_cast<double>(p) * graph_.hp.rope_inv_freq[i];
        cos_[p * pairs + i] = static_cast<float>(std::cos(angle) * graph_.hp.rope_magnitude);
        sin_[p * pairs + i] = static_cast<float>(std::sin(angle) * graph_.hp.rope_magnitude);
      }
    }
  }
  if (graph_.logits != kNoValue) {
    const Value& logits = graph_.values[static_cast<size_t>(graph_.logits)];
    const size_t most = logits.rows == Rows::per_token ? rows : batch_;
    next_tokens_.resize(most);
    candidates_.resize(most * ((logits.width + kArgmaxColumns - 1) / kArgmaxColumns));
  }
  if (options_.profile) step_times_.resize(plan_.steps.size());
  return {};
}

void Runtime::run(std::span<const int32_t> tokens, uint32_t step_tokens, uint32_t past) {
  step_tokens_ = step_tokens;
  past_ = past;
  Buffer* result =
      graph_.embedding != kNoValue ? &buffers_[static_cast<size_t>(graph_.embedding)] : nullptr;
  float* const results = result != nullptr ? result->data : nullptr;
  for (uint32_t first = 0; first < options_.batch; first += chunk_) {
    batch_ = std::min(chunk_, options_.batch - first);
    tokens_ = tokens.subspan(size_t{first} * step_tokens, size_t{batch_} * step_tokens);
    team_.run([](void* self, unsigned thread) { static_cast<Runtime*>(self)->run_thread(thread); },
              this);
    if (result != nullptr) result->data += row_count(value_rows(graph_.embedding)) * result->stride;
  }
  if (result != nullptr) result->data = results;
}

void Runtime::run_thread(unsigned thread) {
  if (step_times_.empty() || thread != 0) {
    for (const Step& step : plan_.steps) {
      run_step(step, thread);
      team_.barrier();
    }
    return;
  }
  uint64_t begin_ns = now_ns();
  for (size_t s = 0; s < plan_.steps.size(); ++s) {
    run_step(plan_.steps[s], thread);
    team_.barrier();
    const uint64_t end_ns = now_ns();
    step_times_[s].calls++;
    step_times_[s].total_ns += end_ns - begin_ns;
    begin_ns = end_ns;
  }
}

void Runtime::run_step(const Step& step, unsigned thread) {
  switch (step.kind) {
    case Step::Kind::embed:
      return run_embed(step, thread);
    case Step::Kind::product:
      return run_product(step, thread);
    case Step::Kind::rows:
      return run_rows(step, thread);
    case Step::Kind::attention:
      return run_attention(step, thread);
    case Step::Kind::pool:
      return run_pool(step);
    case Step::Kind::argmax:
      return run_argmax(step);
  }
}

}  // namespace npb::cpu

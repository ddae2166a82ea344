#include "bench/prove.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>

namespace npb {
namespace {

constexpr size_t kMostLayers = 3;
/// More rows than any kernel takes at once for a decode step, so that prefill's own kernels run.
constexpr uint32_t kPrefillTokens = 19;

/// A model of a few layers of another: layer i of this one is layer `chosen[i]` of that.
class SomeLayers final : public WeightSource {
 public:
  SomeLayers(std::shared_ptr<const WeightSource> all, const std::vector<uint32_t>& chosen)
      : all_(std::move(all)) {
    for (const WeightInfo& tensor : all_->tensors()) {
      if (tensor.name.rfind("blk.", 0) != 0) {
        add(tensor, tensor.name);
        continue;
      }
      const size_t dot = tensor.name.find('.', 4);
      const uint32_t layer = static_cast<uint32_t>(std::stoul(tensor.name.substr(4, dot - 4)));
      for (uint32_t i = 0; i < chosen.size(); ++i)
        if (chosen[i] == layer) add(tensor, "blk." + std::to_string(i) + tensor.name.substr(dot));
    }
    for (size_t i = 0; i < tensors_.size(); ++i) index_[tensors_[i].name] = i;
  }

  const std::vector<WeightInfo>& tensors() const override { return tensors_; }
  const WeightInfo* find(std::string_view name) const override {
    const auto found = index_.find(name);
    return found == index_.end() ? nullptr : &tensors_[found->second];
  }
  std::span<const std::byte> rows(const WeightInfo& tensor, uint64_t row, uint64_t count,
                                  std::vector<std::byte>& scratch) const override {
    return all_->rows(original(tensor), row, count, scratch);
  }
  void release(const WeightInfo& tensor, uint64_t row, uint64_t count) const override {
    all_->release(original(tensor), row, count);
  }

 private:
  void add(const WeightInfo& tensor, std::string name) {
    tensors_.push_back(tensor);
    tensors_.back().name = std::move(name);
    originals_.push_back(&tensor);
  }
  const WeightInfo& original(const WeightInfo& tensor) const {
    return *originals_[static_cast<size_t>(&tensor - tensors_.data())];
  }

  std::shared_ptr<const WeightSource> all_;
  std::vector<WeightInfo> tensors_;
  std::vector<const WeightInfo*> originals_;
  std::map<std::string, size_t, std::less<>> index_;
};

/// The first layer of each mix of weight types, as mixed files (Q4_K_M and its like) have several.
std::vector<uint32_t> distinct_layers(const Model& model) {
  std::map<uint32_t, std::string> mixes;
  for (const WeightInfo& tensor : model.weights->tensors()) {
    if (tensor.name.rfind("blk.", 0) != 0) continue;
    mixes[static_cast<uint32_t>(std::stoul(tensor.name.substr(4)))] +=
        tensor.name.substr(tensor.name.find('.', 4)) + ":" +
        std::string(tensor_type_info(tensor.type).name) + ";";
  }
  std::vector<uint32_t> layers;
  std::vector<std::string> seen;
  for (const auto& [layer, mix] : mixes) {
    if (layers.size() == kMostLayers || std::find(seen.begin(), seen.end(), mix) != seen.end())
      continue;
    seen.push_back(mix);
    layers.push_back(layer);
  }
  return layers;
}

/// Logits of the prefill and of one decode step, or the embedding vectors.
Result<std::vector<float>> run(const Backend& backend, const Graph& graph,
                               const SessionOptions& options, const std::vector<int32_t>& prompt) {
  NPB_TRY_ASSIGN(const std::unique_ptr<Session> session, backend.open(graph, options));
  StepTiming timing;
  if (graph.embedding != kNoValue) {
    std::vector<float> vectors(size_t{options.batch} * graph.hp.d_model);
    NPB_TRY(session->embed(prompt, vectors, timing));
    return vectors;
  }
  const size_t count = size_t{options.batch} * graph.hp.vocab_size;
  std::vector<float> logits(2 * count);
  std::vector<int32_t> next(options.batch);
  NPB_TRY(session->forward(prompt, next, timing));
  NPB_TRY(session->read_logits(std::span(logits).first(count)));
  // The same continuation on both sides, whatever each would have chosen.
  const std::vector<int32_t> follow(prompt.begin(), prompt.begin() + options.batch);
  NPB_TRY(session->forward(follow, next, timing));
  NPB_TRY(session->read_logits(std::span(logits).last(count)));
  return logits;
}

double bound_of(Precision precision) {
  switch (precision) {
    case Precision::f32:
      return 1e-3;
    case Precision::f16:
      return 2e-2;
    // int8 activations lose up to some per cent a layer; a wrong kernel loses everything.
    default:
      return 0.25;
  }
}

}  // namespace

Result<Proof> prove(const Backend& backend, std::shared_ptr<const Model> model,
                    const SessionOptions& options) {
  Proof proof;
  proof.layers = distinct_layers(*model);
  auto part = std::make_shared<Model>(*model);
  part->hp.n_layers = static_cast<uint32_t>(proof.layers.size());
  part->weights = std::make_shared<SomeLayers>(model->weights, proof.layers);
  NPB_TRY_ASSIGN(const Graph graph, build_graph(part, {}));

  proof.tokens =
      std::min(kPrefillTokens, model->hp.context_length > 1 ? model->hp.context_length - 1 : 1);
  SessionOptions small = options;
  small.max_step_tokens = proof.tokens;
  small.max_tokens = proof.tokens + 1;
  small.profile = false;
  small.packed_cache_dir.clear();
  std::vector<int32_t> prompt(size_t{options.batch} * proof.tokens);
  for (size_t i = 0; i < prompt.size(); ++i)
    prompt[i] = static_cast<int32_t>((i * 2654435761u + 12345u) % model->hp.vocab_size);

  SessionOptions exact = small;
  exact.precision = Precision::f32;
  exact.device_index = 0;
  NPB_TRY_ASSIGN(const std::vector<float> expected,
                 run(*find_backend("reference"), graph, exact, prompt));
  NPB_TRY_ASSIGN(const std::vector<float> actual, run(backend, graph, small, prompt));
  double difference = 0, size = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    const double d = static_cast<double>(actual[i]) - expected[i];
    difference += d * d;
    size += static_cast<double>(expected[i]) * expected[i];
  }
  proof.normalized_error = std::sqrt(difference / std::max(size, 1e-300));
  proof.bound = bound_of(options.precision);
  proof.passed = proof.normalized_error <= proof.bound;  // false for NaN, too
  char text[160];
  std::snprintf(text, sizeof text, "%s %s the reference: normalised error %.2e, bound %.0e",
                backend.id(), proof.passed ? "agrees with" : "computes something else than",
                proof.normalized_error, proof.bound);
  proof.sentence = text;
  return proof;
}

}  // namespace npb

#include "backends/qnn/genie_session.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include "backends/qnn/genie.h"
#include "core/clock.h"
#include "core/file.h"

namespace npb::qnn {
namespace {

/// Paths of a bundle's configuration are relative to the current folder: Genie's way.
class InFolder {
 public:
  explicit InFolder(const std::string& folder) {
    before_ = std::filesystem::current_path(problem_);
    if (!problem_) std::filesystem::current_path(utf8_path(folder), problem_);
  }
  ~InFolder() {
    std::error_code ignored;  // the old folder may be gone: nothing here needs it
    std::filesystem::current_path(before_, ignored);
  }
  const std::error_code& problem() const { return problem_; }

 private:
  std::filesystem::path before_;
  std::error_code problem_;
};

/// Genie's name for a performance profile; 0: leave it to the bundle.
uint32_t policy_of(const std::map<std::string, std::string>& extra) {
  static const std::map<std::string, uint32_t> policies = {{"burst", 10},
                                                           {"sustained_high_performance", 20},
                                                           {"high_performance", 30},
                                                           {"balanced", 40},
                                                           {"low_balanced", 50},
                                                           {"high_power_saver", 60},
                                                           {"power_saver", 70},
                                                           {"low_power_saver", 80},
                                                           {"extreme_power_saver", 90}};
  const auto named = extra.find("perf_profile");
  const auto found = named == extra.end() ? policies.end() : policies.find(named->second);
  return found == policies.end() ? 0 : found->second;
}

void allocate_text(size_t bytes, const char** out) {
  *out = static_cast<const char*>(std::malloc(bytes));
}

/// Receives an answer: room was made before, so that nothing is allocated between tokens.
struct Answer {
  Generated* result;
  static void take(const uint32_t* tokens, uint32_t count, uint32_t code, const void* user) {
    const uint64_t at_ns = now_ns();
    Generated& result = *static_cast<const Answer*>(user)->result;
    if (code == kGenieEnd && count == 0) return;
    for (uint32_t i = 0; i < count && tokens && result.count < result.ids.size(); ++i) {
      result.ids[result.count] = static_cast<int32_t>(tokens[i]);
      result.token_ns[result.count] = at_ns;
      ++result.count;
    }
  }
  static void take_vector(const uint32_t* dims, uint32_t rank, const float* vector,
                          const void* user) {
    uint64_t count = rank > 0 ? 1 : 0;
    for (uint32_t i = 0; i < rank; ++i) count *= dims[i];
    if (vector && count <= (1u << 24))
      static_cast<const Answer*>(user)->result->embedding.assign(vector, vector + count);
  }
};

class GenieSession final : public Session {
 public:
  GenieSession(std::shared_ptr<const Genie> genie, GenieBundle bundle, SessionOptions options)
      : genie_(std::move(genie)), bundle_(std::move(bundle)), options_(std::move(options)) {}
  ~GenieSession() override {
    const GenieFunctions& f = genie_->functions();
    if (handle_) (bundle_.embedding ? f.embedding_free : f.dialog_free)(handle_);
    if (config_) (bundle_.embedding ? f.embedding_config_free : f.dialog_config_free)(config_);
    if (profile_) f.profile_free(profile_);
  }

  Result<void> open(OpenTimeline timeline);

  bool generates() const override { return true; }
  Result<void> generate(std::span<const int32_t> prompt, Generated& result) override;
  Result<void> forward(std::span<const int32_t>, std::span<int32_t>, StepTiming&) override {
    return by_itself();
  }
  Result<void> embed(std::span<const int32_t>, std::span<float>, StepTiming&) override {
    return by_itself();
  }
  Result<void> read_logits(std::span<float>) override { return by_itself(); }
  void reset() override {}
  OpenTimeline open_timeline() const override { return timeline_; }
  MemoryReport memory() const override {
    MemoryReport report;
    report.weights_bytes = model_of(bundle_)->file_size_bytes;
    report.counted_in_process = false;
    return report;
  }
  std::vector<PlacementEntry> placement() const override {
    PlacementEntry entry;
    entry.op = bundle_.embedding ? "Genie embedding" : "Genie dialog";
    entry.where = "npu:genie";
    entry.kernel = "as the bundle says; Genie " + genie_->version();
    entry.count = 1;
    return {entry};
  }

 private:
  static Result<void> by_itself() {
    return Error{ErrorCode::invalid_argument,
                 "Genie drives its own loop: it gives tokens or a vector, not single steps."};
  }
  void read_own_figures(Generated& result) const;

  std::shared_ptr<const Genie> genie_;
  GenieBundle bundle_;
  SessionOptions options_;
  GenieHandle profile_ = nullptr, config_ = nullptr, handle_ = nullptr;
  OpenTimeline timeline_;
  std::vector<uint32_t> prompt_;
  std::string text_;
};

Result<void> GenieSession::open(OpenTimeline timeline) {
  timeline_ = timeline;
  const GenieFunctions& f = genie_->functions();
  NPB_TRY(check_genie_config(*genie_, bundle_));
  const InFolder inside(bundle_.folder);
  if (inside.problem())
    return Error{ErrorCode::io, "The folder " + bundle_.folder + " can't be entered (" +
                                    inside.problem().message() + ")."};
  const auto create_config = bundle_.embedding ? f.embedding_config_create : f.dialog_config_create;
  if (const GenieStatus status = create_config(bundle_.text.c_str(), &config_); status != 0)
    return genie_failed(status, "Reading genie_config.json");
  const auto bind = bundle_.embedding ? f.embedding_bind_profiler : f.dialog_bind_profiler;
  // Without Genie's profile there are our own times only.
  if (bind && f.profile_create && f.profile_free && f.profile_json &&
      f.profile_create(nullptr, &profile_) == 0)
    bind(config_, profile_);
  timeline_.weights_ready_ns = now_ns();
  const auto create = bundle_.embedding ? f.embedding_create : f.dialog_create;
  if (const GenieStatus status = create(config_, &handle_); status != 0)
    return genie_failed(status, "Opening the Genie bundle");
  if (const uint32_t policy = policy_of(options_.extra);
      policy != 0 && !bundle_.embedding && f.dialog_set_policy) {
    if (const GenieStatus status = f.dialog_set_policy(handle_, policy); status != 0)
      return genie_failed(status, "Setting the performance policy");
  }
  const auto text = options_.extra.find("prompt_text");
  text_ = text == options_.extra.end() ? "" : text->second;
  if (bundle_.embedding && text_.empty())
    return Error{ErrorCode::invalid_argument,
                 "A Genie embedding takes text, not token ids: give it with --prompt."};
  timeline_.compile_ns = now_ns();
  return {};
}

Result<void> GenieSession::generate(std::span<const int32_t> prompt, Generated& result) {
  const GenieFunctions& f = genie_->functions();
  const Answer answer{&result};
  GenieStatus status = 0;
  if (bundle_.embedding) {
    status = f.embedding_generate(handle_, text_.c_str(), Answer::take_vector, &answer);
    if (status != 0) return genie_failed(status, "Embedding the text");
    if (result.embedding.empty())
      return Error{ErrorCode::device_lost, "Genie gave no vector for the text; try another one."};
  } else {
    prompt_.assign(prompt.begin(), prompt.end());
    if (status = f.dialog_reset(handle_); status != 0)
      return genie_failed(status, "Clearing the dialog");
    if (f.dialog_set_max_tokens) {
      status = f.dialog_set_max_tokens(handle_, static_cast<uint32_t>(result.ids.size()));
      if (status != 0) return genie_failed(status, "Limiting the answer's length");
    }
    status = f.dialog_token_query(handle_, prompt_.data(), static_cast<uint32_t>(prompt_.size()),
                                  kGenieComplete, Answer::take, &answer);
    // An answer that ran into the context's end is an answer all the same, if it is whole.
    if (status != 0 && (status != 4 || result.count < result.ids.size()))
      return genie_failed(status, "The dialog");
  }
  read_own_figures(result);
  return {};
}

/// Genie's last query event: its values, named with their units.
void GenieSession::read_own_figures(Generated& result) const {
  const char* raw = nullptr;
  if (!profile_ || genie_->functions().profile_json(profile_, allocate_text, &raw) != 0 || !raw)
    return;
  const std::string text = raw;
  std::free(const_cast<char*>(raw));
  const auto json = Json::parse(text, "Genie's profile");
  if (!json.ok()) return;
  for (const Json& component : json->elements("components")) {
    for (const Json& event : component.elements("events")) {
      const Json* type = event.find("type");
      const std::string* name = type ? type->as_string() : nullptr;
      if (!name || (*name != "GenieDialog_query" && *name != "GenieDialog_tokenQuery" &&
                    *name != "GenieEmbedding_generate"))
        continue;
      result.own_figures.clear();  // the last event counts
      for (const auto& [key, value] : event.members()) {
        const Json* amount = value.find("value");
        const Json* unit = value.find("unit");
        const auto number = amount ? amount->as_number() : value.as_number();
        // Of the bare numbers only the duration is a figure; it is in microseconds.
        if (!number || (!amount && key != "duration")) continue;
        const std::string* word = unit ? unit->as_string() : nullptr;
        const std::string suffix = !amount                  ? " (us)"
                                   : word && !word->empty() ? " (" + *word + ")"
                                                            : "";
        result.own_figures[key + suffix] = *number;
      }
    }
  }
}

}  // namespace

Result<std::unique_ptr<Session>> open_genie_session(const std::string& folder,
                                                    const SessionOptions& options) {
  OpenTimeline timeline;
  timeline.begin_ns = now_ns();
  if (options.batch > 1)
    return Error{ErrorCode::unsupported,
                 "A Genie bundle answers one prompt at a time: use --batch-size 1."};
  NPB_TRY_ASSIGN(std::shared_ptr<const Genie> genie, Genie::open(options.extra));
  NPB_TRY_ASSIGN(GenieBundle bundle, read_genie_bundle(folder));
  timeline.device_open_ns = now_ns();
  auto session = std::make_unique<GenieSession>(std::move(genie), std::move(bundle), options);
  NPB_TRY(session->open(timeline));
  return std::unique_ptr<Session>(std::move(session));
}

}  // namespace npb::qnn

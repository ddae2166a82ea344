// Genie bundles against a libGenie of our own.
#include "backends/qnn/genie.h"

#include <fstream>
#include <set>

#include "backends/qnn/qnn_backend.h"
#include "bench/runner.h"
#include "test/qnn/fake_genie.h"
#include "test/qnn/fake_library.h"
#include "test/support/random_model.h"

using namespace npb;

namespace {

constexpr const char* kDialog =
    R"({"dialog":{"version":1,"context":{"size":128,"n-vocab":64},"sampler":{"temp":0.5,"greedy":true}}})";

struct Bundle {
  qnn::fake::GenieControl& control = *reinterpret_cast<qnn::fake::GetGenieControl>(
      test::fake_symbol("libGenie.so", "npb_fake_genie_control"))();
  test::TempFolder folder;
  std::string path = folder.path().string();

  explicit Bundle(const std::string& config = kDialog) {
    control = {};
    std::ofstream(folder.path() / "genie_config.json") << config;
  }
  ~Bundle() {
    CHECK(control.live == 0);
    control = {};
  }
  Result<std::unique_ptr<Session>> open(std::map<std::string, std::string> more = {}) const {
    SessionOptions options;
    options.extra = test::FakeRuntime::extra();
    options.extra.merge(more);
    return qnn_backend().open_file(path, options);
  }
  std::string error(std::map<std::string, std::string> more = {}) const {
    const auto session = open(std::move(more));
    return session.ok() ? "" : session.error().message;
  }
};

Workload workload(uint32_t outputs) {
  Workload result;
  result.prompt = {5, 9, 20};
  result.input_tokens = 3;
  result.output_tokens = outputs;
  return result;
}

}  // namespace

TEST_CASE("a bundle is described from its configuration") {
  Bundle bundle;
  REQUIRE(qnn_backend().opens(bundle.path));
  const auto model = qnn_backend().describe(bundle.path, {});
  REQUIRE_MESSAGE(model.ok(), model.error().message);
  CHECK((*model)->hp.family == ModelFamily::decoder);
  CHECK((*model)->hp.vocab_size == 64);
  CHECK((*model)->hp.context_length == 128);
  CHECK((*model)->metadata[1].second == "temp 0.5, greedy true");
  CHECK(!(*model)->weights);
  for (const char* text : {"{}", "[]", R"({"dialog":{"context":{"size":128}}})", "{"}) {
    CAPTURE(text);
    Bundle damaged(text);
    CHECK(!qnn_backend().describe(damaged.path, {}).ok());
  }
}

TEST_CASE("a dialog gives tokens with our times, and Genie's own figures beside them") {
  Bundle bundle;
  auto session = bundle.open({{"perf_profile", "balanced"}});
  REQUIRE_MESSAGE(session.ok(), session.error().message);
  CHECK((*session)->generates());
  CHECK(bundle.control.policy == 40);
  Hyperparameters hp = (*qnn_backend().describe(bundle.path, {}))->hp;
  IterationSamples samples;
  for (int round = 1; round <= 2; ++round) {
    const auto done = run_iteration(**session, workload(4), hp, samples);
    REQUIRE_MESSAGE(done.ok(), done.error().message);
    CHECK(samples.token_ids == std::vector<int32_t>{21, 22, 23, 24});
    CHECK(bundle.control.resets == static_cast<uint32_t>(round));
    REQUIRE(samples.token_ns.size() == 4);
    CHECK(samples.token_ns[0] >= samples.begin_ns);
    for (size_t i = 1; i < 4; ++i) CHECK(samples.token_ns[i] >= samples.token_ns[i - 1]);
    CHECK(samples.own_figures.at("time-to-first-token (us)") == 1500);
    CHECK(samples.own_figures.at("token-generation-rate (toks/sec)") == 12.5);
    CHECK(samples.own_figures.count("init-time (us)") == 0);
  }
  StepTiming timing;
  std::vector<int32_t> next(1);
  CHECK(!(*session)->forward(std::vector<int32_t>{1}, next, timing).ok());
}

TEST_CASE("an answer may end early, and never outgrows its room") {
  Bundle bundle;
  auto session = bundle.open();
  REQUIRE_MESSAGE(session.ok(), session.error().message);
  Hyperparameters hp = (*qnn_backend().describe(bundle.path, {}))->hp;
  IterationSamples samples;
  bundle.control.stop_after = 2;
  REQUIRE(run_iteration(**session, workload(4), hp, samples).ok());
  CHECK(samples.token_ids == std::vector<int32_t>{21, 22});
  CHECK(samples.steps.size() == 2);
  bundle.control.stop_after = UINT32_MAX;
  bundle.control.extra_tokens = 100;
  REQUIRE(run_iteration(**session, workload(4), hp, samples).ok());
  CHECK(samples.token_ids.size() == 4);
  bundle.control.extra_tokens = 0;
  bundle.control.stop_after = 0;
  const auto none = run_iteration(**session, workload(4), hp, samples);
  REQUIRE(!none.ok());
  CHECK(none.error().message.find("no token at all") != std::string::npos);
}

TEST_CASE("an embedding bundle embeds the text that is given") {
  Bundle bundle(R"({"embedding":{"version":1,"context":{"n-vocab":64,"ctx-length":16}}})");
  CHECK(bundle.error().find("--prompt") != std::string::npos);
  auto session = bundle.open({{"prompt_text", "abc"}});
  REQUIRE_MESSAGE(session.ok(), session.error().message);
  Hyperparameters hp = (*qnn_backend().describe(bundle.path, {}))->hp;
  CHECK(hp.family == ModelFamily::encoder);
  IterationSamples samples;
  const auto done = run_iteration(**session, {}, hp, samples);
  REQUIRE_MESSAGE(done.ok(), done.error().message);
  CHECK(samples.embedding == std::vector<float>{'a', 'b', 'c'});
  CHECK(samples.token_ns[0] >= samples.begin_ns);
}

TEST_CASE("each of Genie's refusals is a sentence of its own, and nothing leaks") {
  std::set<std::string> sentences;
  for (const char* call : {"createFromJson", "create", "setPerformancePolicy"}) {
    Bundle bundle;
    bundle.control.fail_call = call;
    sentences.insert(bundle.error({{"perf_profile", "burst"}}));
  }
  for (const char* call : {"reset", "setMaxNumTokens", "tokenQuery"}) {
    Bundle bundle;
    bundle.control.fail_call = call;
    auto session = bundle.open();
    REQUIRE_MESSAGE(session.ok(), session.error().message);
    IterationSamples samples;
    Hyperparameters hp = (*qnn_backend().describe(bundle.path, {}))->hp;
    const auto done = run_iteration(**session, workload(4), hp, samples);
    REQUIRE(!done.ok());
    sentences.insert(done.error().message);
  }
  CHECK(sentences.size() == 6);
  for (const std::string& sentence : sentences)
    CHECK(sentence.find("Genie says general error (-1)") != std::string::npos);
  Bundle unknown(R"({"dialog":{"turbo":1,"context":{"size":128,"n-vocab":64}}})");
  CHECK(unknown.error().find("JSON schema (-8)") != std::string::npos);
  CHECK(qnn::genie_failed(4, "The dialog").message.find("shorten --input-length") !=
        std::string::npos);
  Bundle other;
  other.control.major = 2;
  CHECK(other.error().find("Genie API 2") != std::string::npos);
}

TEST_CASE("a missing libGenie is an answer with a remedy") {
  Bundle bundle;
  SessionOptions options;
  options.extra = {{"qnn_lib_dir", bundle.path}};
  const auto session = qnn_backend().open_file(bundle.path, options);
  REQUIRE(!session.ok());
  CHECK(session.error().message.find("npu-bench runtime install qnn") != std::string::npos);
}

// Whole models as QNN graphs on the fake runtime (simulated), held to the reference interpreter.
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

#include "backends/qnn/qnn_backend.h"
#include "graph/interpreter.h"
#include "test/qnn/fake_library.h"
#include "test/qnn/quantized_model.h"
#include "test/support/error.h"
#include "test/support/random_model.h"

using namespace npb;

namespace {

// What f16 weights and activations may differ by from the reference.
constexpr double kBound = 5e-3;

struct Decode {
  uint32_t batch = 1, length = 13, steps = 4;
  bool all_logits = false;
  std::string prefill_tokens = "128";
  std::string cache = {};
  Precision precision = Precision::automatic;
  std::string int4 = "block";
  std::string ranges = {};
};

std::shared_ptr<const Model> load(const test::TinyModel& tiny, const test::TempFolder& folder) {
  auto model = test::load_tiny(tiny, folder);
  REQUIRE_MESSAGE(model.ok(), model.error().message);
  return *model;
}

/// Logits after each step on both sides; the reference's greedy tokens lead.
void check_decoder(const std::shared_ptr<const Model>& model, const Decode& wanted) {
  auto graph = build_graph(model, {.all_logits = wanted.all_logits});
  REQUIRE_MESSAGE(graph.ok(), graph.error().message);
  SessionOptions options;
  options.batch = wanted.batch;
  options.max_tokens = wanted.length + wanted.steps;
  options.max_step_tokens = wanted.length;
  options.packed_cache_dir = wanted.cache;
  options.extra = test::FakeRuntime::extra();
  options.extra["qnn_prefill_tokens"] = wanted.prefill_tokens;
  options.precision = wanted.precision;
  options.extra["qnn_int4"] = wanted.int4;
  options.extra["qnn_ranges_dir"] = wanted.ranges;
  auto session = qnn_backend().open(*graph, options);
  REQUIRE_MESSAGE(session.ok(), session.error().message);
  // Fixed-point models are held to the reference of the weights that they got.
  auto expected_graph = graph;
  if (wanted.precision != Precision::automatic) {
    const auto format = wanted.precision == Precision::int8 ? qnn::WeightFormat::int8_channel
                        : wanted.int4 == "block"            ? qnn::WeightFormat::int4_block
                                                            : qnn::WeightFormat::int4_channel;
    expected_graph =
        build_graph(test::quantized_model(*model, format), {.all_logits = wanted.all_logits});
    REQUIRE(expected_graph.ok());
  }
  Interpreter reference(*expected_graph, {.batch = wanted.batch, .max_tokens = options.max_tokens});

  for (int round = 0; round < 2; ++round) {
    std::vector<int32_t> tokens =
        test::random_tokens(size_t{wanted.batch} * wanted.length, model->hp.vocab_size, 7);
    for (uint32_t step = 0; step <= wanted.steps; ++step) {
      CAPTURE(step);
      REQUIRE(reference.step(tokens).ok());
      const std::span<const float> expected = reference.value(expected_graph->logits);
      std::vector<float> logits(expected.size());
      std::vector<int32_t> next(expected.size() / model->hp.vocab_size);
      StepTiming timing;
      const auto done = (*session)->forward(tokens, next, timing);
      REQUIRE_MESSAGE(done.ok(), done.error().message);
      CHECK(timing.transfer_ns.value_or(0) + timing.dispatch_ns.value_or(0) +
                timing.execute_ns.value_or(0) + timing.synchronize_ns.value_or(0) <=
            timing.wall_ns);
      REQUIRE((*session)->read_logits(logits).ok());
      CHECK(test::normalized_error(logits, expected) < kBound);
      for (size_t row = 0; row < next.size(); ++row) {
        const auto begin = logits.begin() + static_cast<std::ptrdiff_t>(row * model->hp.vocab_size);
        CHECK(next[row] == std::max_element(begin, begin + model->hp.vocab_size) - begin);
      }
      tokens.assign(wanted.batch, static_cast<int32_t>(step % model->hp.vocab_size));
    }
    (*session)->reset();
    reference.reset();
  }
}

}  // namespace

TEST_CASE("every decoder architecture as QNN graphs matches the reference") {
  test::FakeRuntime fake;
  for (const char* architecture : {"llama", "qwen2", "qwen3", "phi3"}) {
    CAPTURE(architecture);
    test::TinyModel tiny;
    tiny.architecture = architecture;
    test::TempFolder folder;
    check_decoder(load(tiny, folder), {});
  }
  CHECK(fake.control.live() == 0);
}

TEST_CASE("weight types, tied embeddings, batches, pieces of a prompt and all logits on the NPU") {
  test::FakeRuntime fake;
  test::TinyModel tiny;
  tiny.type = TensorType::q8_0;
  tiny.tied = true;
  test::TempFolder folder;
  const auto model = load(tiny, folder);
  SUBCASE("padded prompt") { check_decoder(model, {.length = 5, .prefill_tokens = "8"}); }
  SUBCASE("a prompt in pieces, the last one short") {
    check_decoder(model, {.length = 13, .prefill_tokens = "5"});
  }
  SUBCASE("a last piece of one token") {
    check_decoder(model, {.length = 9, .prefill_tokens = "4"});
  }
  SUBCASE("one token at a time only") { check_decoder(model, {.length = 1}); }
  SUBCASE("three sequences") { check_decoder(model, {.batch = 3}); }
  SUBCASE("three sequences in pieces, every logit") {
    check_decoder(model, {.batch = 3, .all_logits = true, .prefill_tokens = "6"});
  }
  CHECK(fake.control.live() == 0);
}

TEST_CASE("encoders as QNN graphs match the reference, padded and not") {
  test::FakeRuntime fake;
  for (uint32_t pooling : {1u, 2u, 3u}) {
    for (uint32_t length : {11u, 7u}) {
      CAPTURE(pooling);
      CAPTURE(length);
      test::TinyModel tiny;
      tiny.architecture = "bert";
      tiny.pooling_type = pooling;
      test::TempFolder folder;
      const auto model = load(tiny, folder);
      auto graph = build_graph(model, {});
      REQUIRE_MESSAGE(graph.ok(), graph.error().message);
      auto session = qnn_backend().open(*graph, {.batch = 2,
                                                 .max_tokens = 11,
                                                 .max_step_tokens = 11,
                                                 .extra = test::FakeRuntime::extra()});
      REQUIRE_MESSAGE(session.ok(), session.error().message);
      const auto tokens = test::random_tokens(2 * length, model->hp.vocab_size, 5);
      std::vector<float> vectors(2 * model->hp.d_model);
      StepTiming timing;
      const auto done = (*session)->embed(tokens, vectors, timing);
      REQUIRE_MESSAGE(done.ok(), done.error().message);
      Interpreter reference(*graph, {.batch = 2});
      REQUIRE(reference.step(tokens).ok());
      CHECK(test::cosine(vectors, reference.value(graph->embedding)) > 0.999);
      CHECK(test::normalized_error(vectors, reference.value(graph->embedding)) < kBound);
    }
  }
}

TEST_CASE("the second start takes the context binary from the cache, with the same results") {
  test::FakeRuntime fake;
  test::TinyModel tiny;
  test::TempFolder folder, cache;
  const auto model = load(tiny, folder);
  const Decode wanted{.cache = cache.path().string()};
  // Each layout that a runtime of an accepted version may write.
  for (uint32_t minor : {15u, 18u, 21u, 40u}) {
    CAPTURE(minor);
    fake.control.core_minor = fake.system.core_minor = minor;
    check_decoder(model, wanted);
    SessionOptions options;
    options.max_tokens = wanted.length + wanted.steps;
    options.max_step_tokens = wanted.length;
    options.packed_cache_dir = wanted.cache;
    options.extra = test::FakeRuntime::extra();
    auto session = qnn_backend().open(*build_graph(model, {}), options);
    REQUIRE_MESSAGE(session.ok(), session.error().message);
    CHECK((*session)->open_timeline().packed_cache_hit);
    check_decoder(model, wanted);
  }
}

TEST_CASE("fixed-point matrix products match the reference of the quantised weights") {
  test::FakeRuntime fake;
  for (const std::string architecture : {"llama", "qwen2", "qwen3", "phi3"}) {
    for (const std::string int4 : {"", "block", "channel"}) {
      CAPTURE(architecture);
      CAPTURE(int4);
      test::TinyModel tiny;
      tiny.architecture = architecture;
      tiny.tied = int4.empty();
      test::TempFolder folder;
      check_decoder(load(tiny, folder),
                    {.precision = int4.empty() ? Precision::int8 : Precision::int4, .int4 = int4});
    }
  }
  CHECK(fake.control.live() == 0);
}

TEST_CASE("an encoder with fixed-point matrix products keeps its direction") {
  test::FakeRuntime fake;
  test::TinyModel tiny;
  tiny.architecture = "bert";
  test::TempFolder folder;
  auto graph = build_graph(load(tiny, folder), {});
  REQUIRE_MESSAGE(graph.ok(), graph.error().message);
  const auto tokens = test::random_tokens(11, tiny.vocab_size, 5);
  Interpreter reference(*graph, {});
  REQUIRE(reference.step(tokens).ok());
  for (Precision precision : {Precision::int8, Precision::int4}) {
    auto session = qnn_backend().open(*graph, {.max_tokens = 11,
                                               .max_step_tokens = 11,
                                               .precision = precision,
                                               .extra = test::FakeRuntime::extra()});
    REQUIRE_MESSAGE(session.ok(), session.error().message);
    std::vector<float> vector(tiny.d_model);
    StepTiming timing;
    REQUIRE((*session)->embed(tokens, vector, timing).ok());
    const double cosine = test::cosine(vector, reference.value(graph->embedding));
    CHECK(cosine > (precision == Precision::int8 ? 0.999 : 0.97));
  }
}

TEST_CASE("ranges are kept with the model, and a damaged file of them is made anew") {
  test::FakeRuntime fake;
  test::TinyModel tiny;
  test::TempFolder folder, kept;
  const auto model = load(tiny, folder);
  const Decode wanted{.precision = Precision::int8, .ranges = kept.path().string()};
  check_decoder(model, wanted);
  const auto file = std::filesystem::directory_iterator(kept.path())->path();
  const auto read = [&] {
    std::ifstream in(file);
    return std::string(std::istreambuf_iterator<char>(in), {});
  };
  const std::string good = read();
  CHECK(good.find("blk.1.ffn_down") != std::string::npos);
  for (const std::string& bad :
       {std::string(), std::string("another file"), good.substr(0, good.size() / 2),
        good.substr(0, good.find('\n')) + "\n1\nnan 1 blk.0.attn_q\n",
        good.substr(0, good.find('\n')) + "\n99999999999999999999\n"}) {
    std::ofstream(file, std::ios::trunc) << bad;
    check_decoder(model, wanted);
    CHECK(read() == good);
  }
  // What is there is used: ranges a thousandth as large clip everything.
  std::string small;
  std::istringstream lines(good);
  for (std::string line; std::getline(lines, line);) {
    const size_t space = line.find(' ');
    const bool entry = space != std::string::npos && line.rfind("npu", 0) != 0;
    small += (entry ? "1e-6 1e-6" + line.substr(line.rfind(' ')) : line) + "\n";
  }
  std::ofstream(file, std::ios::trunc) << small;
  SessionOptions options{.max_tokens = 6, .max_step_tokens = 4, .precision = Precision::int8};
  options.extra = test::FakeRuntime::extra();
  options.extra["qnn_ranges_dir"] = wanted.ranges;
  auto graph = build_graph(model, {});
  auto session = qnn_backend().open(*graph, options);
  REQUIRE_MESSAGE(session.ok(), session.error().message);
  std::vector<int32_t> next(1);
  std::vector<float> logits(tiny.vocab_size);
  StepTiming timing;
  const auto tokens = test::random_tokens(4, tiny.vocab_size, 3);
  REQUIRE((*session)->forward(tokens, next, timing).ok());
  REQUIRE((*session)->read_logits(logits).ok());
  Interpreter reference(*graph, {.max_tokens = 6});
  REQUIRE(reference.step(tokens).ok());
  CHECK(test::normalized_error(logits, reference.value(graph->logits)) > 0.5);
}

TEST_CASE("placement tells the formats of fixed-point products") {
  test::FakeRuntime fake;
  test::TempFolder folder;
  SessionOptions options{.max_tokens = 6, .max_step_tokens = 4, .precision = Precision::int4};
  options.extra = test::FakeRuntime::extra();
  auto session = qnn_backend().open(*build_graph(load({}, folder), {}), options);
  REQUIRE_MESSAGE(session.ok(), session.error().message);
  std::string formats;
  for (const PlacementEntry& entry : (*session)->placement())
    formats += entry.op + ": " + entry.kernel + ", " + entry.compute_format + "\n";
  CHECK(formats.find("linear: Quantize, Conv2d, Dequantize, int4 block 32, int16 activations") !=
        std::string::npos);
  CHECK(formats.find("linear: Quantize, FullyConnected, Dequantize, int8 per channel, int16") !=
        std::string::npos);
  CHECK(formats.find("rms_norm: RmsNorm, f16") != std::string::npos);
}

TEST_CASE("a product of a value that one token makes huge stays in f16") {
  test::FakeRuntime fake;
  test::TinyModel tiny;
  test::TempFolder folder, kept;
  const auto model = load(tiny, folder);
  const Decode wanted{.precision = Precision::int8, .ranges = kept.path().string()};
  check_decoder(model, wanted);
  const auto file = std::filesystem::directory_iterator(kept.path())->path();
  std::string text;
  std::ifstream in(file);
  for (std::string line; std::getline(in, line); text += line + "\n")
    if (line.find(" blk.0.ffn_down") != std::string::npos) line = "30000 1 blk.0.ffn_down";
  in.close();
  std::ofstream(file, std::ios::trunc) << text;
  SessionOptions options{.max_tokens = 6, .max_step_tokens = 4, .precision = Precision::int8};
  options.extra = test::FakeRuntime::extra();
  options.extra["qnn_ranges_dir"] = wanted.ranges;
  auto session = qnn_backend().open(*build_graph(model, {}), options);
  REQUIRE_MESSAGE(session.ok(), session.error().message);
  uint32_t halves = 0, fixed = 0;
  for (const PlacementEntry& entry : (*session)->placement()) {
    if (entry.op != "linear") continue;
    (entry.compute_format == "f16" ? halves : fixed) += entry.count;
  }
  CHECK(halves == 1);
  CHECK(fixed == 7 * tiny.n_layers);
}

TEST_CASE("a session refuses what it has no room for, in a sentence") {
  test::FakeRuntime fake;
  test::TinyModel tiny;
  test::TempFolder folder;
  const auto model = load(tiny, folder);
  SessionOptions options{.max_tokens = 6, .max_step_tokens = 4};
  options.extra = test::FakeRuntime::extra();
  auto session = qnn_backend().open(*build_graph(model, {}), options);
  REQUIRE_MESSAGE(session.ok(), session.error().message);
  std::vector<int32_t> next(1);
  StepTiming timing;
  const std::vector<int32_t> four = {1, 2, 3, 4};
  CHECK((*session)->forward(std::vector<int32_t>(5, 1), next, timing).error().code ==
        ErrorCode::invalid_argument);
  CHECK((*session)->forward(std::vector<int32_t>{-1}, next, timing).error().code ==
        ErrorCode::invalid_argument);
  CHECK((*session)->forward(four, next, timing).ok());
  CHECK((*session)->forward(four, next, timing).error().message.find("KV cache holds 6") !=
        std::string::npos);
  options.precision = Precision::f32;
  CHECK(qnn_backend().open(*build_graph(model, {}), options).error().code ==
        ErrorCode::unsupported);
}

// Whole models on every GPU API of this machine, held to the reference interpreter.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <string>

#include "test/gpu/decoder.h"

using namespace npb;
using test::gpu_backends;
using test::Outcome;
using test::run_decoder;
using test::without_cache;

namespace {

/// The largest error of each backend over a test case; said at its end.
class Worst {
 public:
  ~Worst() {
    for (const auto& [backend, error] : errors_)
      MESSAGE(backend << ": largest normalised error " << error);
  }
  void add(const std::string& backend, double error) {
    double& worst = errors_[backend];
    worst = std::max(worst, error);
  }

 private:
  std::map<std::string, double> errors_;
};

void check_decoder(const test::TinyModel& tiny, uint32_t batch, double bound, Precision precision,
                   Worst& worst) {
  test::TempFolder folder;
  auto model = test::load_tiny(tiny, folder);
  REQUIRE_MESSAGE(model.ok(), model.error().message);
  const std::vector<int32_t> prompt =
      test::random_tokens(size_t{batch} * 13, (*model)->hp.vocab_size, 7);
  const Outcome expected =
      run_decoder(*find_backend("reference"), *model, prompt, batch, 4, Precision::automatic);
  for (const Backend* backend : gpu_backends()) {
    CAPTURE(std::string(backend->id()));
    const Outcome actual = run_decoder(*backend, *model, prompt, batch, 4, precision);
    const double error = test::normalized_error(actual.logits, expected.logits);
    worst.add(backend->id(), error);
    CHECK(error < bound);
    if (precision == Precision::f32) CHECK(actual.tokens == expected.tokens);
  }
}

}  // namespace

TEST_CASE("every weight type on every GPU API matches the reference") {
  Worst worst;
  for (TensorType type :
       {TensorType::f32, TensorType::f16, TensorType::bf16, TensorType::q8_0, TensorType::q4_0,
        TensorType::q4_1, TensorType::q5_0, TensorType::q5_1, TensorType::q2_k, TensorType::q3_k,
        TensorType::q4_k, TensorType::q5_k, TensorType::q6_k, TensorType::iq4_nl}) {
    CAPTURE(std::string(tensor_type_info(type).name));
    test::TinyModel tiny;
    tiny.type = type;
    tiny.d_model = tiny.n_heads * 64;  // blocks of 256 fill every matrix
    tiny.head_dim = 64;
    tiny.d_ff = 512;
    check_decoder(tiny, 1, 1e-5, Precision::f32, worst);
  }
}

TEST_CASE("every decoder architecture on every GPU API matches the reference") {
  Worst worst;
  for (const char* architecture : {"llama", "qwen2", "qwen3", "phi3"}) {
    CAPTURE(architecture);
    test::TinyModel tiny;
    tiny.architecture = architecture;
    check_decoder(tiny, 1, 1e-5, Precision::f32, worst);
  }
}

TEST_CASE("batches and a half-precision KV cache stay within their bounds") {
  test::TinyModel tiny;
  tiny.type = TensorType::q4_1;
  Worst worst, half;
  for (uint32_t batch : {2u, 3u, 9u}) check_decoder(tiny, batch, 1e-5, Precision::f32, worst);
  check_decoder(tiny, 1, 1e-3, Precision::automatic, half);
  check_decoder(tiny, 1, 1e-3, Precision::f16, half);
}

TEST_CASE("encoders on every GPU API match the reference") {
  Worst worst;
  for (uint32_t pooling : {1u, 2u}) {
    test::TinyModel tiny;
    tiny.architecture = "bert";
    tiny.pooling_type = pooling;
    test::TempFolder folder;
    auto model = test::load_tiny(tiny, folder);
    REQUIRE_MESSAGE(model.ok(), model.error().message);
    const std::vector<int32_t> prompt = test::random_tokens(3 * 11, (*model)->hp.vocab_size, 5);
    auto run = [&](const Backend& backend) {
      auto graph = build_graph(*model, {});
      REQUIRE_MESSAGE(graph.ok(), graph.error().message);
      auto session = backend.open(
          *graph,
          without_cache({.batch = 3, .max_tokens = 11, .max_step_tokens = 11, .threads = 2}));
      REQUIRE_MESSAGE(session.ok(), session.error().message);
      std::vector<float> vectors(3 * (*model)->hp.d_model);
      StepTiming timing;
      const auto done = (*session)->embed(prompt, vectors, timing);
      REQUIRE_MESSAGE(done.ok(), done.error().message);
      return vectors;
    };
    const std::vector<float> expected = run(*find_backend("reference"));
    for (const Backend* backend : gpu_backends()) {
      CAPTURE(std::string(backend->id()));
      const double error = test::normalized_error(run(*backend), expected);
      worst.add(backend->id(), error);
      CHECK(error < 1e-5);
    }
  }
}

TEST_CASE("a session refuses what it has no room for, in a sentence") {
  test::TinyModel tiny;
  test::TempFolder folder;
  auto model = test::load_tiny(tiny, folder);
  REQUIRE_MESSAGE(model.ok(), model.error().message);
  for (const Backend* backend : gpu_backends()) {
    CAPTURE(std::string(backend->id()));
    auto session =
        backend->open(*build_graph(*model, {}),
                      without_cache({.batch = 1, .max_tokens = 6, .max_step_tokens = 4}));
    REQUIRE_MESSAGE(session.ok(), session.error().message);
    std::vector<int32_t> next(1);
    StepTiming timing;
    const std::vector<int32_t> four = {1, 2, 3, 4};
    CHECK((*session)->forward(std::vector<int32_t>(5, 1), next, timing).error().code ==
          ErrorCode::invalid_argument);
    CHECK((*session)->forward(four, next, timing).ok());
    CHECK((*session)->forward(four, next, timing).error().message.find("KV cache holds 6") !=
          std::string::npos);
    (*session)->reset();
    CHECK((*session)->forward(four, next, timing).ok());
    CHECK(backend
              ->open(*build_graph(*model, {}),
                     {.device_index = 99, .max_tokens = 6, .max_step_tokens = 4})
              .error()
              .code == ErrorCode::not_found);
  }
}

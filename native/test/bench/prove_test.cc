// A backend that computes rightly is believed; one that is wrong in any layer is not.
#include "bench/prove.h"

#include <doctest/doctest.h>

#include "test/support/random_model.h"

using namespace npb;

namespace {

/// The reference, with one logit in every `stride` replaced: a driver that computes something else.
class WrongSession : public Session {
 public:
  WrongSession(std::unique_ptr<Session> right, size_t stride)
      : right_(std::move(right)), stride_(stride) {}
  Result<void> forward(std::span<const int32_t> tokens, std::span<int32_t> next,
                       StepTiming& timing) override {
    return right_->forward(tokens, next, timing);
  }
  Result<void> embed(std::span<const int32_t> tokens, std::span<float> vectors,
                     StepTiming& timing) override {
    return right_->embed(tokens, vectors, timing);
  }
  Result<void> read_logits(std::span<float> logits) override {
    NPB_TRY(right_->read_logits(logits));
    if (stride_ > 0)
      for (size_t i = 0; i < logits.size(); i += stride_) logits[i] = 0.0f;
    return {};
  }
  void reset() override { right_->reset(); }
  OpenTimeline open_timeline() const override { return right_->open_timeline(); }
  MemoryReport memory() const override { return right_->memory(); }
  std::vector<PlacementEntry> placement() const override { return right_->placement(); }

 private:
  std::unique_ptr<Session> right_;
  size_t stride_;
};

class WrongBackend : public Backend {
 public:
  explicit WrongBackend(size_t stride) : stride_(stride) {}
  const char* id() const override { return "wrong"; }
  DeviceKind kind() const override { return DeviceKind::gpu; }
  ProbeResult probe(const SessionOptions&) const override { return {}; }
  Result<std::unique_ptr<Session>> open(Graph graph, const SessionOptions& options) const override {
    NPB_TRY_ASSIGN(std::unique_ptr<Session> right,
                   find_backend("reference")->open(std::move(graph), options));
    return std::unique_ptr<Session>(std::make_unique<WrongSession>(std::move(right), stride_));
  }

 private:
  size_t stride_;
};

Result<Proof> prove_tiny(size_t stride) {
  test::TempFolder folder;
  test::TinyModel tiny;
  tiny.n_layers = 3;
  NPB_TRY_ASSIGN(const std::shared_ptr<const Model> model, test::load_tiny(tiny, folder));
  return prove(WrongBackend(stride), model,
               {.batch = 2, .precision = Precision::f32, .threads = 2});
}

}  // namespace

TEST_CASE("a backend that computes rightly is believed") {
  const auto proof = prove_tiny(0);
  REQUIRE_MESSAGE(proof.ok(), proof.error().message);
  CHECK(proof->passed);
  CHECK(proof->normalized_error == 0.0);
  CHECK(proof->layers == std::vector<uint32_t>{0});  // all layers have the same types
}

TEST_CASE("a backend that computes something else is not") {
  const auto proof = prove_tiny(7);
  REQUIRE_MESSAGE(proof.ok(), proof.error().message);
  CHECK_FALSE(proof->passed);
  CHECK(proof->normalized_error > proof->bound);
  CHECK(proof->sentence.find("something else") != std::string::npos);
}

// Shared memory of a compiled model's inputs, outputs and KV cache.
#include <set>

#include "backends/qnn/qnn_backend.h"
#include "test/qnn/fake_library.h"
#include "test/support/random_model.h"

using namespace npb;

TEST_CASE("inputs, outputs and KV cache are shared, each registered once, with the same results") {
  test::FakeRuntime fake;
  test::TempFolder folder;
  const test::TinyModel tiny;
  const auto model = test::load_tiny(tiny, folder);
  REQUIRE_MESSAGE(model.ok(), model.error().message);
  std::set<std::vector<float>> results;
  for (const char* wish : {"shared", "copied", "refused"}) {
    CAPTURE(wish);
    const bool shared = std::string(wish) == "shared";
    SessionOptions options{.max_tokens = 16, .max_step_tokens = 8};
    options.extra = test::FakeRuntime::extra();
    if (std::string(wish) == "refused") {
      fake.control.fail_call = "memRegister";
      fake.control.fail_at = 3;
    } else {
      options.extra["io_memory"] = wish;
    }
    auto session = qnn_backend().open(*build_graph(*model, {}), options);
    REQUIRE_MESSAGE(session.ok(), session.error().message);
    const PlacementEntry storage = (*session)->placement().back();
    CHECK(storage.op == "inputs, outputs and KV cache");
    CHECK((storage.kernel == "shared memory") == shared);
    if (shared) {
      // Both graphs name the cache's buffers: two per layer, registered for one of them only.
      CHECK(fake.control.live_memory == static_cast<int32_t>(storage.count));
      CHECK(fake.rpc.live_blocks == static_cast<int32_t>(storage.count));
    }
    std::vector<int32_t> tokens = test::random_tokens(8, tiny.vocab_size, 7), next(1);
    StepTiming timing;
    for (int step = 0; step < 3; ++step) {
      const auto done = (*session)->forward(tokens, next, timing);
      REQUIRE_MESSAGE(done.ok(), done.error().message);
      tokens = next;
    }
    // The cost of moving the bytes is told either way.
    CHECK(timing.transfer_ns.value_or(0) > 0);
    CHECK((fake.control.shared_reads > 0) == (std::string(wish) != "copied"));
    std::vector<float> logits(tiny.vocab_size);
    REQUIRE((*session)->read_logits(logits).ok());
    results.insert(logits);
    session = Error{};
    CHECK(fake.control.live() == 0);
    CHECK(fake.rpc.live_blocks == 0);
    fake.clear();
  }
  CHECK(results.size() == 1);
}

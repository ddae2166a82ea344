// What the host spends on a token beside waiting for the device.
#include <doctest/doctest.h>

#include <algorithm>

#include "test/gpu/api.h"
#include "test/gpu/decoder.h"

using namespace npb;
using test::Replaced;

namespace {

uint32_t submissions, waits;
/// Submissions that no wait has followed yet, and the most there were.
uint32_t in_flight, most_in_flight;
PFN_vkQueueSubmit submit;
PFN_vkWaitForFences wait_for;

/// Counts what the driver is asked for, whatever the backend says of itself.
class Counting {
 public:
  Counting()
      : submit_((submit = vkQueueSubmit, vkQueueSubmit),
                +[](VkQueue queue, uint32_t count, const VkSubmitInfo* info, VkFence fence) {
                  ++submissions;
                  most_in_flight = std::max(most_in_flight, ++in_flight);
                  return submit(queue, count, info, fence);
                }),
        wait_((wait_for = vkWaitForFences, vkWaitForFences),
              +[](VkDevice device, uint32_t count, const VkFence* fences, VkBool32 all,
                  uint64_t timeout) {
                ++waits;
                --in_flight;
                return wait_for(device, count, fences, all, timeout);
              }) {
    submissions = waits = in_flight = most_in_flight = 0;
  }

 private:
  Replaced<PFN_vkQueueSubmit> submit_;
  Replaced<PFN_vkWaitForFences> wait_;
};

class Fixture {
 public:
  Fixture() {
    auto loaded = test::load_tiny({}, folder_);
    REQUIRE_MESSAGE(loaded.ok(), loaded.error().message);
    model_ = *loaded;
    for (test::GpuApi& api : test::gpu_apis())
      if (api.id == "vulkan") api_ = std::move(api);
    if (api_.id.empty()) MESSAGE("skipped: no Vulkan device here");
  }
  bool available() const { return !api_.id.empty(); }
  std::unique_ptr<Session> open(uint32_t batch, const char* ahead) const {
    SessionOptions options{.batch = batch, .max_tokens = 120, .max_step_tokens = 4, .threads = 1};
    options.extra["decode_ahead"] = ahead;
    auto session = test::open_session(api_, model_, options);
    REQUIRE_MESSAGE(session.ok(), session.error().message);
    return std::move(*session);
  }

 private:
  test::TempFolder folder_;
  std::shared_ptr<const Model> model_;
  test::GpuApi api_;
};

struct Decoded {
  std::vector<int32_t> tokens;
  std::vector<StepTiming> steps;
};

/// A prompt of `length` tokens and `steps` decode steps after it.
Decoded decode(Session& session, uint32_t batch, uint32_t length, uint32_t steps) {
  std::vector<int32_t> prompt(batch * length), next(batch);
  for (size_t i = 0; i < prompt.size(); ++i) prompt[i] = static_cast<int32_t>(5 + 3 * i);
  StepTiming timing;
  session.reset();
  REQUIRE(session.forward(prompt, next, timing).ok());
  Decoded decoded;
  decoded.tokens = next;
  const auto done = session.decode(
      steps, next, [&](uint32_t step, std::span<const int32_t> tokens, const StepTiming& one) {
        CHECK(step == decoded.steps.size());
        decoded.tokens.insert(decoded.tokens.end(), tokens.begin(), tokens.end());
        decoded.steps.push_back(one);
      });
  REQUIRE_MESSAGE(done.ok(), done.error().message);
  CHECK(std::equal(next.begin(), next.end(), decoded.tokens.end() - batch));
  return decoded;
}

}  // namespace

TEST_SUITE_BEGIN("overhead");

TEST_CASE("Vulkan: one submission a token, and at most 50 us of the host's time beside waiting") {
  const Fixture fixture;
  if (!fixture.available()) return;
  for (const char* ahead : {"on", "off"}) {
    CAPTURE(std::string(ahead));
    const auto session = fixture.open(1, ahead);
    const Counting counting;
    const Decoded decoded = decode(*session, 1, 3, 100);
    CHECK(submissions == 101);
    CHECK(waits == 101);
    std::vector<uint64_t> host_ns;
    for (const StepTiming& step : decoded.steps) {
      CHECK(step.submissions == 1);
      REQUIRE(step.host_cpu_ns);
      host_ns.push_back(*step.host_cpu_ns);
      const uint64_t parts = step.transfer_ns.value_or(0) + step.dispatch_ns.value_or(0) +
                             step.execute_ns.value_or(0) + step.synchronize_ns.value_or(0);
      CHECK(parts <= step.wall_ns);
    }
    std::sort(host_ns.begin(), host_ns.end());
    MESSAGE("host beside waiting, median of 100 steps: " << host_ns[50] / 1000.0 << " us");
    CHECK(host_ns[50] > 0);
    CHECK(host_ns[50] <= 50'000);
  }
}

TEST_CASE("Vulkan: a step is submitted before the host has the previous one's token") {
  const Fixture fixture;
  if (!fixture.available()) return;
  for (uint32_t batch : {1u, 3u}) {
    CAPTURE(batch);
    const auto ahead = fixture.open(batch, "on"), after = fixture.open(batch, "off");
    std::vector<int32_t> tokens[2];
    {
      const Counting counting;
      tokens[0] = decode(*ahead, batch, 4, 40).tokens;
      CHECK(most_in_flight == 2);
    }
    {
      const Counting counting;
      tokens[1] = decode(*after, batch, 4, 40).tokens;
      CHECK(most_in_flight == 1);
    }
    CHECK(tokens[0] == tokens[1]);
    // A session goes on from where decode() left it, and again after a reset.
    CHECK(decode(*ahead, batch, 4, 40).tokens == tokens[0]);
    std::vector<int32_t> next[2];
    for (Session* session : {ahead.get(), after.get()}) {
      const size_t i = session == ahead.get() ? 0 : 1;
      next[i].assign(tokens[0].end() - batch, tokens[0].end());
      StepTiming timing;
      REQUIRE(session->forward(next[i], next[i], timing).ok());
    }
    CHECK(next[0] == next[1]);
  }
}

TEST_CASE("Vulkan: a decode beyond the KV cache is refused before anything is submitted") {
  const Fixture fixture;
  if (!fixture.available()) return;
  const auto session = fixture.open(1, "on");
  std::vector<int32_t> next = {7};
  const Counting counting;
  const auto done =
      session->decode(121, next, [](uint32_t, std::span<const int32_t>, const StepTiming&) {});
  REQUIRE_FALSE(done.ok());
  CHECK(done.error().code == ErrorCode::invalid_argument);
  CHECK(submissions == 0);
}

TEST_SUITE_END();

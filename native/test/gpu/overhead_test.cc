// What the host spends on a token beside waiting for the device.
#include <doctest/doctest.h>

#include <algorithm>
#include <ctime>

#include "test/gpu/api.h"
#include "test/gpu/decoder.h"

using namespace npb;
using test::Replaced;

namespace {

uint64_t submissions, waiting_ns;
PFN_vkQueueSubmit submit;
PFN_vkWaitForFences wait_for;

uint64_t thread_cpu_ns() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(time.tv_nsec);
}

}  // namespace

TEST_SUITE_BEGIN("overhead");

TEST_CASE("Vulkan: one submission a token, and at most 50 us of the host's time beside waiting") {
  test::TempFolder folder;
  auto model = test::load_tiny({}, folder);
  REQUIRE_MESSAGE(model.ok(), model.error().message);
  for (const test::GpuApi& api : test::gpu_apis()) {
    if (api.id != "vulkan") continue;
    auto session =
        test::open_session(api, *model, {.max_tokens = 120, .max_step_tokens = 4, .threads = 1});
    REQUIRE_MESSAGE(session.ok(), session.error().message);
    submit = vkQueueSubmit;
    wait_for = vkWaitForFences;
    const Replaced counted(
        vkQueueSubmit, +[](VkQueue queue, uint32_t count, const VkSubmitInfo* info, VkFence fence) {
          ++submissions;
          return submit(queue, count, info, fence);
        });
    const Replaced timed(
        vkWaitForFences, +[](VkDevice device, uint32_t count, const VkFence* fences, VkBool32 all,
                             uint64_t timeout) {
          const uint64_t begin = thread_cpu_ns();
          const VkResult result = wait_for(device, count, fences, all, timeout);
          waiting_ns += thread_cpu_ns() - begin;
          return result;
        });
    int32_t next = 1;
    std::vector<uint64_t> host_ns;
    for (int step = 0; step < 100; ++step) {
      StepTiming timing;
      submissions = waiting_ns = 0;
      const uint64_t begin = thread_cpu_ns();
      const auto done = (*session)->forward({&next, 1}, {&next, 1}, timing);
      host_ns.push_back(thread_cpu_ns() - begin - waiting_ns);
      REQUIRE_MESSAGE(done.ok(), done.error().message);
      CHECK(submissions == 1);
    }
    std::sort(host_ns.begin(), host_ns.end());
    MESSAGE("host beside waiting, median of 100 steps: " << host_ns[50] / 1000.0 << " us");
    CHECK(host_ns[50] <= 50'000);
  }
}

TEST_SUITE_END();

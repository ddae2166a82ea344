#include "core/clock.h"

#include <doctest/doctest.h>

#include <chrono>
#include <thread>

TEST_CASE("now_ns advances by what a sleep takes") {
  const uint64_t before_ns = npb::now_ns();
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  const uint64_t elapsed_ns = npb::now_ns() - before_ns;
  CHECK(elapsed_ns >= 20'000'000);
  CHECK(elapsed_ns < 5'000'000'000);
}

TEST_CASE("now_ns never goes back") {
  uint64_t last_ns = npb::now_ns();
  for (int i = 0; i < 10'000; ++i) {
    const uint64_t next_ns = npb::now_ns();
    REQUIRE(next_ns >= last_ns);
    last_ns = next_ns;
  }
}

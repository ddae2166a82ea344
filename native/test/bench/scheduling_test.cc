#include "bench/scheduling.h"

#include <doctest/doctest.h>

#include <thread>

using namespace npb;

#ifdef __linux__

TEST_CASE("threads that start after pinning run where they were told, others where they were") {
  const std::vector<uint32_t> before = allowed_cpus();
  REQUIRE_FALSE(before.empty());
  std::vector<uint32_t> pinned, inherited;
  std::thread([&] {
    const auto done = apply_scheduling({.cpus = {before.back()}, .niceness = std::nullopt});
    CHECK(done.ok());
    pinned = allowed_cpus();
    std::thread([&] { inherited = allowed_cpus(); }).join();
  }).join();
  CHECK(pinned == std::vector<uint32_t>{before.back()});
  CHECK(inherited == pinned);
  CHECK(allowed_cpus() == before);
}

TEST_CASE("processors that are not there are refused, and so is half of a list") {
  const std::vector<uint32_t> before = allowed_cpus();
  std::thread([&] {
    CHECK_FALSE(apply_scheduling({.cpus = {1023}, .niceness = std::nullopt}).ok());
    CHECK_FALSE(apply_scheduling({.cpus = {100000}, .niceness = std::nullopt}).ok());
    CHECK_FALSE(apply_scheduling({.cpus = {before[0], 1023}, .niceness = std::nullopt}).ok());
  }).join();
}

#endif

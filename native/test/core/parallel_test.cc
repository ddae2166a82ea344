#include "core/parallel.h"

#include <doctest/doctest.h>

#include <atomic>
#include <vector>

using namespace npb;

TEST_CASE("Every index is visited once, whatever the number of threads") {
  for (const unsigned threads : {0u, 1u, 2u, 7u}) {
    for (const size_t count : {size_t{0}, size_t{1}, size_t{5}, size_t{1000}}) {
      std::vector<std::atomic<int>> visits(count);
      parallel_for(count, threads, [&](size_t index) { ++visits[index]; });
      for (const auto& visit : visits) CHECK(visit == 1);
    }
  }
}

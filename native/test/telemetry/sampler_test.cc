#include "telemetry/sampler.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <thread>
#include <vector>

#include "core/clock.h"
#include "fake_tree.h"

using namespace npb;
using namespace npb::test;

namespace {

const Series* find(const Recording& recording, const std::string& quantity,
                   const std::string& source = "") {
  for (const Series& series : recording.series) {
    if (series.info.quantity == quantity && (source.empty() || series.info.source == source)) {
      return &series;
    }
  }
  return nullptr;
}

Recording record(const SamplerOptions& options, int milliseconds) {
  auto sampler = Sampler::open(options);
  sampler->start();
  std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
  return sampler->stop();
}

}  // namespace

TEST_CASE("times rise, lie inside the recording, and its ends are covered") {
  const uint64_t before = now_ns();
  const Recording recording = record({}, 100);
  CHECK(recording.begin_ns >= before);
  CHECK(recording.end_ns <= now_ns());
  CHECK(recording.ticks >= 1);
  CHECK(recording.sampler_cpu_ns > 0);
  CHECK_FALSE(recording.fake_roots);
  REQUIRE_FALSE(recording.series.empty());
  for (const Series& series : recording.series) {
    REQUIRE(series.t_ns.size() == series.values.size());
    for (size_t i = 1; i < series.t_ns.size(); ++i) CHECK(series.t_ns[i] >= series.t_ns[i - 1]);
  }
#ifndef _WIN32
  const Series* memory = find(recording, "memory_rss_bytes");
  REQUIRE(memory != nullptr);
  CHECK(memory->t_ns.front() >= recording.begin_ns);
  CHECK(memory->t_ns.front() - recording.begin_ns < 50'000'000);
  CHECK(recording.end_ns - memory->t_ns.back() < 50'000'000);
#endif
}

#ifdef __linux__
TEST_CASE("resident memory follows an allocation, and the high-water mark keeps it") {
  auto sampler = Sampler::open({});
  sampler->start();
  constexpr size_t kBytes = 64 << 20;
  {
    std::vector<char> block(kBytes, 1);
    std::this_thread::sleep_for(std::chrono::milliseconds(60));
    CHECK(block[kBytes / 2] == 1);
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(30));
  const Recording recording = sampler->stop();
  const Series* rss = find(recording, "memory_rss_bytes");
  REQUIRE(rss != nullptr);
  const double highest = *std::max_element(rss->values.begin(), rss->values.end());
  CHECK(highest - rss->values.front() > 0.9 * kBytes);
  const Series* peak = find(recording, "memory_rss_peak_bytes");
  REQUIRE(peak != nullptr);
  CHECK(peak->values.back() >= 0.95 * highest);
}
#endif

TEST_CASE("a slow sensor is read at its own pace") {
  FakeTree tree;
  build_dragonwing_board(tree);
  SamplerOptions options;
  options.period_ns = 5'000'000;
  options.roots = tree.roots();
  const Recording recording = record(options, 350);
  CHECK(recording.fake_roots);
  const Series* input = find(recording, "power_uw", "hwmon:hwmon0");
  REQUIRE(input != nullptr);
  CHECK(input->info.period_ns == 100'000'000);
  CHECK(input->values.size() >= 2);  // first and last look
  CHECK(input->values.size() <= 6);
}

TEST_CASE("a counter that changes rarely is read less and less") {
  FakeTree tree;
  tree.write(
      "sys/class/powercap/intel-rapl:0",
      {{"name", "package-0"}, {"energy_uj", "1000"}, {"max_energy_range_uj", "262143328850"}});
  SamplerOptions options;
  options.period_ns = 1'000'000;
  options.roots = tree.roots();
  auto sampler = Sampler::open(options);
  sampler->start();
  for (int i = 1; i <= 20; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(40));
    tree.write("sys/class/powercap/intel-rapl:0/energy_uj", std::to_string(1000 + 1000 * i));
  }
  const Recording recording = sampler->stop();
  const Series* energy = find(recording, "energy_uj");
  REQUIRE(energy != nullptr);
  CHECK(energy->info.period_ns > 3'000'000);
  CHECK(energy->info.period_ns <= 40'000'000);
  CHECK(energy->values.back() == doctest::Approx(20'000));
}

TEST_CASE("a sampler can record again, and end without being stopped") {
  auto sampler = Sampler::open({});
  for (int i = 0; i < 3; ++i) {
    sampler->start();
    std::this_thread::sleep_for(std::chrono::milliseconds(15));
    CHECK_FALSE(sampler->stop().series.empty());
  }
  sampler->start();
  sampler.reset();
}

TEST_CASE("a recording longer than its capacity is thinned out, not cut off") {
  SamplerOptions options;
  options.period_ns = 1'000'000;
  options.capacity_ns = 20'000'000;
  const Recording recording = record(options, 300);
  const Series* memory = find(recording, "memory_rss_bytes");
  REQUIRE(memory != nullptr);
  CHECK(memory->values.size() <= 36);
  CHECK(recording.end_ns - memory->t_ns.back() < 100'000'000);
  CHECK(memory->info.note.find("thinned") != std::string::npos);
}

#ifdef __linux__
TEST_CASE("how long the sampler itself waited for a processor is a counter of its own thread") {
  const Recording recording = record({}, 60);
  const Series* waiting = find(recording, "sampler_wait_ns");
  REQUIRE(waiting != nullptr);
  CHECK(waiting->info.counter);
  REQUIRE(waiting->values.size() >= 2);
  for (size_t i = 1; i < waiting->values.size(); ++i) {
    CHECK(waiting->values[i] >= waiting->values[i - 1]);
  }
  // A thread that was made for this recording can't have waited longer than it has existed.
  CHECK(waiting->values.back() <= static_cast<double>(now_ns() - recording.begin_ns));
}
#endif

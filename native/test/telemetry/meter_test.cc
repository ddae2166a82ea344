#include <doctest/doctest.h>

#include <chrono>
#include <thread>

#include "core/clock.h"
#include "fake_tree.h"
#include "telemetry/sources.h"

using namespace npb;
using namespace npb::test;

#ifndef _WIN32

TEST_CASE("an external meter is put on our clock and makes the total") {
  FakeTree tree;
  build_x86_laptop(tree);
  SamplerOptions options;
  options.roots = tree.roots();
  // Its own clock starts at 1000 s; the second and third line are no readings.
  options.meter_command =
      "echo '1000.0 2.5'; echo nonsense; echo '5'; sleep 0.1; echo '1000.1, 3.5'; sleep 0.1; "
      "printf '1000.2 4.5\\n'; sleep 5";
  auto sampler = Sampler::open(options);
  const uint64_t before = now_ns();
  sampler->start();
  std::this_thread::sleep_for(std::chrono::milliseconds(400));
  const Recording recording = sampler->stop();
  const uint64_t after = now_ns();
  size_t totals = 0;
  for (const Series& series : recording.series) {
    totals += series.info.in_total;
    if (series.info.source != "meter") continue;
    CHECK(series.values == std::vector<double>{2.5e6, 3.5e6, 4.5e6});
    CHECK(series.t_ns.front() >= before - 1'000'000'000);
    CHECK(series.t_ns.back() <= after);
    CHECK(series.t_ns.back() - series.t_ns.front() == 200'000'000);
  }
  CHECK(totals == 1);
  CHECK(after - before < 3'000'000'000);  // the meter was ended, not waited for
}

TEST_CASE("a meter that prints nothing gives no series") {
  SamplerOptions options;
  options.meter_command = "exit 1";
  auto sampler = Sampler::open(options);
  sampler->start();
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  for (const Series& series : sampler->stop().series) CHECK(series.info.source != "meter");
}

#endif

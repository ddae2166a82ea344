#include <doctest/doctest.h>

#include <chrono>
#include <thread>

#include "fake_tree.h"
#include "telemetry/sources.h"

using namespace npb;
using namespace npb::test;

TEST_CASE("kgsl: gpubusy is a window, not a counter, and no window is no reading") {
  FakeTree tree;
  build_android_phone(tree);
  Found found = find_kgsl(tree.sys());
  Watched watched(source_labelled(found, "gpubusy"));
  watched.look();
  CHECK(watched.last() == doctest::Approx(0.37));
  tree.write("sys/class/kgsl/kgsl-3d0/gpubusy", "      0       0");
  watched.look();
  CHECK(watched.count() == 1);
  Watched clock(source_labelled(found, "gpuclk"));
  clock.look();
  CHECK(clock.last() == 680e6);
}

TEST_CASE("kgsl: the percentage stands in where the pair is missing") {
  FakeTree tree;
  build_dragonwing_board(tree);
  Found found = find_kgsl(tree.sys());
  Watched watched(source_labelled(found, "gpu_busy_percentage"));
  watched.look();
  CHECK(watched.last() == doctest::Approx(0.12));
}

TEST_CASE("devfreq: known devices only") {
  FakeTree tree;
  build_snapdragon_laptop(tree);
  Found found = find_devfreq(tree.sys());
  REQUIRE(found.sources.size() == 2);
  CHECK(found.sources[0]->channels[0].component == "gpu");
}

TEST_CASE("DRM clients: each once, busy share and mean clock from differences") {
  FakeTree tree;
  build_snapdragon_laptop(tree);
  Found found = find_fdinfo(tree.proc());
  REQUIRE(found.sources.size() == 1);
  Watched watched(*found.sources[0]);
  watched.look();
  CHECK(watched.last(2) == 2048 * 1024);  // two descriptors, one client
  CHECK(watched.last(3) == 4096);         // two descriptors, one buffer
  CHECK(watched.count(0) == 0);           // no share before there is a difference
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  for (const char* descriptor : {"5", "6"}) {
    tree.write(std::string("proc/self/fdinfo/") + descriptor,
               "drm-driver:\tmsm\ndrm-client-id:\t7\ndrm-engine-gpu:\t1005000000 ns\n"
               "drm-cycles-gpu:\t1106000000\ndrm-resident-memory:\t2048 KiB");
  }
  watched.look();
  REQUIRE(watched.count(0) == 1);
  CHECK(watched.last(0) > 0.001);
  CHECK(watched.last(0) <= 0.25);                    // 5 ms of at least 20
  CHECK(watched.last(1) == doctest::Approx(1.2e9));  // 6 million cycles in 5 ms
}

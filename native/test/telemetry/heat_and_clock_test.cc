#include <doctest/doctest.h>

#include "fake_tree.h"
#include "telemetry/sources.h"

using namespace npb;
using namespace npb::test;

namespace {

std::optional<double> temperature(Found& found, const std::string& label) {
  Watched watched(source_labelled(found, label));
  watched.look();
  if (watched.count() == 0) return std::nullopt;
  return watched.last();
}

}  // namespace

TEST_CASE("temperatures in m°C, 0.1 °C and °C; a sleeping block has none") {
  FakeTree tree;
  build_android_phone(tree);
  Found found = find_thermal(tree.sys());
  CHECK(temperature(found, "cpu-1-0-0").value() == 61'200);
  CHECK(temperature(found, "battery").value() == 31'200);
  CHECK(temperature(found, "sys-therm-0").value() == 39'000);
  CHECK_FALSE(temperature(found, "nsphmx-1").has_value());
  CHECK(source_labelled(found, "nsphvx-0").channels[0].component == "npu");
}

TEST_CASE("a zone keeps its unit once it has been seen") {
  FakeTree tree;
  tree.write("sys/class/thermal/thermal_zone0", {{"type", "cpu0-thermal"}, {"temp", "25000"}});
  Found found = find_thermal(tree.sys());
  Watched watched(source_labelled(found, "cpu0-thermal"));
  watched.look();
  tree.write("sys/class/thermal/thermal_zone0/temp", "900");  // 0.9 °C, not 90 °C
  watched.look();
  CHECK(watched.last() == 900);
  for (const char* asleep : {"0", "-273000", "-273", "-274000"}) {
    tree.write("sys/class/thermal/thermal_zone0/temp", asleep);
    watched.look();
  }
  CHECK(watched.count() == 2);
}

TEST_CASE("cooling devices that slow the workload, with their depth; no fan, no back-light") {
  FakeTree tree;
  build_android_phone(tree);
  Found found = find_thermal(tree.sys());
  Source& cpu = source_labelled(found, "thermal-cpufreq-7");
  CHECK(cpu.channels[0].quantity == "throttle_level");
  CHECK(cpu.channels[0].hardware_limit == 12);
  Watched watched(cpu);
  watched.look();
  CHECK(watched.last() == 3);
  for (const auto& source : found.sources) {
    CHECK(source->channels[0].label != "panel0-backlight");
  }
}

TEST_CASE("an inactive powerclamp says -1, which is no state") {
  FakeTree tree;
  build_x86_laptop(tree);
  Found found = find_thermal(tree.sys());
  Watched watched(source_labelled(found, "intel_powerclamp"));
  watched.look();
  CHECK(watched.count() == 0);
}

TEST_CASE("clusters with clock, limit and the hardware's maximum in Hz") {
  FakeTree tree;
  build_android_phone(tree);
  Found found = find_cpufreq(tree.sys());
  REQUIRE(found.sources.size() == 6);
  Source& limit = *found.sources[5];
  CHECK(limit.channels[0].source == "cpufreq:policy7");
  CHECK(limit.channels[0].quantity == "frequency_limit_hz");
  CHECK(limit.channels[0].hardware_limit == 3'302'400'000.0);
  Watched watched(limit);
  watched.look();
  CHECK(watched.last() == 2'438'400'000.0);
  CHECK(found.sources[4]->channels[0].note.find("requested") != std::string::npos);
}

TEST_CASE("the measured average clock is preferred to the requested one") {
  FakeTree tree;
  build_android_phone(tree);
  tree.write("sys/devices/system/cpu/cpufreq/policy0/cpuinfo_avg_freq", "1804800");
  Found found = find_cpufreq(tree.sys());
  Watched watched(*found.sources.at(0));
  watched.look();
  CHECK(watched.last() == 1'804'800'000.0);
  CHECK(found.sources[0]->channels[0].note == "measured average");
}

TEST_CASE("hundreds of policies are sampled, not all read") {
  FakeTree tree;
  for (int cpu = 0; cpu < 96; ++cpu) {
    tree.write("sys/devices/system/cpu/cpufreq/policy" + std::to_string(cpu),
               {{"related_cpus", std::to_string(cpu)}, {"scaling_cur_freq", "2000000"}});
  }
  CHECK(find_cpufreq(tree.sys()).sources.size() == 16);
}

TEST_CASE("a machine without zones or clocks says so") {
  FakeTree tree;
  build_bare_vm(tree);
  CHECK(find_thermal(tree.sys()).missing.at(0).metric == "temperature");
  CHECK(find_cpufreq(tree.sys()).missing.at(0).metric == "cpu_frequency");
}

TEST_CASE("time held by a processor quota, of the group that the process is in") {
  FakeTree tree;
  tree.write("proc/self/cgroup", "0::/work/job");
  tree.write("sys/fs/cgroup/work/job/cpu.stat",
             "usage_usec 5\nnr_throttled 3\nthrottled_usec 41000");
  tree.write("sys/fs/cgroup/cpu.stat", "throttled_usec 99");
  Found found = find_quota(tree.sys(), tree.proc());
  REQUIRE(found.sources.size() == 1);
  Watched watched(*found.sources[0]);
  watched.look();
  CHECK(watched.last() == 41'000);
  tree.write("proc/self/cgroup", "4:cpu,cpuacct:/old");
  tree.write("sys/fs/cgroup/cpu,cpuacct/old/cpu.stat", "nr_throttled 1\nthrottled_time 7000000");
  Found old = find_quota(tree.sys(), tree.proc());
  REQUIRE(old.sources.size() == 1);
  Watched second(*old.sources[0]);
  second.look();
  CHECK(second.last() == 7'000);
  tree.write("proc/self/cgroup", "0::/../../etc");
  CHECK(find_quota(tree.sys(), tree.proc()).sources.empty());
}

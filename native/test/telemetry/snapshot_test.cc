#include <doctest/doctest.h>

#include <algorithm>

#include "fake_tree.h"
#include "telemetry/machine.h"
#include "telemetry/sampler.h"

using namespace npb;
using namespace npb::test;

namespace {

std::optional<double> number(const Snapshot& snapshot, const std::string& key) {
  for (const auto& [name, value] : snapshot.numbers) {
    if (name == key) return value;
  }
  return std::nullopt;
}

std::string text(const Snapshot& snapshot, const std::string& key) {
  for (const auto& [name, value] : snapshot.texts) {
    if (name == key) return value;
  }
  return "";
}

}  // namespace

TEST_CASE("a phone's snapshot: governor, limits, heat, battery, pressure") {
  FakeTree tree;
  build_android_phone(tree);
  const Snapshot snapshot = take_snapshot(tree.roots());
  CHECK(text(snapshot, "governor.policy7") == "walt");
  CHECK(number(snapshot, "frequency_limit_hz.policy7") == 2'438'400'000.0);
  CHECK(number(snapshot, "frequency_maximum_hz.policy7") == 3'302'400'000.0);
  CHECK(number(snapshot, "temperature_mc.npu.nsphvx-0") == 52'300);
  CHECK_FALSE(number(snapshot, "temperature_mc.npu.nsphmx-1").has_value());
  CHECK(number(snapshot, "throttle_level.thermal-cpufreq-7.0") == 3);
  CHECK(text(snapshot, "power_source") == "battery");
  CHECK(number(snapshot, "battery_capacity_percent.battery") == 81);
  CHECK(number(snapshot, "battery_temperature_mc.battery") == 31'200);
  CHECK(number(snapshot, "pressure_memory_avg10_percent") == 1.5);
  CHECK(number(snapshot, "swap_used_bytes") == 1'000'000.0 * 1024);
  CHECK(number(snapshot, "system_major_faults") == 33);
  CHECK(text(snapshot, "soc.machine") == "SM8650");
  CHECK(text(snapshot, "virtual_machine") == "no");
  CHECK(number(snapshot, "aslr") == 2);
  CHECK_FALSE(number(snapshot, "turbo_enabled").has_value());
}

TEST_CASE("a passive trip point is told, a critical one isn't") {
  FakeTree tree;
  build_snapdragon_laptop(tree);
  CHECK(number(take_snapshot(tree.roots()), "passive_trip_mc.npu.nsp0-thermal") == 95'000);
}

TEST_CASE("load of others and steal are shares of the time since the snapshot before") {
  FakeTree tree;
  build_bare_vm(tree);
  const Snapshot first = take_snapshot(tree.roots());
  CHECK_FALSE(number(first, "others_cpu_percent").has_value());
  CHECK(text(first, "virtual_machine") == "hypervisor flag of the processor");
  CHECK(text(first, "power_source").empty());
  // Much more time than has passed: the shares are large, but they must be there.
  tree.write("proc/stat",
             "cpu  2000 0 500 51000 10 0 5 500 0 0\ncpu0 1 0 0 0 0 0 0 0 0 0\n"
             "cpu1 1 0 0 0 0 0 0 0 0 0");
  const Snapshot second = take_snapshot(tree.roots());
  CHECK(number(second, "others_cpu_percent").value() > 0);
  CHECK(number(second, "steal_percent").value() > 0);
  CHECK(number(second, "logical_cpus") == 2);
}

TEST_CASE("machine times: busy without idle, waiting and steal; guest time counted once") {
  const auto times = parse_machine_times(
      "cpu  100 10 50 1000 200 5 6 77 100 0\ncpu0 1 1 1 1\ncpu1 1 1 1 1\nintr 9", 1e7);
  REQUIRE(times.has_value());
  CHECK(times->busy_ns == doctest::Approx((100 + 10 + 50 + 5 + 6) * 1e7));
  CHECK(times->steal_ns == doctest::Approx(77e7));
  CHECK(times->cpus == 2);
  CHECK_FALSE(parse_machine_times("intr 5", 1e7).has_value());
}

TEST_CASE("turbo: both conventions") {
  FakeTree tree;
  build_x86_laptop(tree);
  CHECK(number(take_snapshot(tree.roots()), "turbo_enabled") == 1);
  tree.write("sys/devices/system/cpu/intel_pstate/no_turbo", "1");
  CHECK(number(take_snapshot(tree.roots()), "turbo_enabled") == 0);
}

TEST_CASE("the busiest other process is named; a reused number starts anew") {
  FakeTree tree;
  build_bare_vm(tree);
  const auto process = [](const std::string& name, int ticks, int start) {
    return "77 (" + name + ") R 1 1 1 0 -1 0 0 0 0 0 " + std::to_string(ticks) +
           " 0 0 0 20 0 1 0 " + std::to_string(start) + " 0 0";
  };
  tree.write("proc/70/stat", process("quiet", 5, 100));
  tree.write("proc/77/stat", process("spin (x) y", 1000, 200));
  tree.write("proc/78/stat", process("old", 90000, 300));
  CHECK(text(take_snapshot(tree.roots()), "busiest_other_process").empty());
  tree.write("proc/77/stat", process("spin (x) y", 2000, 200));
  tree.write("proc/78/stat", process("new", 10, 400));
  const Snapshot snapshot = take_snapshot(tree.roots());
  CHECK(text(snapshot, "busiest_other_process") == "spin (x) y (77)");
  CHECK(number(snapshot, "busiest_other_cores").value() > 0.1);
}

TEST_CASE("the screen is on, off, or not told") {
  FakeTree tree;
  CHECK(text(take_snapshot(tree.roots()), "screen").empty());
  tree.write("sys/class/backlight/panel0-backlight/brightness", "120");
  tree.write("sys/class/backlight/panel0-backlight/bl_power", "0");
  CHECK(text(take_snapshot(tree.roots()), "screen") == "on");
  tree.write("sys/class/backlight/panel0-backlight/bl_power", "4");
  CHECK(text(take_snapshot(tree.roots()), "screen") == "off");
  tree.write("sys/class/leds/lcd-backlight/brightness", "80");
  CHECK(text(take_snapshot(tree.roots()), "screen") == "on");

  FakeTree panel;
  panel.write("sys/class/drm/card0-DSI-1/dpms", "Off");
  panel.write("sys/class/drm/card0-HDMI-A-1/dpms", "On");
  CHECK(text(take_snapshot(panel.roots()), "screen") == "off");
}

// Six systems, each through the sampler as a whole.
#include <doctest/doctest.h>

#include <chrono>
#include <set>
#include <thread>

#include "fake_tree.h"

using namespace npb;
using namespace npb::test;

namespace {

Recording record(void (*build)(FakeTree&)) {
  FakeTree tree;
  build(tree);
  SamplerOptions options;
  options.roots = tree.roots();
  auto sampler = Sampler::open(options);
  sampler->start();
  std::this_thread::sleep_for(std::chrono::milliseconds(30));
  return sampler->stop();
}

std::set<std::string> totals(const Recording& recording) {
  std::set<std::string> labels;
  for (const Series& series : recording.series) {
    if (series.info.in_total) labels.insert(series.info.source + " " + series.info.label);
  }
  return labels;
}

bool is_missing(const Recording& recording, const std::string& metric) {
  for (const MissingSource& missing : recording.missing) {
    if (missing.metric == metric) return true;
  }
  return false;
}

double first_power_w(const Recording& recording) {
  for (const Series& series : recording.series) {
    if (series.info.in_total && series.info.quantity == "power_uw") return series.values[0] * 1e-6;
  }
  return -1;
}

using Names = std::set<std::string>;

}  // namespace

TEST_CASE("Android phone: the battery is the total") {
  const Recording recording = record(build_android_phone);
  CHECK(totals(recording) == Names{"power_supply:battery load"});
  CHECK(first_power_w(recording) == doctest::Approx(5.0));
  CHECK_FALSE(is_missing(recording, "power"));
  CHECK_FALSE(is_missing(recording, "temperature"));
}

TEST_CASE("Pixel: the rails are the total, not the charging battery") {
  CHECK(totals(record(build_pixel_phone)) ==
        Names{"iio:iio:device0 S1M_VDD_MIF", "iio:iio:device0 S2M_VDD_CPUCL2",
              "iio:iio:device0 S5M_VDD_INT", "iio:iio:device1 S2S_VDD_G3D",
              "iio:iio:device1 S4S_VDD_TPU"});
}

TEST_CASE("Snapdragon laptop: battmgr is the total, once") {
  const Recording recording = record(build_snapdragon_laptop);
  CHECK(totals(recording) == Names{"power_supply:qcom-battmgr-bat load"});
  CHECK(first_power_w(recording) == doctest::Approx(12.5));
}

TEST_CASE("Dragonwing board: the input rail is the total") {
  const Recording recording = record(build_dragonwing_board);
  CHECK(totals(recording) == Names{"hwmon:hwmon0 VDD_IN"});
  CHECK(first_power_w(recording) == doctest::Approx(7.5));
}

TEST_CASE("x86 laptop: package and memory are the total, the batteries are shown beside it") {
  const Recording recording = record(build_x86_laptop);
  CHECK(totals(recording) ==
        Names{"powercap:intel-rapl:0 package-0", "powercap:intel-rapl:0:2 dram"});
  bool battery = false;
  for (const Series& series : recording.series) battery |= series.info.label == "BAT1";
  CHECK(battery);
}

TEST_CASE("bare VM: nothing is invented") {
  const Recording recording = record(build_bare_vm);
  CHECK(totals(recording).empty());
  CHECK(is_missing(recording, "power"));
  CHECK(is_missing(recording, "temperature"));
  for (const Series& series : recording.series) {
    CHECK(series.info.quantity != "power_uw");
    CHECK(series.info.quantity != "temperature_mc");
  }
}

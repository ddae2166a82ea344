// Energy counters and power sensors: powercap, hwmon, IIO rails.
#include <doctest/doctest.h>

#include "fake_tree.h"
#include "telemetry/sources.h"

using namespace npb;
using namespace npb::test;

TEST_CASE("a wrapping energy counter goes on counting") {
  FakeTree tree;
  build_x86_laptop(tree);
  Found found = find_powercap(tree.sys());
  Watched watched(source_labelled(found, "package-0"));
  watched.look();
  CHECK(watched.last() == 0);
  // 328 850 µJ to the end of the range, and 100 000 beyond it.
  tree.write("sys/class/powercap/intel-rapl:0/energy_uj", "100000");
  watched.look();
  CHECK(watched.last() == doctest::Approx(428'850));
  tree.write("sys/class/powercap/intel-rapl:0/energy_uj", "150000");
  watched.look();
  CHECK(watched.last() == doctest::Approx(478'850));
}

TEST_CASE("a counter that was reset adds nothing") {
  FakeTree tree;
  tree.write("sys/class/powercap/intel-rapl:0", {{"name", "package-0"},
                                                 {"energy_uj", "100000000000"},
                                                 {"max_energy_range_uj", "262143328850"}});
  Found found = find_powercap(tree.sys());
  Watched watched(*found.sources.at(0));
  watched.look();
  tree.write("sys/class/powercap/intel-rapl:0/energy_uj", "0");  // would be 162 kJ at once
  watched.look();
  CHECK(watched.last() == 0);
  tree.write("sys/class/powercap/intel-rapl:0/energy_uj", "7000");
  watched.look();
  CHECK(watched.last() == doctest::Approx(7000));
}

TEST_CASE("packages and memory make the total; parts, platform and the mmio twin don't") {
  FakeTree tree;
  build_x86_laptop(tree);
  Found found = find_powercap(tree.sys());
  std::vector<std::string> total, rest;
  for (const auto& source : found.sources) {
    (source->channels[0].in_total ? total : rest).push_back(source->channels[0].label);
  }
  CHECK(total == std::vector<std::string>{"package-0", "dram"});
  CHECK(rest == std::vector<std::string>{"core", "uncore", "psys"});
}

TEST_CASE("a counter that may not be read is explained") {
  FakeTree tree;
  // A folder in the file's place refuses reading to root, too.
  tree.write("sys/class/powercap/intel-rapl:0/name", "package-0");
  Found found = find_powercap(tree.sys());
  choose_total(found);
  CHECK(found.sources.empty());
  REQUIRE(found.missing.size() == 2);
  CHECK(found.missing[0].metric == "energy_counter");
  CHECK(found.missing[0].reason.find("intel-rapl:0/energy_uj: No such file") != std::string::npos);
  CHECK(found.missing[1].metric == "power");
  CHECK(found.missing[1].remedy.find("chmod a+r") != std::string::npos);
}

TEST_CASE("hwmon: the input rail is the total, the rails behind it are parts") {
  FakeTree tree;
  build_dragonwing_board(tree);
  Found found = find_hwmon(tree.sys());
  REQUIRE(found.sources.size() == 3);
  Source& input = source_labelled(found, "VDD_IN");
  CHECK(input.channels[0].in_total);
  CHECK(input.floor_ns == 100 * kMillisecond);
  Watched watched_input(input);
  watched_input.look();
  CHECK(watched_input.last() == 7'500'000);
  Source& nsp = source_labelled(found, "VDD_NSP");
  CHECK_FALSE(nsp.channels[0].in_total);
  CHECK(nsp.channels[0].component == "npu");
  Watched watched_nsp(nsp);
  watched_nsp.look();
  CHECK(watched_nsp.last() == doctest::Approx(900'000));  // 0.75 V × 1.2 A
}

TEST_CASE("hwmon: without an input rail the rails add up") {
  FakeTree tree;
  tree.write("sys/class/hwmon/hwmon0", {{"name", "ina3221"},
                                        {"in1_label", "VDD_CPU"},
                                        {"in1_input", "800"},
                                        {"curr1_input", "1000"},
                                        {"in2_label", "VDD_GPU"},
                                        {"in2_input", "900"},
                                        {"curr2_input", "1000"}});
  Found found = find_hwmon(tree.sys());
  choose_total(found);
  REQUIRE(found.sources.size() == 2);
  for (const auto& source : found.sources) CHECK(source->channels[0].in_total);
  CHECK(found.missing.empty());
}

TEST_CASE("RAPL shown a second time by hwmon isn't added to itself") {
  FakeTree tree;
  build_x86_laptop(tree);
  tree.write("sys/class/hwmon/hwmon3",
             {{"name", "amd_energy"}, {"energy1_input", "5000000"}, {"energy1_label", "Esocket0"}});
  Found found = find_powercap(tree.sys());
  for (auto& source : find_hwmon(tree.sys()).sources) found.sources.push_back(std::move(source));
  choose_total(found);
  CHECK_FALSE(source_labelled(found, "Esocket0").channels[0].in_total);
  CHECK(source_labelled(found, "package-0").channels[0].in_total);
}

TEST_CASE("a battery's twin under hwmon is left out") {
  FakeTree tree;
  build_snapdragon_laptop(tree);
  CHECK(find_hwmon(tree.sys()).sources.empty());
}

TEST_CASE("IIO rails: one counter per rail, both devices, with the components of their names") {
  FakeTree tree;
  build_pixel_phone(tree);
  Found found = find_iio_rails(tree.sys());
  REQUIRE(found.sources.size() == 2);
  Source& main = *found.sources[0];
  REQUIRE(main.channels.size() == 3);
  CHECK(main.channels[0].component == "memory");
  CHECK(main.channels[1].component == "cpu");
  CHECK(found.sources[1]->channels[0].component == "gpu");
  CHECK(found.sources[1]->channels[1].component == "npu");
  Watched watched(main);
  watched.look();
  CHECK(watched.last(1) == 0);
  // The monitor's clock decides what is new: the same stamp is the same measurement.
  tree.write("sys/bus/iio/devices/iio:device0/energy_value",
             "t=2000\nCH0(T=2000)[S1M_VDD_MIF], 1400000\nCH1(T=2000)[S2M_VDD_CPUCL2], "
             "3500000\nCH2(T=2000)[S5M_VDD_INT], 600000");
  watched.look();
  CHECK(watched.last(0) == 400'000);
  CHECK(watched.last(1) == 1'500'000);
  CHECK(watched.last(2) == 100'000);
  CHECK(watched.count(1) == 2);
}

TEST_CASE("IIO rails: a rail that a reading leaves out gets no value from its neighbour") {
  FakeTree tree;
  build_pixel_phone(tree);
  Found found = find_iio_rails(tree.sys());
  Watched watched(*found.sources.at(0));
  watched.look();
  tree.write("sys/bus/iio/devices/iio:device0/energy_value",
             "t=2000\nCH0(T=2000)[S1M_VDD_MIF], 1100000\nCH2(T=2000)[S5M_VDD_INT], 550000");
  watched.look();
  CHECK(watched.count(1) == 1);
  CHECK(watched.last(2) == 50'000);
}

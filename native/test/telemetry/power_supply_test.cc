#include <doctest/doctest.h>

#include "fake_tree.h"
#include "telemetry/sources.h"

using namespace npb;
using namespace npb::test;

namespace {

constexpr const char* kBattery = "sys/class/power_supply/battery";

/// One battery with the given state, current (µA or mA) and 4 V; its load and its own power in W.
struct Reading {
  std::optional<double> load_w, battery_w;
  std::string note;
};

Reading read_battery(const std::map<std::string, std::string>& files,
                     const std::map<std::string, std::string>& charger = {}) {
  FakeTree tree;
  tree.write(kBattery, {{"type", "Battery"}});
  tree.write(kBattery, files);
  if (!charger.empty()) tree.write("sys/class/power_supply/usb", charger);
  Found found = find_power_supplies(tree.sys());
  REQUIRE(found.sources.size() == 1);
  Watched watched(*found.sources[0]);
  watched.look();
  watched.end();
  Reading reading;
  if (watched.count(0) > 0) reading.load_w = watched.last(0) * 1e-6;
  if (watched.count(1) > 0) reading.battery_w = watched.last(1) * 1e-6;
  reading.note = found.sources[0]->channels[1].note;
  return reading;
}

}  // namespace

TEST_CASE("the state decides the sign, whatever the driver's sign is") {
  for (const char* current : {"1250000", "-1250000"}) {
    const Reading reading = read_battery(
        {{"status", "Discharging"}, {"current_now", current}, {"voltage_now", "4000000"}});
    CHECK(reading.load_w.value() == doctest::Approx(5.0));
    CHECK(reading.battery_w.value() == doctest::Approx(5.0));
  }
}

TEST_CASE("a current in mA and a voltage in mV are recognised by magnitude") {
  const Reading reading =
      read_battery({{"status", "Discharging"}, {"current_now", "-1250"}, {"voltage_now", "4000"}});
  CHECK(reading.load_w.value() == doctest::Approx(5.0));
  CHECK(reading.note.find("mA") != std::string::npos);
}

TEST_CASE("mainline battmgr: power_now, negative while discharging, wins over current") {
  FakeTree tree;
  build_snapdragon_laptop(tree);
  Found found = find_power_supplies(tree.sys());
  REQUIRE(found.sources.size() == 1);
  Watched watched(*found.sources[0]);
  watched.look();
  CHECK(watched.last(0) == 12'500'000);
  CHECK(found.sources[0]->channels[0].in_total);
}

TEST_CASE("a charging battery is not the load") {
  const Reading reading =
      read_battery({{"status", "Charging"}, {"current_now", "800000"}, {"voltage_now", "4000000"}},
                   {{"type", "USB"}, {"online", "1"}});
  CHECK_FALSE(reading.load_w.has_value());
  CHECK(reading.battery_w.value() == doctest::Approx(-3.2));
  CHECK(reading.note.find("not the load") != std::string::npos);
}

TEST_CASE("with the charger's own figures the load is input minus charging") {
  const Reading reading =
      read_battery({{"status", "Charging"}, {"current_now", "800000"}, {"voltage_now", "4000000"}},
                   {{"type", "USB_PD"},
                    {"online", "1"},
                    {"current_now", "1500000"},
                    {"voltage_now", "9000000"}});
  CHECK(reading.load_w.value() == doctest::Approx(13.5 - 3.2));
}

TEST_CASE("a full battery on the mains gives no load, not zero") {
  const Reading reading =
      read_battery({{"status", "Full"}, {"current_now", "0"}, {"voltage_now", "4200000"}},
                   {{"type", "Mains"}, {"online", "1"}});
  CHECK_FALSE(reading.load_w.has_value());
}

TEST_CASE("a file without data is no value") {
  const Reading reading =
      read_battery({{"status", "Discharging"}, {"current_now", ""}, {"voltage_now", "4000000"}});
  CHECK_FALSE(reading.load_w.has_value());
  CHECK_FALSE(reading.battery_w.has_value());
}

TEST_CASE("several batteries add up, and a pen's doesn't") {
  FakeTree tree;
  build_x86_laptop(tree);
  tree.write("sys/class/power_supply/pen",
             {{"type", "Battery"}, {"scope", "Device"}, {"power_now", "500000"}});
  Found found = find_power_supplies(tree.sys());
  REQUIRE(found.sources.size() == 1);
  REQUIRE(found.sources[0]->channels.size() == 3);
  Watched watched(*found.sources[0]);
  watched.look();
  CHECK(watched.last(0) == 18'000'000);
  CHECK(found.sources[0]->channels[0].source == "power_supply:BAT0+BAT1");
}

TEST_CASE("plugging the charger in during a recording stops the load from being told") {
  FakeTree tree;
  build_snapdragon_laptop(tree);
  Found found = find_power_supplies(tree.sys());
  Watched watched(*found.sources.at(0));
  watched.look();
  CHECK(watched.count(0) == 1);
  tree.write("sys/class/power_supply/qcom-battmgr-bat/status", "Charging");
  tree.write("sys/class/power_supply/qcom-battmgr-ac/online", "1");
  Watched again(*found.sources.at(0));  // the state is looked up anew
  again.look();
  CHECK(again.count(0) == 0);
}

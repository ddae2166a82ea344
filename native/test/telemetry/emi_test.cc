#include "telemetry/emi.h"

#include <doctest/doctest.h>

#include <cstring>

namespace npb {
namespace {

void add_u16(std::vector<char>& bytes, uint16_t value) {
  bytes.push_back(static_cast<char>(value & 0xff));
  bytes.push_back(static_cast<char>(value >> 8));
}

void add_text(std::vector<char>& bytes, const std::string& text, size_t size) {
  for (size_t i = 0; 2 * i < size; ++i) add_u16(bytes, i < text.size() ? text[i] : 0);
}

void add_channel(std::vector<char>& bytes, const std::string& name) {
  add_u16(bytes, 0);  // EmiMeasurementUnitPicowattHours, 32 bits
  add_u16(bytes, 0);
  add_u16(bytes, static_cast<uint16_t>(2 * name.size() + 2));
  add_text(bytes, name, 2 * name.size() + 2);
}

std::vector<char> version2(const std::vector<std::string>& names) {
  std::vector<char> bytes;
  add_text(bytes, "Maker", 32);
  add_text(bytes, "Model", 32);
  add_u16(bytes, 1);
  add_u16(bytes, static_cast<uint16_t>(names.size()));
  for (const std::string& name : names) add_channel(bytes, name);
  return bytes;
}

std::vector<std::string> totals(const std::vector<std::string>& names) {
  std::vector<SeriesInfo> channels;
  for (const std::string& name : names) {
    SeriesInfo info;
    info.label = name;
    channels.push_back(info);
  }
  choose_emi_channels(channels);
  std::vector<std::string> chosen;
  for (const SeriesInfo& info : channels) {
    CHECK(info.in_total == info.note.empty());
    if (info.in_total) chosen.push_back(info.label);
  }
  return chosen;
}

TEST_CASE("channel names of both versions of the energy meter interface") {
  const std::vector<std::string> names = {"CPU_CLUSTER_0", "GPU", "NPU"};
  CHECK(emi_channel_names(version2(names), 2) == names);

  std::vector<char> one;
  add_u16(one, 0);
  add_u16(one, 0);
  add_text(one, "Maker", 32);
  add_text(one, "Model", 32);
  add_u16(one, 7);
  add_u16(one, 2 * 4);
  add_text(one, "VBAT", 2 * 4);
  CHECK(emi_channel_names(one, 1) == std::vector<std::string>{"VBAT"});
}

TEST_CASE("metadata that is cut short or lies about its sizes is read as far as it goes") {
  const std::vector<char> whole = version2({"RAPL_Package0_PKG", "RAPL_Package0_DRAM"});
  for (size_t length = 0; length < whole.size(); ++length) {
    const auto names = emi_channel_names(std::span(whole).first(length), 2);
    CHECK(names.size() <= 2);
    if (!names.empty())
      CHECK(names[0] == std::string("RAPL_Package0_PKG").substr(0, names[0].size()));
    CHECK(emi_channel_names(std::span(whole).first(length), 1).size() <= 1);
  }
  std::vector<char> many = version2({"A"});
  many[66] = many[67] = static_cast<char>(0xff);
  CHECK(emi_channel_names(many, 2) == std::vector<std::string>{"A"});
}

TEST_CASE("a package is not added to its parts, nor the platform to a package") {
  using Names = std::vector<std::string>;
  CHECK(totals({"RAPL_Package0_PKG", "RAPL_Package0_PP0", "RAPL_Package0_PP1",
                "RAPL_Package0_DRAM"}) == Names{"RAPL_Package0_PKG", "RAPL_Package0_DRAM"});
  CHECK(totals({"PSYS", "CPU", "GPU"}) == Names{"PSYS"});
  CHECK(totals({"CPU_CLUSTER_0", "CPU_CLUSTER_1", "GPU"}) ==
        Names{"CPU_CLUSTER_0", "CPU_CLUSTER_1", "GPU"});
}

}  // namespace
}  // namespace npb

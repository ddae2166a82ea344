#include "telemetry/files.h"

#include <doctest/doctest.h>

#include "fake_tree.h"
#include "telemetry/components.h"
#include "telemetry/source.h"

using namespace npb;
using npb::test::FakeTree;

TEST_CASE("an open file shows what was written after it was opened") {
  FakeTree tree;
  tree.write("sys/value", "17");
  const TextFile file = TextFile::open(tree.path("sys/value"));
  CHECK(file.read_int() == 17);
  tree.write("sys/value", "-5");
  CHECK(file.read_int() == -5);
  tree.write("sys/value", "busy");
  CHECK_FALSE(file.read_int().has_value());
}

TEST_CASE("a missing file is no value, and says why") {
  std::string why;
  CHECK_FALSE(TextFile::open("/nonexistent/file", &why).is_open());
  CHECK(why == "/nonexistent/file: No such file or directory");
  CHECK_FALSE(read_number("/nonexistent/file").has_value());
}

TEST_CASE("names come in natural order") {
  FakeTree tree;
  for (const char* name : {"policy10", "policy2", "policy0"})
    tree.write(std::string("sys/") + name, "");
  CHECK(list_names(tree.sys()) == std::vector<std::string>{"policy0", "policy2", "policy10"});
  CHECK(list_names("/nonexistent").empty());
}

TEST_CASE("values are found by a whole key at the start of a line") {
  const std::string text = "VmRSSLimit: 1 kB\nVmRSS:\t  123 kB\npgmajfault 7\nxpgmajfault 9";
  CHECK(value_of(text, "VmRSS") == 123);
  CHECK(value_of(text, "pgmajfault") == 7);
  CHECK_FALSE(value_of(text, "VmHWM").has_value());
  CHECK(leading_int(" 37 %") == 37);
  CHECK_FALSE(leading_int("").has_value());
}

TEST_CASE("a track stays within its capacity by dropping every second reading") {
  Track track;
  track.reserve(8);
  for (uint64_t i = 0; i < 100; ++i) track.push(i, static_cast<double>(i));
  CHECK(track.thinned());
  CHECK(track.size() <= 8);
  Series series;
  track.move_to(series);
  CHECK(series.t_ns.front() == 0);
  CHECK(series.t_ns.back() >= 80);
  for (size_t i = 0; i < series.t_ns.size(); ++i) {
    CHECK(series.values[i] == static_cast<double>(series.t_ns[i]));
  }
}

TEST_CASE("zones, rails and cooling devices are told apart by their names") {
  CHECK(component_of_zone("cpu-1-0-0") == "cpu");
  CHECK(component_of_zone("gpuss-3") == "gpu");
  CHECK(component_of_zone("nsphvx-0") == "npu");
  CHECK(component_of_zone("cdsp-2") == "npu");
  CHECK(component_of_zone("nsp0-thermal") == "npu");
  CHECK(component_of_zone("ddr") == "memory");
  CHECK(component_of_zone("skin-therm") == "skin");
  CHECK(component_of_zone("quiet-therm") == "skin");
  CHECK(component_of_zone("battery") == "battery");
  CHECK(component_of_zone("x86_pkg_temp") == "cpu");
  CHECK(component_of_zone("camera-0") == "system");
  CHECK(component_of_rail("S4S_VDD_TPU") == "npu");
  CHECK(component_of_rail("VDD_GPU_SOC") == "gpu");
  CHECK(component_of_rail("VDD_CPU_GPU_CV") == "system");
  CHECK(is_input_rail("VDD_IN"));
  CHECK(is_input_rail("vph_pwr"));
  CHECK_FALSE(is_input_rail("VDD_SYS_CPU_IN1"));
  CHECK(component_of_cooling("thermal-cpufreq-0") == "cpu");
  CHECK(component_of_cooling("cdsp_sw") == "npu");
  CHECK(component_of_cooling("Fan").empty());
  CHECK(component_of_cooling("TCC Offset").empty());
  CHECK(component_of_devfreq("3d00000.gpu") == "gpu");
  CHECK(component_of_devfreq("1d84000.ufs").empty());
}

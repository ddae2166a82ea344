#include "fake_tree.h"

namespace npb::test {
namespace {

void add_zone(FakeTree& tree, int number, const std::string& type, const std::string& temp) {
  tree.write("sys/class/thermal/thermal_zone" + std::to_string(number),
             {{"type", type}, {"temp", temp}});
}

void add_cooling(FakeTree& tree, int number, const std::string& type, int state, int deepest) {
  tree.write("sys/class/thermal/cooling_device" + std::to_string(number),
             {{"type", type},
              {"cur_state", std::to_string(state)},
              {"max_state", std::to_string(deepest)}});
}

void add_policy(FakeTree& tree, int first, const std::string& cpus, const std::string& driver,
                const std::string& governor, int current_khz, int limit_khz, int hardware_khz) {
  tree.write("sys/devices/system/cpu/cpufreq/policy" + std::to_string(first),
             {{"related_cpus", cpus},
              {"scaling_driver", driver},
              {"scaling_governor", governor},
              {"scaling_cur_freq", std::to_string(current_khz)},
              {"scaling_max_freq", std::to_string(limit_khz)},
              {"cpuinfo_max_freq", std::to_string(hardware_khz)}});
}

void add_proc(FakeTree& tree, int cpus) {
  std::string stat = "cpu  1000 20 300 90000 50 0 30 0 0 0\n";
  for (int i = 0; i < cpus; ++i) {
    stat += "cpu" + std::to_string(i) + " 100 2 30 9000 5 0 3 0 0 0\n";
  }
  tree.write("proc/stat", stat + "intr 1 2 3\nctxt 12345");
  tree.write("proc/meminfo",
             "MemTotal:       16000000 kB\nMemFree:         8000000 kB\nMemAvailable:   12000000 "
             "kB\nSwapTotal:       4000000 kB\nSwapFree:        3000000 kB");
  tree.write("proc/vmstat", "nr_free_pages 1\npswpin 11\npswpout 22\npgfault 5\npgmajfault 33");
  for (const char* resource : {"cpu", "memory", "io"}) {
    tree.write(std::string("proc/pressure/") + resource,
               "some avg10=1.50 avg60=0.40 avg300=0.10 total=123456\nfull avg10=0.00 avg60=0.00 "
               "avg300=0.00 total=1000");
  }
  tree.write("proc/loadavg", "0.52 0.40 0.30 1/500 1234");
  tree.write("proc/sys/kernel/randomize_va_space", "2");
  tree.write("proc/cpuinfo", "processor\t: 0\nFeatures\t: fp asimd asimddp i8mm");
}

}  // namespace

void build_android_phone(FakeTree& tree) {
  add_proc(tree, 8);
  add_zone(tree, 0, "aoss-0", "38500");
  add_zone(tree, 1, "cpuss-0", "45100");
  add_zone(tree, 2, "cpu-1-0-0", "61200");
  add_zone(tree, 3, "gpuss-0", "48200");
  add_zone(tree, 4, "nsphvx-0", "52300");
  add_zone(tree, 5, "nsphmx-1", "-273000");  // asleep
  add_zone(tree, 6, "ddr", "44000");
  add_zone(tree, 7, "battery", "312");     // 0.1 °C, as the gauge has it
  add_zone(tree, 8, "sys-therm-0", "39");  // whole degrees
  add_zone(tree, 9, "skin-therm", "36500");
  add_cooling(tree, 0, "thermal-cpufreq-7", 3, 12);
  add_cooling(tree, 1, "kgsl-3d0", 0, 8);
  add_cooling(tree, 2, "cdsp_sw", 0, 4);
  add_cooling(tree, 3, "panel0-backlight", 100, 255);
  add_policy(tree, 0, "0 1", "qcom-cpufreq-hw", "walt", 2265600, 2265600, 2265600);
  add_policy(tree, 2, "2 3 4 5 6", "qcom-cpufreq-hw", "walt", 3148800, 3148800, 3148800);
  add_policy(tree, 7, "7", "qcom-cpufreq-hw", "walt", 2438400, 2438400, 3302400);
  tree.write("sys/devices/system/cpu/cpufreq/policy7/dcvsh_freq_limit", "2438400");
  tree.write("sys/class/power_supply/battery",
             {{"type", "Battery"},
              {"status", "Discharging"},
              {"present", "1"},
              {"current_now", "1250000"},  // positive: vendor sign
              {"voltage_now", "4000000"},
              {"temp", "312"},
              {"capacity", "81"}});
  tree.write("sys/class/power_supply/usb", {{"type", "USB"}, {"online", "0"}});
  tree.write("sys/class/power_supply/pen", {{"type", "Battery"},
                                            {"scope", "Device"},
                                            {"status", "Discharging"},
                                            {"current_now", "-99000"},
                                            {"voltage_now", "3700000"}});
  tree.write("sys/class/kgsl/kgsl-3d0", {{"gpubusy", "370000 1000000"},
                                         {"gpu_busy_percentage", "37 %"},
                                         {"gpuclk", "680000000"},
                                         {"max_gpuclk", "903000000"},
                                         {"num_pwrlevels", "12"},
                                         {"thermal_pwrlevel", "0"},
                                         {"gpu_model", "Adreno750v2"}});
  tree.write(
      "sys/devices/soc0",
      {{"machine", "SM8650"}, {"family", "Snapdragon"}, {"soc_id", "557"}, {"revision", "2.0"}});
}

void build_pixel_phone(FakeTree& tree) {
  add_proc(tree, 8);
  add_zone(tree, 0, "BIG", "55000");
  add_zone(tree, 1, "G3D", "47000");
  add_zone(tree, 2, "TPU", "44000");
  tree.write("sys/bus/iio/devices/iio:device0",
             {{"name", "s2mpg12-odpm"},
              {"enabled_rails", "CH0[S1M_VDD_MIF]:Memory"},
              {"energy_value",
               "t=1000\nCH0(T=1000)[S1M_VDD_MIF], 1000000\nCH1(T=1000)[S2M_VDD_CPUCL2], "
               "2000000\nCH2(T=1000)[S5M_VDD_INT], 500000"}});
  tree.write("sys/bus/iio/devices/iio:device1",
             {{"name", "s2mpg13-odpm"},
              {"enabled_rails", "CH0[S2S_VDD_G3D]:GPU"},
              {"energy_value", "t=1000\nCH0[S2S_VDD_G3D], 700000\nCH1[S4S_VDD_TPU], 300000"}});
  tree.write("sys/bus/iio/devices/iio:device2", {{"name", "accelerometer"}});
  tree.write("sys/class/power_supply/battery", {{"type", "Battery"},
                                                {"status", "Charging"},
                                                {"current_now", "800000"},
                                                {"voltage_now", "4100000"}});
  tree.write("sys/class/power_supply/usb", {{"type", "USB_PD"},
                                            {"online", "1"},
                                            {"current_now", "1500000"},
                                            {"voltage_now", "9000000"}});
  add_policy(tree, 0, "0 1 2 3", "exynos", "sched_pixel", 1704000, 1704000, 1704000);
}

void build_snapdragon_laptop(FakeTree& tree) {
  add_proc(tree, 12);
  add_zone(tree, 0, "cpu-0-0-top-thermal", "52000");
  add_zone(tree, 1, "nsp0-thermal", "49000");
  add_zone(tree, 2, "gpuss-3-thermal", "47000");
  add_zone(tree, 3, "mem-thermal", "46000");
  tree.write("sys/class/thermal/thermal_zone1", {{"trip_point_0_type", "passive"},
                                                 {"trip_point_0_temp", "95000"},
                                                 {"trip_point_1_type", "critical"},
                                                 {"trip_point_1_temp", "115000"}});
  add_cooling(tree, 0, "cdsp_sw", 0, 4);
  add_policy(tree, 0, "0 1 2 3", "scmi", "schedutil", 3417600, 3417600, 3417600);
  add_policy(tree, 4, "4 5 6 7", "scmi", "schedutil", 3417600, 3417600, 3417600);
  tree.write("sys/class/power_supply/qcom-battmgr-bat", {{"type", "Battery"},
                                                         {"status", "Discharging"},
                                                         {"present", "1"},
                                                         {"power_now", "-12500000"},
                                                         {"voltage_now", "15400000"},
                                                         {"energy_now", "48000000"},
                                                         {"capacity", "88"}});
  tree.write("sys/class/power_supply/qcom-battmgr-ac", {{"type", "Mains"}, {"online", "0"}});
  tree.write("sys/class/power_supply/qcom-battmgr-usb", {{"type", "USB"}, {"online", "0"}});
  // The battery once more, as hwmon shows every power supply.
  tree.write("sys/class/hwmon/hwmon0",
             {{"name", "qcom_battmgr_bat"}, {"power1_input", "12500000"}, {"in0_input", "15400"}});
  tree.write(
      "sys/class/devfreq/3d00000.gpu",
      {{"cur_freq", "1250000000"}, {"max_freq", "1250000000"}, {"governor", "simple_ondemand"}});
  tree.write("sys/class/devfreq/1d84000.ufs", {{"cur_freq", "403000000"}});
  const std::string client =
      "pos:\t0\ndrm-driver:\tmsm\ndrm-client-id:\t7\ndrm-engine-gpu:\t1000000000 ns\n"
      "drm-cycles-gpu:\t1100000000\ndrm-maxfreq-gpu:\t1250000000 Hz\n"
      "drm-resident-memory:\t2048 KiB";
  tree.write("proc/self/fdinfo/5", client);
  tree.write("proc/self/fdinfo/6", client);  // the same client under another descriptor
  tree.write("proc/self/fdinfo/8", "pos:\t0\nino:\t77\nsize:\t4096\ncount:\t2\nexp_name:\tsystem");
  tree.write("proc/self/fdinfo/9", "pos:\t0\nino:\t77\nsize:\t4096\ncount:\t2\nexp_name:\tsystem");
}

void build_dragonwing_board(FakeTree& tree) {
  add_proc(tree, 8);
  add_zone(tree, 0, "cpu0-thermal", "51000");
  add_zone(tree, 1, "cdsp-0", "47000");
  add_zone(tree, 2, "xo-therm", "38000");
  add_policy(tree, 0, "0 1 2 3", "qcom-cpufreq-hw", "performance", 1958400, 1958400, 1958400);
  tree.write("sys/class/hwmon/hwmon0", {{"name", "ina226"},
                                        {"update_interval", "100"},
                                        {"power1_input", "7500000"},
                                        {"power1_label", "VDD_IN"},
                                        {"curr1_input", "625"},
                                        {"in1_input", "12000"}});
  tree.write("sys/class/hwmon/hwmon1", {{"name", "ina3221"},
                                        {"in1_label", "VDD_CPU"},
                                        {"in1_input", "800"},
                                        {"curr1_input", "2500"},
                                        {"in2_label", "VDD_NSP"},
                                        {"in2_input", "750"},
                                        {"curr2_input", "1200"}});
  tree.write("sys/class/kgsl/kgsl-3d0", {{"gpuclk", "550000000"}, {"gpu_busy_percentage", "12 %"}});
  tree.write("sys/devices/soc0", {{"machine", "QCS6490"}, {"soc_id", "497"}});
}

void build_x86_laptop(FakeTree& tree) {
  add_proc(tree, 8);
  tree.write("proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu avx2 avx_vnni");
  const std::string rapl = "sys/class/powercap/";
  tree.write(rapl + "intel-rapl", {{"enabled", "1"}});
  tree.write(rapl + "intel-rapl:0", {{"name", "package-0"},
                                     {"energy_uj", "262143000000"},
                                     {"max_energy_range_uj", "262143328850"}});
  tree.write(rapl + "intel-rapl:0:0",
             {{"name", "core"}, {"energy_uj", "1000000"}, {"max_energy_range_uj", "262143328850"}});
  tree.write(
      rapl + "intel-rapl:0:1",
      {{"name", "uncore"}, {"energy_uj", "500000"}, {"max_energy_range_uj", "262143328850"}});
  tree.write(rapl + "intel-rapl:0:2",
             {{"name", "dram"}, {"energy_uj", "300000"}, {"max_energy_range_uj", "65712999613"}});
  tree.write(rapl + "intel-rapl:1",
             {{"name", "psys"}, {"energy_uj", "9000000"}, {"max_energy_range_uj", "262143328850"}});
  tree.write(rapl + "intel-rapl-mmio:0", {{"name", "package-0"},
                                          {"energy_uj", "262143000000"},
                                          {"max_energy_range_uj", "262143328850"}});
  for (const char* battery : {"BAT0", "BAT1"}) {
    tree.write(std::string("sys/class/power_supply/") + battery, {{"type", "Battery"},
                                                                  {"status", "Discharging"},
                                                                  {"present", "1"},
                                                                  {"power_now", "9000000"},
                                                                  {"voltage_now", "11500000"}});
  }
  tree.write("sys/class/power_supply/AC", {{"type", "Mains"}, {"online", "0"}});
  add_zone(tree, 0, "x86_pkg_temp", "64000");
  add_zone(tree, 1, "acpitz", "27800");
  add_cooling(tree, 0, "Processor", 0, 10);
  add_cooling(tree, 1, "Fan", 1, 1);
  add_cooling(tree, 2, "intel_powerclamp", -1, 100);
  for (int cpu = 0; cpu < 8; ++cpu) {
    add_policy(tree, cpu, std::to_string(cpu), "intel_pstate", "powersave", 3400000, 4700000,
               4700000);
  }
  tree.write("sys/devices/system/cpu/intel_pstate/no_turbo", "0");
}

void build_bare_vm(FakeTree& tree) {
  add_proc(tree, 2);
  tree.write("proc/stat",
             "cpu  1000 0 500 50000 10 0 5 400 0 0\ncpu0 500 0 250 25000 5 0 2 200 0 0\ncpu1 500 0 "
             "250 25000 5 0 3 200 0 0\nintr 5");
  tree.write("proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu avx2 hypervisor");
}

}  // namespace npb::test

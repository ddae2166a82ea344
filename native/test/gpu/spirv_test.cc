// Every shader of this build under spirv-val, for the oldest and the newest Vulkan that is
// promised.
#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>

#include "backends/vulkan/spirv_modules.h"
#include "test/support/random_model.h"

using namespace npb;

TEST_SUITE_BEGIN("host");

TEST_CASE("every SPIR-V module is valid for Vulkan 1.1 and 1.3") {
  if (std::system("spirv-val --version > /dev/null 2>&1") != 0) {
    MESSAGE("skipped: spirv-val is missing (package spirv-tools)");
    return;
  }
  test::TempFolder folder;
  const auto report = folder.path() / "report";
  REQUIRE(vulkan::spirv_modules().size() > 50);
  for (const vulkan::SpirvModule& module : vulkan::spirv_modules()) {
    CAPTURE(std::string(module.name));
    const auto path = folder.path() / "module.spv";
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(module.words),
               static_cast<std::streamsize>(module.bytes));
    for (const char* target : {"vulkan1.1", "vulkan1.3"}) {
      const std::string command = std::string("spirv-val --target-env ") + target + " " +
                                  path.string() + " > " + report.string() + " 2>&1";
      const bool valid = std::system(command.c_str()) == 0;
      std::ifstream text(report);
      CHECK_MESSAGE(valid, target << ": " << std::string(std::istreambuf_iterator<char>(text), {}));
    }
  }
}

TEST_SUITE_END();

// A machine whose loaders or drivers are missing or broken. CTest sets the environment that makes
// them so, and names the words that the reason must have.
#include <doctest/doctest.h>

#include <cstdlib>
#include <string>

#include "backends/backend.h"
#include "test/support/random_model.h"

using namespace npb;

TEST_CASE("without a usable driver a backend says why, and what to do") {
  test::TempFolder folder;
  auto model = test::load_tiny({}, folder);
  REQUIRE_MESSAGE(model.ok(), model.error().message);
  for (const auto& [id, variable] :
       {std::pair("vulkan", "NPB_EXPECTED_VULKAN"), std::pair("opencl", "NPB_EXPECTED_OPENCL")}) {
    const Backend* backend = find_backend(id);
    const char* words = std::getenv(variable);
    if (!backend || !words) continue;
    CAPTURE(std::string(id));
    const ProbeResult probe = backend->probe({});
    CHECK(probe.devices.empty());
    REQUIRE(probe.unavailable.has_value());
    CAPTURE(probe.unavailable->reason);
    CAPTURE(probe.unavailable->remedy);
    CHECK(probe.unavailable->reason.find(words) != std::string::npos);
    CHECK(probe.unavailable->remedy.find("install") != std::string::npos);
    CHECK(probe.unavailable->reason.find('\n') == std::string::npos);

    auto graph = build_graph(*model, {});
    REQUIRE_MESSAGE(graph.ok(), graph.error().message);
    const auto session = backend->open(*graph, {.max_tokens = 8, .max_step_tokens = 4});
    REQUIRE_FALSE(session.ok());
    CHECK(session.error().code == ErrorCode::device_unavailable);
    CHECK(session.error().message.find(words) != std::string::npos);
  }
}

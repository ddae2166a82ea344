// Finding, loading and describing a runtime; versions, missing entries, layouts, votes.
#include <fstream>
#include <set>

#include "backends/qnn/context_binary.h"
#include "backends/qnn/errors.h"
#include "backends/qnn/perf.h"
#include "backends/qnn/qnn_backend.h"
#include "test/qnn/fake_library.h"
#include "test/support/random_model.h"

using namespace npb;

namespace {

std::string open_error() {
  const auto library = qnn::Library::open(test::FakeRuntime::extra());
  return library.ok() ? "" : library.error().message;
}

}  // namespace

TEST_CASE("probe tells chip, versions and that it is simulated") {
  test::FakeRuntime fake;
  const ProbeResult probe = qnn_backend().probe({.extra = test::FakeRuntime::extra()});
  REQUIRE(probe.devices.size() == 1);
  const DeviceInfo& device = probe.devices[0];
  CHECK(device.kind == DeviceKind::npu);
  CHECK(device.simulated);
  CHECK(device.soc.find("SM8650") == 0);
  CHECK(device.runtime_version == "core 2.40.0, HTP 5.0.0");
  CHECK(device.properties.at("vtcm_mb") == "8");
  CHECK(fake.control.live() == 0);
}

TEST_CASE("a folder without the runtime is an answer with a remedy, never another folder's") {
  test::TempFolder empty;
  const ProbeResult probe =
      qnn_backend().probe({.extra = {{"qnn_lib_dir", empty.path().string()}}});
  REQUIRE(probe.devices.empty());
  CHECK(probe.unavailable->reason.find(empty.path().string()) != std::string::npos);
  CHECK(probe.unavailable->remedy.find("npu-bench runtime install qnn") != std::string::npos);
  std::ofstream(empty.path() / "libQnnHtp.so") << "no library";
  const ProbeResult damaged =
      qnn_backend().probe({.extra = {{"qnn_lib_dir", empty.path().string()}}});
  CHECK(damaged.unavailable->reason.find("can't be loaded") != std::string::npos);
}

TEST_CASE("versions below the floor and beyond the major are refused by name") {
  test::FakeRuntime fake;
  for (uint32_t minor : {7u, 14u}) {
    fake.control.core_minor = minor;
    CHECK(open_error().find("too old (core API 2." + std::to_string(minor)) != std::string::npos);
  }
  for (uint32_t minor : {15u, 18u, 21u, 40u, 99u}) {
    fake.control.core_minor = minor;
    CHECK(open_error().empty());
  }
  fake.control.core_major = 3;
  CHECK(open_error().find("core API 3.") != std::string::npos);
  fake.control = {};
  fake.control.no_provider = true;
  CHECK(open_error().find("no QNN library") != std::string::npos);
}

TEST_CASE("each missing entry that is needed is named; the others are done without") {
  test::FakeRuntime fake;
  for (const char* name :
       {"backendCreate", "backendFree", "backendValidateOpConfig", "contextCreate", "contextFree",
        "graphCreate", "graphAddNode", "graphFinalize", "graphExecute", "tensorCreateGraphTensor",
        "deviceCreate", "deviceFree"}) {
    fake.control.missing_entry = name;
    CHECK(open_error().find(std::string("has no function ") + name + ";") != std::string::npos);
  }
  for (const char* name : {"backendGetBuildId", "logCreate", "profileCreate", "errorGetMessage",
                           "deviceGetPlatformInfo", "deviceGetInfrastructure"}) {
    fake.control.missing_entry = name;
    CHECK(qnn_backend().probe({.extra = test::FakeRuntime::extra()}).devices.size() == 1);
  }
}

TEST_CASE("codes have names, and a failed call is a sentence with the runtime's own message") {
  test::FakeRuntime fake;
  CHECK(qnn::status_name(6022) == "graph could not be finalized (6022)");
  CHECK(qnn::status_name(0x10000 + 5123) == "context error (5123)");
  CHECK(qnn::status_name(999) == "unknown error (999)");
  std::set<std::string> sentences;
  for (const char* call : {"backendCreate", "deviceCreate"}) {
    fake.control.fail_call = call;
    fake.control.fail_code = 1006;
    const auto device = qnn::Device::open(test::FakeRuntime::extra());
    REQUIRE(!device.ok());
    CHECK(device.error().code == ErrorCode::device_unavailable);
    CHECK(device.error().message.find("a message of the fake") != std::string::npos);
    CHECK(device.error().message.find("was told to fail") != std::string::npos);
    sentences.insert(device.error().message);
    CHECK(fake.control.live() == 0);
  }
  CHECK(sentences.size() == 2);
}

TEST_CASE("votes are cast by profile and withdrawn with the object, also when refused") {
  test::FakeRuntime fake;
  auto device = qnn::Device::open(test::FakeRuntime::extra());
  REQUIRE_MESSAGE(device.ok(), device.error().message);
  std::set<uint32_t> corners;
  for (const std::string& name : qnn::perf_profile_names()) {
    auto vote = qnn::PerfVote::cast(**device, name);
    REQUIRE_MESSAGE(vote.ok(), vote.error().message);
    CHECK(fake.control.live_votes == 1);
    corners.insert(fake.control.last_corner);
  }
  CHECK(corners.size() == 8);
  CHECK(fake.control.live_votes == 0);
  CHECK(qnn::PerfVote::cast(**device, "turbo").error().message.find("burst") != std::string::npos);
  fake.control.fail_call = "setPowerConfig";
  CHECK(!qnn::PerfVote::cast(**device, "burst").ok());
  CHECK(fake.control.live_votes == 0);
}

TEST_CASE("hostile descriptions of context binaries are refused with a sentence") {
  test::FakeRuntime fake;
  test::TempFolder folder, cache;
  auto model = test::load_tiny({}, folder);
  REQUIRE_MESSAGE(model.ok(), model.error().message);
  SessionOptions options{.max_tokens = 8, .max_step_tokens = 4};
  options.packed_cache_dir = cache.path().string();
  options.extra = test::FakeRuntime::extra();
  REQUIRE(qnn_backend().open(*build_graph(*model, {}), options).ok());
  std::vector<uint8_t> binary;
  for (const auto& entry : std::filesystem::directory_iterator(cache.path())) {
    std::ifstream file(entry.path(), std::ios::binary);
    binary.assign(std::istreambuf_iterator<char>(file), {});
  }
  REQUIRE(!binary.empty());
  auto library = qnn::Library::open(test::FakeRuntime::extra());
  REQUIRE_MESSAGE(library.ok(), library.error().message);
  auto good = qnn::describe_binary(**library, binary);
  REQUIRE_MESSAGE(good.ok(), good.error().message);
  CHECK(good->graphs.size() == 2);
  CHECK(good->soc_model == 57);
  CHECK(good->arch == 75);
  for (uint32_t kind = 1; kind < static_cast<uint32_t>(qnn::fake::Hostile::count); ++kind) {
    CAPTURE(kind);
    fake.system.hostile = static_cast<qnn::fake::Hostile>(kind);
    const auto description = qnn::describe_binary(**library, binary);
    REQUIRE(!description.ok());
    CHECK(description.error().message.find("context binary") != std::string::npos);
    // A run with such a cache entry compiles anew.
    CHECK(qnn_backend().open(*build_graph(*model, {}), options).ok());
  }
  fake.system.hostile = qnn::fake::Hostile::no;
  for (size_t length : {size_t{0}, size_t{7}, size_t{100}, binary.size() - 1}) {
    CAPTURE(length);
    const auto cut = qnn::describe_binary(**library, std::span(binary).first(length));
    REQUIRE(!cut.ok());
    CHECK(cut.error().message.find("malformed context binary") != std::string::npos);
  }
  CHECK(fake.system.live_contexts == 0);
  CHECK(fake.control.live() == 0);
}

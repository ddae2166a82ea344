// Every call of the runtime failing in turn, slow execution, and a crash inside the library.
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <set>

#include "backends/qnn/qnn_backend.h"
#include "test/qnn/fake_library.h"
#include "test/support/random_model.h"

using namespace npb;

namespace {

struct Attempt {
  Result<void> outcome;
  bool opened = false;
};

/// Opens a session and runs a prefill and a decode step.
Attempt attempt(const std::shared_ptr<const Model>& model, bool profile = false) {
  SessionOptions options{.max_tokens = 8, .max_step_tokens = 4, .profile = profile};
  options.extra = test::FakeRuntime::extra();
  auto session = qnn_backend().open(*build_graph(model, {}), options);
  if (!session.ok()) return {session.error(), false};
  std::vector<int32_t> next(1);
  StepTiming timing;
  auto done = (*session)->forward(std::vector<int32_t>{1, 2, 3, 4}, next, timing);
  if (done.ok()) done = (*session)->forward(next, next, timing);
  return {done, true};
}

}  // namespace

TEST_CASE("each failing call gives its own sentence, and nothing leaks") {
  test::FakeRuntime fake;
  test::TempFolder folder;
  auto model = test::load_tiny({}, folder);
  REQUIRE_MESSAGE(model.ok(), model.error().message);
  REQUIRE(attempt(*model).outcome.ok());
  std::set<std::string> sentences;
  for (const char* call :
       {"backendCreate", "deviceCreate", "graphCreate", "tensorCreateGraphTensor",
        "backendValidateOpConfig", "graphAddNode", "graphFinalize", "createPowerConfigId",
        "setPowerConfig", "graphExecute"}) {
    CAPTURE(call);
    fake.control = {};
    fake.control.fail_call = call;
    const Attempt failed = attempt(*model);
    REQUIRE(!failed.outcome.ok());
    const std::string& message = failed.outcome.error().message;
    CHECK(message.find("general failure (1100)") != std::string::npos);
    CHECK(message.back() == '.');
    sentences.insert(message.substr(0, message.find(" failed:")));
    CHECK(fake.control.live() == 0);
  }
  CHECK(sentences.size() == 10);
}

TEST_CASE("a failure at any later call of the same function is an error, too") {
  test::FakeRuntime fake;
  test::TempFolder folder;
  auto model = test::load_tiny({}, folder);
  REQUIRE_MESSAGE(model.ok(), model.error().message);
  for (const char* call : {"tensorCreateGraphTensor", "backendValidateOpConfig", "graphAddNode",
                           "graphFinalize", "graphExecute", "graphCreate"}) {
    for (uint32_t at : {1u, 40u, 100u}) {
      fake.control = {};
      fake.control.fail_call = call;
      fake.control.fail_at = at;
      const Attempt tried = attempt(*model);
      const bool reached = at == 1 || std::string(call).rfind("graphF", 0) != 0;
      const bool rare = at > 1 && (std::string(call) == "graphExecute" ||
                                   std::string(call) == "graphCreate" || !reached);
      CAPTURE(call);
      CAPTURE(at);
      CHECK(tried.outcome.ok() == rare);
      CHECK(fake.control.live() == 0);
    }
  }
}

TEST_CASE("what only helps may fail: log, platform, weight sharing, profile, infrastructure") {
  test::FakeRuntime fake;
  test::TempFolder folder;
  auto model = test::load_tiny({}, folder);
  REQUIRE_MESSAGE(model.ok(), model.error().message);
  for (const char* call : {"logCreate", "deviceGetPlatformInfo", "contextCreate", "profileCreate",
                           "profileGetEvents", "deviceGetInfrastructure", "backendGetBuildId"}) {
    CAPTURE(call);
    fake.control = {};
    fake.control.fail_call = call;
    const Attempt tried = attempt(*model, true);
    CHECK(tried.outcome.ok());
    CHECK(fake.control.live() == 0);
  }
}

TEST_CASE("an operation that fails validation is an error that names it") {
  test::FakeRuntime fake;
  test::TempFolder folder;
  auto model = test::load_tiny({}, folder);
  REQUIRE_MESSAGE(model.ok(), model.error().message);
  fake.control.refuse_type = "RmsNorm";
  const Attempt tried = attempt(*model);
  REQUIRE(!tried.outcome.ok());
  CHECK(tried.outcome.error().code == ErrorCode::unsupported);
  CHECK(tried.outcome.error().message.find("RmsNorm for blk.0.attn_norm") != std::string::npos);
}

TEST_CASE("slow execution is in the step's time") {
  test::FakeRuntime fake;
  test::TempFolder folder;
  auto model = test::load_tiny({}, folder);
  REQUIRE_MESSAGE(model.ok(), model.error().message);
  SessionOptions options{.max_tokens = 8, .max_step_tokens = 4};
  options.extra = test::FakeRuntime::extra();
  auto session = qnn_backend().open(*build_graph(*model, {}), options);
  REQUIRE_MESSAGE(session.ok(), session.error().message);
  fake.control.execute_sleep_ms = 30;
  std::vector<int32_t> next(1);
  StepTiming timing;
  REQUIRE((*session)->forward(std::vector<int32_t>{1, 2}, next, timing).ok());
  CHECK(timing.wall_ns >= 30'000'000);
  CHECK(timing.execute_ns == 3000);  // what the fake's profile says
}

TEST_CASE("a crash inside the library ends its process and no other") {
  test::FakeRuntime fake;
  test::TempFolder folder;
  auto model = test::load_tiny({}, folder);
  REQUIRE_MESSAGE(model.ok(), model.error().message);
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    std::signal(SIGSEGV, SIG_DFL);
    fake.control.crash_at_execute = 1;
    _exit(attempt(*model).outcome.ok() ? 0 : 1);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(WIFSIGNALED(status));
  CHECK(WTERMSIG(status) == SIGSEGV);
  CHECK(attempt(*model).outcome.ok());
}

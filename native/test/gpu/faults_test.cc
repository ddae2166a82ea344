// Drivers that fail while a model runs: each failure is one sentence with its own code, and leaves
// the process able to go on.
#include <doctest/doctest.h>

#include "test/gpu/api.h"
#include "test/gpu/decoder.h"

using namespace npb;
using test::Replaced;

namespace {

class Fixture {
 public:
  explicit Fixture(const std::string& id) {
    auto loaded = test::load_tiny({}, folder_);
    REQUIRE_MESSAGE(loaded.ok(), loaded.error().message);
    model_ = *loaded;
    for (test::GpuApi& api : test::gpu_apis())
      if (api.id == id) api_ = std::move(api);
    if (api_.id.empty()) MESSAGE("skipped: no " << id << " device here");
  }
  bool available() const { return !api_.id.empty(); }

  Result<std::unique_ptr<Session>> open() const {
    return test::open_session(
        api_, model_, {.max_tokens = 8, .max_step_tokens = 4, .threads = 1, .profile = true});
  }
  static Result<void> step(Session& session) {
    std::vector<int32_t> next(1);
    StepTiming timing;
    return session.forward(std::vector<int32_t>{1, 2, 3}, next, timing);
  }

 private:
  test::TempFolder folder_;
  std::shared_ptr<const Model> model_;
  test::GpuApi api_;
};

/// One sentence with a way out: no line break, and something after the semicolon.
template <class T>
void check_error(const Result<T>& result, ErrorCode code, const std::string& words) {
  REQUIRE_FALSE(result.ok());
  const std::string& message = result.error().message;
  CAPTURE(message);
  CHECK(result.error().code == code);
  CHECK(message.find(words) != std::string::npos);
  CHECK(message.find("; ") != std::string::npos);
  CHECK(message.find('\n') == std::string::npos);
  CHECK(message.ends_with("."));
}

}  // namespace

TEST_SUITE_BEGIN("faults");

TEST_CASE("Vulkan: a hang is a timeout, and nothing waits for the device again") {
  Fixture fixture("vulkan");
  if (!fixture.available()) return;
  auto session = fixture.open();
  REQUIRE_MESSAGE(session.ok(), session.error().message);
  {
    const Replaced hang(
        vkWaitForFences,
        +[](VkDevice, uint32_t, const VkFence*, VkBool32, uint64_t) { return VK_TIMEOUT; });
    check_error(Fixture::step(**session), ErrorCode::timeout, "hangs");
  }
  check_error(Fixture::step(**session), ErrorCode::timeout, "hangs");
  // Closing the session waits no more: this line is reached.
  const Replaced never(
      vkDeviceWaitIdle, +[](VkDevice) {
        FAIL("waited for a device that hangs");
        return VK_SUCCESS;
      });
  session->reset();
}

TEST_CASE("Vulkan: a lost device, in a step and in a profile") {
  Fixture fixture("vulkan");
  if (!fixture.available()) return;
  auto session = fixture.open();
  REQUIRE_MESSAGE(session.ok(), session.error().message);
  REQUIRE(Fixture::step(**session).ok());
  const auto profile = (*session)->profile();
  REQUIRE_MESSAGE(profile.ok(), profile.error().message);
  CHECK(profile->size() > 10);
  (*session)->reset();
  const Replaced lost(
      vkQueueSubmit,
      +[](VkQueue, uint32_t, const VkSubmitInfo*, VkFence) { return VK_ERROR_DEVICE_LOST; });
  check_error(Fixture::step(**session), ErrorCode::device_lost, "VK_ERROR_DEVICE_LOST (-4)");
  check_error((*session)->profile(), ErrorCode::device_lost, "VK_ERROR_DEVICE_LOST (-4)");
}

TEST_CASE("Vulkan: a device lost or hung while one step runs and the next one waits") {
  Fixture fixture("vulkan");
  if (!fixture.available()) return;
  const auto decode = [](Session& session) {
    std::vector<int32_t> next = {1};
    return session.decode(5, next, [](uint32_t, std::span<const int32_t>, const StepTiming&) {});
  };
  static int calls;
  static PFN_vkQueueSubmit submit;
  submit = vkQueueSubmit;
  {
    auto session = fixture.open();
    REQUIRE_MESSAGE(session.ok(), session.error().message);
    calls = 0;
    const Replaced lost(
        vkQueueSubmit, +[](VkQueue queue, uint32_t count, const VkSubmitInfo* info, VkFence fence) {
          return ++calls == 3 ? VK_ERROR_DEVICE_LOST : submit(queue, count, info, fence);
        });
    check_error(decode(**session), ErrorCode::device_lost, "VK_ERROR_DEVICE_LOST (-4)");
    CHECK(calls == 3);
  }
  auto session = fixture.open();
  REQUIRE_MESSAGE(session.ok(), session.error().message);
  const Replaced hang(
      vkWaitForFences,
      +[](VkDevice, uint32_t, const VkFence*, VkBool32, uint64_t) { return VK_TIMEOUT; });
  check_error(decode(**session), ErrorCode::timeout, "hangs");
  // What is still in flight is left alone when the session is closed.
  const Replaced never(
      vkDeviceWaitIdle, +[](VkDevice) {
        FAIL("waited for a device that hangs");
        return VK_SUCCESS;
      });
  session->reset();
}

TEST_CASE("Vulkan: refusals while opening") {
  Fixture fixture("vulkan");
  if (!fixture.available()) return;
  {
    const Replaced full(
        vkAllocateMemory, +[](VkDevice, const VkMemoryAllocateInfo*, const VkAllocationCallbacks*,
                              VkDeviceMemory*) { return VK_ERROR_OUT_OF_DEVICE_MEMORY; });
    const auto session = fixture.open();
    check_error(session, ErrorCode::out_of_memory, "The GPU refused 1 MiB");
    CHECK(session.error().message.find("--batch-size") != std::string::npos);
    // Needed and available, whatever way the driver tells the latter.
    const bool available = session.error().message.find("MiB in all") != std::string::npos ||
                           session.error().message.find("MiB are free") != std::string::npos;
    CHECK(available);
  }
  {
    const Replaced refused(
        vkCreateComputePipelines,
        +[](VkDevice, VkPipelineCache, uint32_t, const VkComputePipelineCreateInfo*,
            const VkAllocationCallbacks*, VkPipeline*) { return VK_ERROR_UNKNOWN; });
    check_error(fixture.open(), ErrorCode::unsupported, "refuses the kernel embed.f32");
  }
  {
    const Replaced busy(
        vkCreateDevice,
        +[](VkPhysicalDevice, const VkDeviceCreateInfo*, const VkAllocationCallbacks*, VkDevice*) {
          return VK_ERROR_INITIALIZATION_FAILED;
        });
    check_error(fixture.open(), ErrorCode::device_unavailable, "could not be opened");
  }
  REQUIRE(fixture.open().ok());
}

TEST_CASE("OpenCL: failures while opening and running") {
  Fixture fixture("opencl");
  if (!fixture.available()) return;
  auto& cl = const_cast<opencl::Api&>(**opencl::api());
  auto session = fixture.open();
  REQUIRE_MESSAGE(session.ok(), session.error().message);
  REQUIRE(Fixture::step(**session).ok());
  REQUIRE((*session)->profile().ok());
  (*session)->reset();
  for (const auto& [status, code, words] :
       {std::tuple(CL_OUT_OF_RESOURCES, ErrorCode::device_lost, "CL_OUT_OF_RESOURCES (-5)"),
        std::tuple(CL_DEVICE_NOT_AVAILABLE, ErrorCode::device_lost, "the GPU was lost"),
        std::tuple(CL_INVALID_COMMAND_QUEUE, ErrorCode::device_lost, "the GPU was lost"),
        std::tuple(CL_MEM_OBJECT_ALLOCATION_FAILURE, ErrorCode::out_of_memory, "no memory left")}) {
    CAPTURE(words);
    static cl_int answer;
    answer = status;
    {
      const Replaced gone(
          cl.clFlush, +[](cl_command_queue) -> cl_int { return answer; });
      check_error(Fixture::step(**session), code, words);
      check_error((*session)->profile(), code, words);
    }
    {
      // A command that was accepted and then failed.
      const Replaced failed(
          cl.clGetEventInfo, +[](cl_event, cl_event_info, size_t, void* value, size_t*) -> cl_int {
            *static_cast<cl_int*>(value) = answer;
            return CL_SUCCESS;
          });
      check_error(Fixture::step(**session), code, words);
    }
    (*session)->reset();
  }
  REQUIRE(Fixture::step(**session).ok());
  {
    const Replaced full(
        cl.clCreateBuffer, +[](cl_context, cl_mem_flags, size_t, void*, cl_int* status) -> cl_mem {
          *status = CL_MEM_OBJECT_ALLOCATION_FAILURE;
          return nullptr;
        });
    check_error(fixture.open(), ErrorCode::out_of_memory, "MiB in all");
  }
  {
    const Replaced broken(
        cl.clBuildProgram,
        +[](cl_program, cl_uint, const cl_device_id*, const char*,
            void(CL_CALLBACK*)(cl_program, void*),
            void*) -> cl_int { return CL_BUILD_PROGRAM_FAILURE; });
    const auto refused = fixture.open();
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().code == ErrorCode::unsupported);
    CHECK(refused.error().message.find("can't compile the kernels") != std::string::npos);
  }
  {
    const Replaced busy(
        cl.clCreateContext,
        +[](const cl_context_properties*, cl_uint, const cl_device_id*,
            void(CL_CALLBACK*)(const char*, const void*, size_t, void*), void*,
            cl_int* status) -> cl_context {
          *status = CL_DEVICE_NOT_AVAILABLE;
          return nullptr;
        });
    check_error(fixture.open(), ErrorCode::device_unavailable, "could not be opened");
  }
  REQUIRE(fixture.open().ok());
}

TEST_SUITE_END();

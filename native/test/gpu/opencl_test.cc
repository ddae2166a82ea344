// What only the OpenCL backend has: extensions of phones' drivers, executed for real where this
// machine's driver has them and through a stand-in where only Qualcomm's does; and bounded waits.
#include <doctest/doctest.h>

#include <cstring>

#include "backends/gpu/session.h"
#include "backends/opencl/command_buffer.h"
#include "test/gpu/api.h"
#include "test/gpu/decoder.h"

using namespace npb;
using namespace npb::opencl;
using test::Replaced;

namespace {

constexpr uint32_t kPrompt = 19, kSteps = 3;  // more rows than a matvec takes, not a full tile

std::optional<PlatformDevice> first_device() {
  const char* only = std::getenv("NPB_TEST_GPU_API");
  auto devices = platform_devices();
  if (devices.ok() && (!only || std::string(only) == "opencl")) return (*devices)[0];
  MESSAGE("skipped: " << (devices.ok() ? "OpenCL is left out" : devices.error().message));
  return std::nullopt;
}

/// As if it were a GPU: the kernels of wide hardware, and every extension that it offers.
void as_hardware(PlatformDevice& device) {
  device.limits.software = device.limits.vector_items = false;
  device.limits.max_workgroup_size = std::min(device.limits.max_workgroup_size, 1024u);
  device.limits.max_shared_bytes = 32768;
  detect_features(device);
}

Api& table() { return const_cast<Api&>(**api()); }

Result<std::unique_ptr<Session>> open(const PlatformDevice& device,
                                      const std::shared_ptr<const Model>& model,
                                      Precision precision = Precision::f32) {
  const uint64_t begin = now_ns();
  NPB_TRY_ASSIGN(std::unique_ptr<gpu::Device> opened, OpenClDevice::open(device, {}));
  NPB_TRY_ASSIGN(Graph graph, build_graph(model, {}));
  return gpu::open_session(std::move(opened), std::move(graph),
                           {.max_tokens = kPrompt + kSteps,
                            .max_step_tokens = kPrompt,
                            .precision = precision,
                            .threads = 2},
                           begin, now_ns());
}

struct Case {
  explicit Case(TensorType type) {
    test::TinyModel tiny;
    tiny.type = type;
    tiny.d_model = tiny.n_heads * 64;  // blocks of 256 fill every matrix
    tiny.head_dim = 64;
    tiny.d_ff = 512;
    auto loaded = test::load_tiny(tiny, folder);
    REQUIRE_MESSAGE(loaded.ok(), loaded.error().message);
    model = *loaded;
    prompt = test::random_tokens(kPrompt, model->hp.vocab_size, 7);
    expected = test::run_decoder(*find_backend("reference"), model, prompt, 1, kSteps,
                                 Precision::automatic);
  }
  double error(Session& session) const {
    const test::Outcome actual =
        test::run_decoder(session, model->hp.vocab_size, prompt, 1, kSteps);
    return test::normalized_error(actual.logits, expected.logits);
  }
  test::TempFolder folder;
  std::shared_ptr<const Model> model;
  std::vector<int32_t> prompt;
  test::Outcome expected;
};

std::string offered(const PlatformDevice& device) {
  std::string text = device.info.name + ":";
  for (const char* key : {"replay", "subgroup_shuffle", "f16_arithmetic", "image_weights"})
    text += std::string(" ") + key + " " + device.info.properties.at(key);
  return text;
}

// A stand-in for cl_qcom_recordable_queues on another driver: a queue that keeps launches, and a
// submission that passes them on. What it can't show is Qualcomm's own behaviour.
struct StandIn {
  decltype(table().clCreateCommandQueue) create_queue = nullptr;
  decltype(table().clEnqueueNDRangeKernel) enqueue = nullptr;
  cl_command_queue recording_queue = nullptr;
  std::vector<Launch> kept;  // of the recording that is open
  std::vector<std::vector<Launch>> recordings;
  uint32_t live = 0, submissions = 0, launches_outside = 0;
};
StandIn stand_in;

cl_command_queue CL_API_CALL create_queue(cl_context context, cl_device_id device,
                                          cl_command_queue_properties properties, cl_int* status) {
  if (!(properties & kQueueRecordable))
    return stand_in.create_queue(context, device, properties, status);
  CHECK((properties & CL_QUEUE_PROFILING_ENABLE) == 0);
  return stand_in.recording_queue = stand_in.create_queue(context, device, 0, status);
}

cl_int CL_API_CALL enqueue(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions,
                           const size_t* offset, const size_t* global, const size_t* local,
                           cl_uint waits, const cl_event* wait_list, cl_event* event) {
  if (queue != stand_in.recording_queue) {
    ++stand_in.launches_outside;
    return stand_in.enqueue(queue, kernel, dimensions, offset, global, local, waits, wait_list,
                            event);
  }
  Launch launch{.kernel = kernel};
  std::copy_n(global, 3, launch.global);
  std::copy_n(local, 3, launch.local);
  stand_in.kept.push_back(launch);
  return CL_SUCCESS;
}

RecordingHandle CL_API_CALL new_recording(cl_command_queue queue, cl_int* status) {
  CHECK(queue == stand_in.recording_queue);
  stand_in.kept.clear();
  ++stand_in.live;
  *status = CL_SUCCESS;
  return reinterpret_cast<RecordingHandle>(stand_in.recordings.size() + 1);
}
cl_int CL_API_CALL end_recording(RecordingHandle) {
  stand_in.recordings.push_back(stand_in.kept);
  return CL_SUCCESS;
}
cl_int CL_API_CALL release_recording(RecordingHandle) {
  --stand_in.live;
  return CL_SUCCESS;
}
cl_int CL_API_CALL enqueue_recording(cl_command_queue queue, RecordingHandle recording, size_t,
                                     const void*, size_t, const void*, size_t, const void*, size_t,
                                     const void*, cl_uint, const cl_event*, cl_event*) {
  ++stand_in.submissions;
  for (const Launch& launch : stand_in.recordings[reinterpret_cast<size_t>(recording) - 1]) {
    const cl_int status = stand_in.enqueue(queue, launch.kernel, 3, nullptr, launch.global,
                                           launch.local, 0, nullptr, nullptr);
    if (status != CL_SUCCESS) return status;
  }
  return CL_SUCCESS;
}
void* CL_API_CALL extension(cl_platform_id, const char* name) {
  const std::string wanted = name;
  if (wanted == "clNewRecordingQCOM") return reinterpret_cast<void*>(&new_recording);
  if (wanted == "clEndRecordingQCOM") return reinterpret_cast<void*>(&end_recording);
  if (wanted == "clReleaseRecordingQCOM") return reinterpret_cast<void*>(&release_recording);
  if (wanted == "clEnqueueRecordingQCOM") return reinterpret_cast<void*>(&enqueue_recording);
  return nullptr;
}

}  // namespace

TEST_CASE("OpenCL: every extension that the driver offers, on every weight format") {
  auto device = first_device();
  if (!device) return;
  as_hardware(*device);
  MESSAGE(offered(*device));
  for (TensorType type :
       {TensorType::f32, TensorType::f16, TensorType::bf16, TensorType::q8_0, TensorType::q5_1,
        TensorType::q4_0, TensorType::q4_1, TensorType::q4_k, TensorType::q6_k}) {
    CAPTURE(std::string(tensor_type_info(type).name));
    const Case one(type);
    auto session = open(*device, one.model);
    REQUIRE_MESSAGE(session.ok(), session.error().message);
    CHECK(one.error(**session) < 1e-5);
  }
}

TEST_CASE("OpenCL: half-precision products stay within their bound, and are asked for by name") {
  auto device = first_device();
  if (!device) return;
  as_hardware(*device);
  const Case one(TensorType::q8_0);
  if (!device->limits.f16_arithmetic) {
    // What is offered but not compiled is left out, and the rest stays.
    device->limits.f16_arithmetic = true;
    auto opened = OpenClDevice::open(*device, {});
    REQUIRE_MESSAGE(opened.ok(), opened.error().message);
    CHECK_FALSE((*opened)->limits().f16_arithmetic);
    CHECK((*opened)->limits().max_image_texels == device->limits.max_image_texels);
    CHECK((*opened)->info().properties.at("f16_arithmetic").find("refused") != std::string::npos);
    MESSAGE("this driver has no f16 arithmetic: its form is not executed here");
  }
  auto exact = open(*device, one.model, Precision::f32);
  REQUIRE_MESSAGE(exact.ok(), exact.error().message);
  CHECK(one.error(**exact) < 1e-5);
  auto half = open(*device, one.model, Precision::f16);
  REQUIRE_MESSAGE(half.ok(), half.error().message);
  const double error = one.error(**half);
  MESSAGE("error with --precision f16: " << error);
  CHECK(error < 1e-3);
  CHECK(error > 1e-6);  // the KV cache at least is in half precision
}

TEST_CASE("OpenCL: a step replayed as a command buffer is one submission with the same result") {
  auto device = first_device();
  if (!device) return;
  const Case one(TensorType::q4_1);
  auto direct = open(*device, one.model);
  REQUIRE_MESSAGE(direct.ok(), direct.error().message);
  as_hardware(*device);
  if (device->features.replay != ReplayKind::command_buffer) {
    MESSAGE("skipped: " << offered(*device));
    return;
  }
  device = first_device();
  device->features.replay = ReplayKind::command_buffer;  // and a processor's own kernels
  auto replayed = open(*device, one.model);
  REQUIRE_MESSAGE(replayed.ok(), replayed.error().message);
  static uint32_t launches;
  launches = 0;
  const Replaced counted(
      table().clEnqueueNDRangeKernel,
      +[](cl_command_queue, cl_kernel, cl_uint, const size_t*, const size_t*, const size_t*,
          cl_uint, const cl_event*, cl_event*) -> cl_int {
        ++launches;
        return CL_INVALID_OPERATION;
      });
  CHECK(one.error(**replayed) < 1e-5);
  CHECK(launches == 0);
}

TEST_CASE("OpenCL: Qualcomm's recordable queues, on a stand-in") {
  auto device = first_device();
  if (!device) return;
  device->features.replay = ReplayKind::recording;
  Api& cl = table();
  stand_in = {};
  stand_in.create_queue = cl.clCreateCommandQueue;
  stand_in.enqueue = cl.clEnqueueNDRangeKernel;
  const Replaced queues(cl.clCreateCommandQueue, &create_queue);
  const Replaced launches(cl.clEnqueueNDRangeKernel, &enqueue);
  const Case one(TensorType::q4_1);
  {
    // Functions that are missing: launches one by one, and the properties say why.
    const Replaced nothing(
        cl.clGetExtensionFunctionAddressForPlatform,
        +[](cl_platform_id, const char*) -> void* { return nullptr; });
    auto session = open(*device, one.model);
    REQUIRE_MESSAGE(session.ok(), session.error().message);
    CHECK(one.error(**session) < 1e-5);
    CHECK(stand_in.launches_outside > 0);
  }
  const Replaced functions(cl.clGetExtensionFunctionAddressForPlatform, &extension);
  stand_in.launches_outside = 0;
  auto session = open(*device, one.model);
  REQUIRE_MESSAGE(session.ok(), session.error().message);
  CHECK(stand_in.live == 2);  // a decode step and the longest one
  CHECK(one.error(**session) < 1e-5);
  CHECK(stand_in.submissions == 1 + kSteps);
  CHECK(stand_in.launches_outside == 0);
  (*session).reset();
  CHECK(stand_in.live == 0);
}

TEST_CASE("OpenCL: hints by performance profile, where the device offers them") {
  const auto of = [](const char* profile, HintSupport support) {
    const auto hints = hints_for(profile);
    REQUIRE_MESSAGE(hints.ok(), hints.error().message);
    return context_properties(*hints, support);
  };
  using Properties = std::vector<cl_context_properties>;
  CHECK(of("", {true, true}) == Properties{0x40C2, 0x40C3, 0x40C9, 0x40CA});
  CHECK(of("burst", {true, false}) == Properties{0x40C2, 0x40C3});
  CHECK(of("high_performance", {true, true}) == Properties{0x40C2, 0x40C3, 0x40C9, 0x40CB});
  CHECK(of("balanced", {true, true}) == Properties{0x40C2, 0x40C4, 0x40C9, 0x40CB});
  CHECK(of("extreme_power_saver", {true, true}) == Properties{0x40C2, 0x40C5, 0x40C9, 0x40CC});
  CHECK(of("power_saver", {false, false}).empty());
  CHECK(of("default", {true, true}).empty());
  const auto unknown = hints_for("turbo");
  REQUIRE_FALSE(unknown.ok());
  CHECK(unknown.error().message.find("burst") != std::string::npos);

  auto device = first_device();
  if (!device) return;
  static std::vector<cl_context_properties> seen;
  const Replaced recording(
      table().clCreateContext,
      +[](const cl_context_properties* properties, cl_uint, const cl_device_id*,
          void(CL_CALLBACK*)(const char*, const void*, size_t, void*), void*,
          cl_int* status) -> cl_context {
        seen.clear();
        for (; *properties != 0; ++properties) seen.push_back(*properties);
        *status = CL_DEVICE_NOT_AVAILABLE;
        return nullptr;
      });
  for (bool has : {false, true}) {
    device->features.hints = {has, has};
    CHECK_FALSE(OpenClDevice::open(*device, {}).ok());
    CHECK(seen.size() == (has ? 6 : 2));
  }
}

TEST_CASE("OpenCL: a hang is a timeout in bounded time, and nothing waits for the device again") {
  auto device = first_device();
  if (!device) return;
  const Case one(TensorType::f32);
  device->wait_limit = std::chrono::milliseconds(300);
  auto session = open(*device, one.model);
  REQUIRE_MESSAGE(session.ok(), session.error().message);
  const auto step = [&] {
    std::vector<int32_t> next(1);
    StepTiming timing;
    return (*session)->forward(one.prompt, next, timing);
  };
  Api& cl = table();
  {
    // The device stays at it for ever; the driver's callback never comes.
    const Replaced silent(
        cl.clSetEventCallback,
        +[](cl_event, cl_int, void(CL_CALLBACK*)(cl_event, cl_int, void*), void*) -> cl_int {
          return CL_SUCCESS;
        });
    const Replaced running(
        cl.clGetEventInfo, +[](cl_event, cl_event_info, size_t, void* value, size_t*) -> cl_int {
          *static_cast<cl_int*>(value) = CL_RUNNING;
          return CL_SUCCESS;
        });
    const uint64_t begin = now_ns();
    const auto hung = step();
    REQUIRE_FALSE(hung.ok());
    CHECK(hung.error().code == ErrorCode::timeout);
    CHECK(hung.error().message.find("didn't finish in 300 ms: the GPU hangs; ") !=
          std::string::npos);
    CHECK(now_ns() - begin >= 300'000'000);
  }
  const auto again = step();
  REQUIRE_FALSE(again.ok());
  CHECK(again.error().code == ErrorCode::timeout);
  std::vector<float> logits(one.model->hp.vocab_size);
  (*session)->reset();
  const Replaced never(
      cl.clFinish, +[](cl_command_queue) -> cl_int {
        FAIL("waited for a device that hangs");
        return CL_SUCCESS;
      });
  (*session).reset();  // closing waits no more: this line is passed
}

TEST_CASE("OpenCL: a callback that a driver loses costs time, not the run") {
  auto device = first_device();
  if (!device) return;
  const Case one(TensorType::f32);
  auto session = open(*device, one.model);
  REQUIRE_MESSAGE(session.ok(), session.error().message);
  const Replaced silent(
      table().clSetEventCallback,
      +[](cl_event, cl_int, void(CL_CALLBACK*)(cl_event, cl_int, void*), void*) -> cl_int {
        return CL_SUCCESS;
      });
  CHECK(one.error(**session) < 1e-5);
}

TEST_CASE("OpenCL: parts can be left out by the environment") {
  auto device = first_device();
  if (!device) return;
  as_hardware(*device);
  const uint64_t texels = device->limits.max_image_texels;
  ::setenv("NPU_BENCH_OPENCL_WITHOUT", "images,replay,shuffle,f16,hints", 1);
  device = first_device();
  as_hardware(*device);
  CHECK(device->limits.max_image_texels == 0);
  CHECK(device->features.replay == ReplayKind::none);
  CHECK(device->features.shuffle == Shuffle::none);
  CHECK_FALSE(device->limits.f16_arithmetic);
  ::setenv("NPU_BENCH_OPENCL_WITHOUT", "imagesque", 1);
  device = first_device();
  as_hardware(*device);
  CHECK(device->limits.max_image_texels == texels);
  ::unsetenv("NPU_BENCH_OPENCL_WITHOUT");
}

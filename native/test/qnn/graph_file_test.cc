// Context binaries as models: described, refused, executed with generated inputs.
#include <cstring>
#include <fstream>
#include <set>

#include "backends/qnn/context_model.h"
#include "backends/qnn/device.h"
#include "backends/qnn/io_memory.h"
#include "backends/qnn/qnn_backend.h"
#include "backends/qnn/tensor_data.h"
#include "bench/runner.h"
#include "test/qnn/fake_library.h"
#include "test/support/random_model.h"

using namespace npb;

namespace {

qnn::Tensor tensor(qnn::Handle graph, const qnn::Functions& f, const char* name, uint32_t type,
                   uint32_t data_type, std::vector<uint32_t>& dims) {
  qnn::Tensor one = {};
  one.version = 1;
  one.body.name = name;
  one.body.type = type;
  one.body.data_type = data_type;
  one.body.quantization.definition = one.body.quantization.encoding = qnn::kUndefined;
  one.body.rank = static_cast<uint32_t>(dims.size());
  one.body.dimensions = dims.data();
  REQUIRE(f.tensor_create_graph_tensor(graph, &one) == 0);
  return one;
}

/// Two graphs that add two tensors of `data_type` each.
void write_binary(const std::filesystem::path& path, uint32_t data_type) {
  auto device = qnn::Device::open(test::FakeRuntime::extra());
  REQUIRE_MESSAGE(device.ok(), device.error().message);
  const qnn::Functions& f = (*device)->functions();
  qnn::Handle context = nullptr;
  REQUIRE(f.context_create((*device)->backend(), (*device)->device(), nullptr, &context) == 0);
  for (const char* name : {"first", "second"}) {
    std::vector<uint32_t> dims = {2, 3, 4};
    qnn::Handle graph = nullptr;
    REQUIRE(f.graph_create(context, name, nullptr, &graph) == 0);
    qnn::Tensor inputs[] = {tensor(graph, f, "a", qnn::kAppWrite, data_type, dims),
                            tensor(graph, f, "b", qnn::kAppWrite, data_type, dims)};
    qnn::Tensor sum = tensor(graph, f, "sum", qnn::kAppRead, data_type, dims);
    REQUIRE(f.graph_add_node(graph, {1, "sum", "qti.aisw", "ElementWiseAdd", 0, nullptr, 2, inputs,
                                     1, &sum}) == 0);
    REQUIRE(f.graph_finalize(graph, nullptr, nullptr) == 0);
  }
  uint64_t bytes = 0, written = 0;
  REQUIRE(f.context_get_binary_size(context, &bytes) == 0);
  std::vector<char> binary(bytes);
  REQUIRE(f.context_get_binary(context, binary.data(), bytes, &written) == 0);
  f.context_free(context, nullptr);
  std::ofstream(path, std::ios::binary).write(binary.data(), static_cast<long>(written));
}

struct Binary {
  test::FakeRuntime fake;
  test::TempFolder folder;
  std::string path = (folder.path() / "x.bin").string();
  explicit Binary(uint32_t data_type = qnn::kUfixed8) { write_binary(path, data_type); }
  SessionOptions options(std::map<std::string, std::string> more = {}) const {
    SessionOptions result;
    result.extra = test::FakeRuntime::extra();
    result.extra.merge(more);
    return result;
  }
  std::string open_error(std::map<std::string, std::string> more = {}) const {
    const auto session = qnn_backend().open_file(path, options(std::move(more)));
    return session.ok() ? "" : session.error().message;
  }
};

}  // namespace

TEST_CASE("a context binary is described with graphs, tensors, quantisation, chip and runtime") {
  Binary binary;
  REQUIRE(qnn_backend().opens(binary.path));
  CHECK(!qnn_backend().opens(binary.folder.path().string()));
  for (uint32_t encoding : {0u, 1u, 2u, 5u, qnn::kUndefined}) {
    CAPTURE(encoding);
    binary.fake.system.quantization = encoding;
    const auto model = qnn_backend().describe(binary.path, binary.options());
    REQUIRE_MESSAGE(model.ok(), model.error().message);
    CHECK((*model)->hp.family == ModelFamily::graph);
    CHECK((*model)->format == "qnn-context");
    CHECK((*model)->quantization == "ufixed8");
    REQUIRE((*model)->graphs.size() == 2);
    const StoredGraph& graph = (*model)->graphs[0];
    CHECK(graph.name == "first");
    REQUIRE(graph.inputs.size() == 2);
    CHECK(graph.inputs[1].name == "b");
    CHECK(graph.inputs[1].dims == std::vector<uint32_t>{2, 3, 4});
    CHECK(graph.inputs[1].bytes == 24);
    CHECK(graph.outputs[0].quantization.empty() == (encoding == qnn::kUndefined));
    CHECK((*model)->metadata[2].second.find("SM8650") == 0);
    // Pointers of the library's are never handed on: execution works whatever they led to.
    CHECK(binary.open_error().empty());
  }
  CHECK(binary.fake.system.live_contexts == 0);
}

TEST_CASE("graphs are executed with inputs of each tensor's own type, the same every time") {
  for (uint32_t type : {qnn::kUfixed8, qnn::kUfixed16, qnn::kInt32, qnn::kFloat16, qnn::kFloat32,
                        qnn::kSfixed8, qnn::kBool8}) {
    CAPTURE(qnn::data_type_name(type));
    Binary binary(type);
    std::set<uint64_t> digests;
    for (const char* memory : {"shared", "copied", "auto"}) {
      auto session = qnn_backend().open_file(binary.path, binary.options({{"io_memory", memory}}));
      REQUIRE_MESSAGE(session.ok(), session.error().message);
      CHECK((*session)->graph_names() == std::vector<std::string>{"first", "second"});
      IterationSamples samples;
      Workload three;
      three.output_tokens = 3;
      Hyperparameters hp;
      hp.family = ModelFamily::graph;
      const auto done = run_iteration(**session, three, hp, samples);
      REQUIRE_MESSAGE(done.ok(), done.error().message);
      REQUIRE(samples.steps.size() == 6);
      for (size_t i = 0; i < 6; ++i) {
        CHECK(samples.steps[i].wall_ns > 0);
        CHECK(samples.steps[i].execute_ns <= 3000);
        CHECK((i == 0 || samples.token_ns[i] > samples.token_ns[i - 1]));
      }
      digests.insert(samples.logits_digest);
      const bool shared = std::strcmp(memory, "copied") != 0;
      CHECK(binary.fake.control.live_memory == (shared ? 6 : 0));
      CHECK((binary.fake.control.shared_reads > 0) == shared);
      binary.fake.control.shared_reads = 0;
      CHECK(((*session)->placement()[0].kernel.find("shared") != std::string::npos) == shared);
      CHECK(!(*session)->execute(2, samples.steps[0]).ok());
    }
    CHECK(digests.size() == 1);
    CHECK(binary.fake.control.live() == 0);
    CHECK(binary.fake.rpc.live_blocks == 0);
    CHECK(binary.fake.rpc.allocations == 12);
  }
}

TEST_CASE("one graph can be chosen by its name, and another seed gives other inputs") {
  Binary binary;
  std::set<uint64_t> digests;
  for (const char* seed : {"0", "1"}) {
    auto session = qnn_backend().open_file(binary.path,
                                           binary.options({{"graphs", "second"}, {"seed", seed}}));
    REQUIRE_MESSAGE(session.ok(), session.error().message);
    CHECK((*session)->graph_names() == std::vector<std::string>{"second"});
    StepTiming timing;
    REQUIRE((*session)->execute(0, timing).ok());
    digests.insert((*session)->output_digest());
  }
  CHECK(digests.size() == 2);
  CHECK(binary.open_error({{"graphs", "third"}}).find("it has first, second") != std::string::npos);
}

TEST_CASE("per-node times come from a profiled session") {
  Binary binary;
  SessionOptions options = binary.options({{"graphs", "first"}});
  options.profile = true;
  auto session = qnn_backend().open_file(binary.path, options);
  REQUIRE_MESSAGE(session.ok(), session.error().message);
  StepTiming timing;
  REQUIRE((*session)->execute(0, timing).ok());
  const auto lines = (*session)->profile();
  REQUIRE(lines.ok());
  REQUIRE(lines->size() == 1);
  CHECK((*lines)[0].node == "blk.0.attn_q");
  CHECK((*lines)[0].calls == 1);
  CHECK((*lines)[0].total_ns == 3000);
}

TEST_CASE("a binary for another chip or from a later runtime is refused before it is loaded") {
  Binary binary;
  binary.fake.control.fail_call = "contextCreateFromBinary";  // must not be reached
  binary.fake.control.build_id = "v2.51.0.1";
  binary.fake.system.build_id = "v2.52.0.1";
  CHECK(binary.open_error().find("later runtime (QNN v2.52.0.1)") != std::string::npos);
  binary.fake.system.build_id = "v2.50.9.9";
  binary.fake.system.soc_model = 69;
  binary.fake.system.arch = 79;
  const std::string other = binary.open_error({{"qnn_soc", "57"}});
  CHECK(other.find("for Hexagon v79, but this chip has v75") != std::string::npos);
  binary.fake.system.arch = 75;
  CHECK(binary.open_error({{"qnn_soc", "57"}})
            .find("for SM8750 (Snapdragon 8 Elite), but this is "
                  "SM8650") != std::string::npos);
  CHECK(binary.open_error({{"qnn_soc", "SM0"}}).find("No chip is called") != std::string::npos);
  // Told to let the runtime decide, it is asked.
  CHECK(binary.open_error({{"qnn_soc", "57"}, {"any_soc", "yes"}}).find("Loading the context") ==
        0);
  // Without a version in the build's name the core API decides.
  binary.fake.control.build_id = binary.fake.system.build_id = "fake";
  binary.fake.system = {};
  binary.fake.control.core_minor = 39;
  CHECK(binary.open_error().find("core API 2.40.0) than this one (core API 2.39.0)") !=
        std::string::npos);
  CHECK(binary.fake.control.live() == 0);
}

TEST_CASE("hostile descriptions never reach the loader") {
  Binary binary;
  binary.fake.control.fail_call = "contextCreateFromBinary";
  for (uint32_t kind = 1; kind < static_cast<uint32_t>(qnn::fake::Hostile::count); ++kind) {
    CAPTURE(kind);
    binary.fake.system.hostile = static_cast<qnn::fake::Hostile>(kind);
    const std::string error = binary.open_error();
    CHECK(error.find("context binary") != std::string::npos);
    CHECK(error.find("Loading") == std::string::npos);
    CHECK(!qnn_backend().describe(binary.path, binary.options()).ok());
  }
  CHECK(binary.fake.control.live() == 0);
  CHECK(binary.fake.system.live_contexts == 0);
  std::ofstream(binary.path, std::ios::trunc).close();
  CHECK(binary.open_error().find("is empty") != std::string::npos);
}

TEST_CASE("each failing call on the way is a sentence, and nothing leaks") {
  Binary binary;
  for (const char* call : {"contextCreateFromBinary", "graphRetrieve", "graphExecute",
                           "createPowerConfigId", "setPowerConfig", "backendCreate"}) {
    CAPTURE(call);
    binary.fake.control.fail_call = call;
    auto session = qnn_backend().open_file(binary.path, binary.options());
    std::string message = session.ok() ? "" : session.error().message;
    if (session.ok()) {
      StepTiming timing;
      const auto done = (*session)->execute(0, timing);
      REQUIRE(!done.ok());
      message = done.error().message;
    }
    CHECK(message.find("was told to fail") != std::string::npos);
    session = Error{};
    CHECK(binary.fake.control.live() == 0);
    CHECK(binary.fake.rpc.live_blocks == 0);
    binary.fake.clear();
  }
}

TEST_CASE("memory that can't be shared is copied, and why is told; demanded, it is an error") {
  Binary binary;
  const auto kernel = [&] {
    auto session = qnn_backend().open_file(binary.path, binary.options());
    REQUIRE_MESSAGE(session.ok(), session.error().message);
    StepTiming timing;
    REQUIRE((*session)->execute(0, timing).ok());
    return (*session)->placement()[0].kernel;
  };
  const auto check = [&](const char* why) {
    CHECK(kernel().find(why) != std::string::npos);
    CHECK(binary.open_error({{"io_memory", "shared"}}).find(why) != std::string::npos);
    CHECK(binary.fake.control.live() == 0);
    CHECK(binary.fake.rpc.live_blocks == 0);
  };
  binary.fake.control.missing_entry = "memRegister";
  check("registers no memory");
  binary.fake.clear();
  binary.fake.rpc.refuse = true;
  check("rpcmem refused 24 bytes");
  binary.fake.clear();
  binary.fake.control.fail_call = "memRegister";
  binary.fake.control.fail_code = 8003;
  CHECK(kernel().find("refused to register") != std::string::npos);
  binary.fake.clear();
  // The third tensor is the first one that is refused: what was registered before stays so.
  binary.fake.control.fail_call = "memRegister";
  binary.fake.control.fail_at = 2;
  CHECK(kernel().find("refused to register") != std::string::npos);
  CHECK(binary.fake.control.shared_reads == 2);
  CHECK(binary.open_error({{"io_memory", "sometimes"}}).find("auto, shared or copied") !=
        std::string::npos);
  CHECK(binary.fake.control.live() == 0);
}

TEST_CASE("generated inputs fit their type") {
  std::vector<std::byte> data(64);
  qnn::generate_input(qnn::kInt32, 0, "ids", data);
  for (size_t i = 0; i < 16; ++i) {
    int32_t value = 0;
    std::memcpy(&value, data.data() + 4 * i, 4);
    CHECK((value == 0 || value == 1));
  }
  qnn::generate_input(qnn::kFloat32, 0, "x", data);
  for (size_t i = 0; i < 16; ++i) {
    float value = 0;
    std::memcpy(&value, data.data() + 4 * i, 4);
    CHECK(value >= -1.0f);
    CHECK(value < 1.0f);
  }
  CHECK(qnn::tensor_bytes(qnn::kSfixed4, 5) == 3);
  CHECK(qnn::tensor_bytes(0x999, 5) == 0);
  CHECK(qnn::data_type_name(0x999) == "type 0x999");
}

#include "backends/qnn/qnn_backend.h"

#include <filesystem>
#include <utility>

#include "backends/qnn/context_model.h"
#include "backends/qnn/device.h"
#include "backends/qnn/genie.h"
#include "backends/qnn/genie_session.h"
#include "backends/qnn/graph_session.h"
#include "backends/qnn/plans.h"
#include "backends/qnn/session.h"

namespace npb {
namespace {

/// The sentences of an error as reason (the first) and remedy (the rest).
Unavailable split(const std::string& message) {
  for (const char* mark : {"; fetch it", "; install", "; use ", "; update", ". What to do: "}) {
    const size_t at = message.find(mark);
    if (at == std::string::npos) continue;
    std::string remedy = message.substr(at + 2);
    if (remedy.rfind("What to do: ", 0) == 0) remedy.erase(0, 12);
    remedy[0] =
        static_cast<char>(remedy[0] >= 'a' && remedy[0] <= 'z' ? remedy[0] - 32 : remedy[0]);
    return {message.substr(0, at) + ".", remedy};
  }
  return {message, "`npu-bench doctor` lists what the NPU needs on this system."};
}

bool is_bundle(const std::string& path) {
  std::error_code ignored;  // what can't be looked at is told when it is opened
  return std::filesystem::exists(utf8_path(path) / "genie_config.json", ignored);
}

class QnnBackend final : public Backend {
 public:
  const char* id() const override { return "qnn"; }
  DeviceKind kind() const override { return DeviceKind::npu; }

  ProbeResult probe(const SessionOptions& options) const override {
    const auto device = qnn::Device::open(options.extra);
    if (!device.ok()) return {.devices = {}, .unavailable = split(device.error().message)};
    return {.devices = {(*device)->info()}, .unavailable = {}};
  }

  bool opens(const std::string& path) const override {
    std::error_code ignored;  // what can't be looked at is told when it is opened
    if (std::filesystem::is_directory(utf8_path(path), ignored)) return is_bundle(path);
    return path.ends_with(".bin");
  }
  Result<std::shared_ptr<const Model>> describe(const std::string& path,
                                                const SessionOptions& options) const override {
    if (is_bundle(path)) {
      NPB_TRY_ASSIGN(const qnn::GenieBundle bundle, qnn::read_genie_bundle(path));
      return qnn::model_of(bundle);
    }
    NPB_TRY_ASSIGN(std::shared_ptr<const qnn::Library> library, qnn::Library::open(options.extra));
    NPB_TRY_ASSIGN(const qnn::ContextFile file, qnn::read_context_file(*library, path));
    return qnn::model_of(file);
  }
  Result<std::unique_ptr<Session>> open_file(const std::string& path,
                                             const SessionOptions& options) const override {
    return is_bundle(path) ? qnn::open_genie_session(path, options)
                           : qnn::open_graph_session(path, options);
  }
  Result<uint64_t> prepare(Graph graph, const SessionOptions& options,
                           const std::string& path) const override {
    return qnn::prepare(graph, options, path);
  }

  Result<std::unique_ptr<Session>> open(Graph graph, const SessionOptions& options) const override {
    return qnn::open_session(std::move(graph), options);
  }
};

}  // namespace

const Backend& qnn_backend() {
  static const QnnBackend backend;
  return backend;
}

}  // namespace npb

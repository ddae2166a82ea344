// What a device must offer. A Backend finds devices; a Session is one model compiled for one of
// them. Nothing here falls back to another device: a graph that a backend cannot run is an error.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "graph/graph.h"

namespace npb {

enum class DeviceKind { cpu, gpu, npu };
constexpr const char* name(DeviceKind kind) {
  return kind == DeviceKind::cpu ? "cpu" : kind == DeviceKind::gpu ? "gpu" : "npu";
}
enum class Precision { automatic, f32, f16, int8, int4 };

struct DeviceInfo {
  DeviceKind kind = DeviceKind::cpu;
  std::string backend;             // "xnnpack", "vulkan", "opencl", "qnn", "reference"
  uint32_t index = 0;              // among the backend's devices
  std::string name;                // "Adreno (TM) 750"
  std::string compute_capability;  // "v75", "Vulkan 1.3.230", "avx512vnni"; empty if meaningless
  std::string driver;
  std::string runtime_version;
  std::string soc;
  std::optional<uint64_t> memory_bytes;
  bool software = false;   // a CPU imitating the device (lavapipe, PoCL)
  bool simulated = false;  // the vendor's simulator, or a fake: its times mean nothing
  std::map<std::string, std::string> properties;  // whatever else `devices --json` should show
};

/// Why a backend can't be used here, and what the user can do about it.
struct Unavailable {
  std::string reason;
  std::string remedy;
};

struct ProbeResult {
  std::vector<DeviceInfo> devices;
  std::optional<Unavailable> unavailable;  // set when devices is empty
};

struct SessionOptions {
  uint32_t device_index = 0;
  uint32_t batch = 1;            // B, fixed for the session
  uint32_t max_tokens = 0;       // KV cache capacity per sequence: input + output length
  uint32_t max_step_tokens = 0;  // largest T of one forward call (the input length)
  Precision precision = Precision::automatic;
  uint32_t threads = 0;                // CPU: 0 = one per performance core
  std::vector<uint32_t> cpu_ids = {};  // pin workers to these, in order; empty = no pinning
  std::string packed_cache_dir = {};   // empty: no packed-weights cache
  bool profile = false;  // per-op times (slower: such a run's totals are not reported)
  std::map<std::string, std::string> extra = {};  // backend's own ("qnn_lib_dir", "perf_profile")
};

/// What one forward call cost. `wall_ns` is always there; the split where the backend can tell.
/// transfer + dispatch + execute + synchronize <= wall.
struct StepTiming {
  uint64_t wall_ns = 0;
  std::optional<uint64_t> transfer_ns;     // bytes to and from the device
  std::optional<uint64_t> dispatch_ns;     // recording and submitting, context switches
  std::optional<uint64_t> execute_ns;      // by the device's own clock where it has one
  std::optional<uint64_t> synchronize_ns;  // waiting beyond execution
  /// Processor time of the calling thread outside waiting for the device.
  std::optional<uint64_t> host_cpu_ns;
  std::optional<uint32_t> submissions;  // times that the driver was handed work
};

/// Phases of opening a session, for the cold start. Absolute end times on now_ns(), in order.
struct OpenTimeline {
  uint64_t begin_ns = 0;
  uint64_t device_open_ns = 0;
  uint64_t weights_ready_ns = 0;  // read, packed or uploaded
  uint64_t compile_ns = 0;        // pipelines or graphs ready; end of open
  bool packed_cache_hit = false;
  /// Whether compiled kernels came from an earlier process's cache; absent where nothing is
  /// compiled, or where the driver gives no kernels to keep.
  std::optional<bool> kernel_cache_hit = std::nullopt;
  uint64_t weight_read_bytes = 0;
};

struct MemoryReport {
  uint64_t weights_bytes = 0;
  uint64_t kv_cache_bytes = 0;
  uint64_t activations_bytes = 0;
  uint64_t other_bytes = 0;
  bool counted_in_process = true;  // false: device memory that the process's RSS doesn't show
};

/// One line of "which op ran where, in which format".
struct PlacementEntry {
  std::string op;              // op kind: "linear"
  std::string where;           // "cpu", "gpu:vulkan", "npu:qnn"
  std::string kernel;          // "qd8_f32_qb4w+minimum"
  std::string stored_type;     // "Q4_1"; empty without weights
  std::string compute_format;  // "int4 block 32, int8 activations"
  uint32_t count = 0;
  uint64_t macs_per_token = 0;
  uint64_t weight_bytes = 0;  // as held on the device
};

struct OpProfile {
  std::string node;  // "blk.3.attn_q"
  std::string op;
  uint64_t calls = 0;
  uint64_t total_ns = 0;
  uint64_t bytes = 0;  // weights and KV cache read over all calls
  uint64_t flops = 0;
};

/// What a runtime that drives its own loop made of one prompt.
struct Generated {
  std::span<int32_t> ids;        // decoder: room for the longest answer
  std::span<uint64_t> token_ns;  // the moment each token was known on the host, on now_ns()
  size_t count = 0;              // tokens that came; fewer than there is room for at a stop token
  std::vector<float> embedding;  // encoder
  std::map<std::string, double> own_figures;  // the runtime's own, by its names and with its units
};

/// Called on the thread that drives the session when step `step` of decode() has its tokens on the
/// host, [batch]; the next step may already run.
using StepDone =
    std::function<void(uint32_t step, std::span<const int32_t> tokens, const StepTiming& timing)>;

/// Not thread-safe: one thread drives a session.
class Session {
 public:
  virtual ~Session() = default;

  /// One step of a decoder: B*T token ids (sequence-major) enter the KV cache; `next` receives the
  /// greedy token for each row of the graph's logits (B, or B*T with all_logits), and may be the
  /// same memory as `tokens`. Everything it needs was allocated when the session opened: success
  /// allocates nothing. Errors: invalid_argument when the step or the KV cache would overflow;
  /// device_lost, out_of_memory.
  virtual Result<void> forward(std::span<const int32_t> tokens, std::span<int32_t> next,
                               StepTiming& timing) = 0;
  /// `steps` decode steps of one token per sequence, each fed with the greedy tokens of the step
  /// before it, the first with `next`; `next` receives the last step's tokens. A backend that feeds
  /// itself submits a step before the host has read the previous one's tokens; a step's wall time
  /// is then what passed since the step before it was done. Errors: those of forward().
  virtual Result<void> decode(uint32_t steps, std::span<int32_t> next, const StepDone& done) {
    for (uint32_t step = 0; step < steps; ++step) {
      StepTiming timing;
      NPB_TRY(forward(next, next, timing));
      done(step, next, timing);
    }
    return {};
  }
  /// One call of an encoder: B*T ids -> `vectors` [B, d].
  virtual Result<void> embed(std::span<const int32_t> tokens, std::span<float> vectors,
                             StepTiming& timing) = 0;
  /// Family graph: the graphs that the session was opened for, in the order of their indices.
  virtual std::vector<std::string> graph_names() const { return {}; }
  /// One execution of a graph with the session's generated inputs. Allocates nothing. Errors:
  /// invalid_argument (no such graph, or a session of another family), device_lost.
  virtual Result<void> execute(uint32_t graph, StepTiming& timing) {
    (void)graph, (void)timing;
    return Error{ErrorCode::invalid_argument, "This model is no file of compiled graphs."};
  }
  /// Family graph: over the bytes of every output of the last executions.
  virtual uint64_t output_digest() const { return 0; }
  /// Whether the session's runtime drives its own loop: then generate() is the only way in.
  virtual bool generates() const { return false; }
  /// A whole iteration from an empty KV cache. Errors: invalid_argument, device_lost.
  virtual Result<void> generate(std::span<const int32_t> prompt, Generated& result) {
    (void)prompt, (void)result;
    return Error{ErrorCode::invalid_argument, "This session is driven step by step."};
  }
  /// Logits of the last forward, [rows, vocab].
  virtual Result<void> read_logits(std::span<float> logits) = 0;
  /// Forgets the KV cache's content.
  virtual void reset() = 0;

  virtual OpenTimeline open_timeline() const = 0;
  /// Host threads that compute; 0 where the device does it all.
  virtual uint32_t threads() const { return 0; }
  virtual MemoryReport memory() const = 0;
  virtual std::vector<PlacementEntry> placement() const = 0;
  /// Per-op times, of sessions opened for profiling (empty otherwise). Errors: those of a run of
  /// the device of its own, where it takes one.
  virtual Result<std::vector<OpProfile>> profile() const { return std::vector<OpProfile>{}; }
};

class Backend {
 public:
  virtual ~Backend() = default;
  virtual const char* id() const = 0;  // "xnnpack"
  virtual DeviceKind kind() const = 0;
  /// Looks without changing anything; never crashes on a missing library.
  virtual ProbeResult probe(const SessionOptions& options) const = 0;
  /// Whether `path` is a file or folder that this backend's runtime executes as it is.
  virtual bool opens(const std::string& path) const {
    (void)path;
    return false;
  }
  /// What such a file says about itself; `options.extra` finds the runtime. Errors: invalid_model,
  /// unsupported, not_found, device_unavailable (the runtime that reads it is missing).
  virtual Result<std::shared_ptr<const Model>> describe(const std::string& path,
                                                        const SessionOptions& options) const {
    (void)options;
    return Error{ErrorCode::unsupported, path + " is no file that this backend opens."};
  }
  virtual Result<std::unique_ptr<Session>> open_file(const std::string& path,
                                                     const SessionOptions& options) const {
    (void)options;
    return Error{ErrorCode::unsupported, path + " is no file that this backend opens."};
  }
  /// Compiles `graph` ahead of time for `options.extra["qnn_soc"]`: one entry of the packed cache,
  /// by its own name, in the folder `path`; returns its bytes. Errors: io, unsupported (nothing is
  /// prepared here), and those of open().
  virtual Result<uint64_t> prepare(Graph graph, const SessionOptions& options,
                                   const std::string& path) const {
    (void)graph, (void)options, (void)path;
    return Error{ErrorCode::unsupported,
                 std::string("The backend ") + id() +
                     " prepares nothing ahead of time; use the NPU's, qnn."};
  }
  /// Compiles `graph`. Fails (never falls back) when the device can't run it; proves its kernels
  /// against the reference on small inputs where the device is not the CPU.
  virtual Result<std::unique_ptr<Session>> open(Graph graph,
                                                const SessionOptions& options) const = 0;
};

/// Every backend of this build, in the order npu, cpu, gpu; "reference" (slow, exact) last and by
/// name only.
const std::vector<const Backend*>& backends();
const Backend* find_backend(std::string_view id);

}  // namespace npb

// What the shared GPU code needs of a graphics API: buffers, recorded lists of kernel launches, and
// the device's own clock. Vulkan and OpenCL each implement it once; planning, packing and the
// session are the same for both (plan.h, pack.h, session.h).
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "backends/backend.h"
#include "backends/gpu/kernel_cache.h"
#include "core/result.h"

namespace npb::gpu {

/// What a driver reports, reduced to what decides between kernels. The chooser (choose.h) sees only
/// this, so it is tested with limits recorded from devices that aren't here.
struct Limits {
  uint32_t subgroup_size = 1;        // 1: unknown or unusable
  bool subgroup_arithmetic = false;  // subgroup adds usable in compute
  uint32_t max_workgroup_size = 128;
  uint32_t max_shared_bytes = 16384;
  uint32_t max_groups = 65535;              // per dimension
  uint64_t max_binding_bytes = 1ull << 27;  // one storage buffer binding
  uint64_t max_allocation_bytes = 1ull << 30;
  uint32_t binding_alignment = 256;
  bool unified_memory = false;
  bool software = false;      // a CPU imitating the device
  bool vector_items = false;  // and its lanes are the vectors of one work-item (OpenCL)
  bool integer_dot_product = false;
  bool f16_arithmetic = false;
  uint64_t max_texel_elements = 0;         // 0: no texel buffers
  uint64_t max_image_texels = 0;           // of a 1D image over a buffer; 0: none
  uint32_t max_uniform_bytes = 0;          // one uniform buffer binding
  uint32_t max_dispatches_per_submit = 0;  // 0: no limit; some drivers hang on long submissions
};

enum class Kernel : uint32_t {
  embed,         // tokens, quants, scales, out
  matvec,        // quants, scales, x, y, bias, residual
  matmul,        // the same, for many rows of x
  matmul_tiled,  // the same, through shared memory
  norm,          // x, weight, bias, y
  rope_append,   // q, k, v, cache_k, cache_v, inv_freq, step
  attention,     // q, k, v, out, step
  elementwise,   // a, b, y
  pool,          // x, y
  l2_norm,       // x, y
  argmax_part,   // x, partial values, partial indices
  argmax_final,  // partial values, partial indices, token ids, the next step's tokens, step
  count
};
const char* name(Kernel kernel);
constexpr bool reads_matrix(Kernel kernel) {
  return kernel == Kernel::embed || kernel == Kernel::matvec || kernel == Kernel::matmul ||
         kernel == Kernel::matmul_tiled;
}

/// How a matrix lies in device memory: GGUF's blocks with quants and scales in separate arrays, so
/// that both can be read as aligned 32-bit words without any optional feature of the device.
enum class Format : uint32_t {
  f32,     // 1 word a weight
  f16,     // 2 weights a word
  bf16,    // 2 weights a word
  q8,      // 4 signed bytes a word; one scale (half) per 32 weights
  q8_min,  // the same, unsigned-offset form: scale and minimum (two halves, one word) per 32
           // weights
  q4,      // 8 nibbles a word, value - 8; one scale (half) per 32 weights
  q4_min,  // 8 nibbles a word; scale and minimum (one word) per 32 weights
  q4_k,  // 8 nibbles a word; per 256: d and dmin (one word), then 8 scale bytes and 8 minimum bytes
  q8_k,  // 4 signed bytes a word; per 256: d and dmin (one word), then 16 scale bytes, 16 minimum
         // bytes
};
const char* name(Format format);

using BufferId = uint32_t;
constexpr BufferId kNoBuffer = ~0u;

struct Binding {
  BufferId buffer = kNoBuffer;
  uint64_t offset = 0;  // multiple of Limits::binding_alignment
  uint64_t bytes = 0;
};

/// Kernel variants are picked by `format` (weights) and by these numbers (specialisation constants
/// in Vulkan, macros in OpenCL).
struct Variant {
  uint32_t local_size = 32;
  uint32_t lanes = 32;   // invocations that reduce together, or make neighbouring rows of a tile (a
                         // power of two)
  uint32_t rows = 1;     // matvec/matmul: matrix rows per workgroup or per invocation
  uint32_t columns = 1;  // matvec/matmul: rows of x handled together
  bool subgroup = false;  // reduce by subgroup adds; the workgroup is then one subgroup
  bool kv_f16 = false;
  bool texel = false;    // matmul: weights through texel buffers, x as a uniform buffer
  uint32_t x_quads = 1;  // texel: vectors of four in x
  bool f16 = false;      // matmul_tiled: products in half precision, sums in f32
  bool image = false;    // matvec, matmul_tiled: quants through a 1D image over their buffer
  uint32_t queries = 1;  // attention: query rows that share a read of K and V
  bool operator==(const Variant&) const = default;
};

constexpr size_t kMaxBindings = 7;
constexpr size_t kMaxPushWords = 24;

struct Dispatch {
  Kernel kernel = Kernel::embed;
  Format format = Format::f32;
  Variant variant;
  std::vector<Binding> bindings = {};  // as Kernel's comment lists them
  std::vector<uint32_t> push = {};     // small arguments, 32-bit words
  std::array<uint32_t, 3> groups = {1, 1, 1};
  bool barrier_before = true;  // reads what an earlier dispatch of the list wrote
  // For profiles
  const Node* node = nullptr;  // the graph node that it ends
  uint64_t bytes = 0;          // weights read
  uint64_t flops = 0;
};

enum class BufferKind { weights, kv_cache, activations, host_shared };

class RecordedList {
 public:
  virtual ~RecordedList() = default;
};

/// What the end of one submission told.
struct Finished {
  std::optional<uint64_t> execute_ns;  // by the device's clock
  /// Where its execution lies on now_ns()'s clock, for drivers that relate the two.
  std::optional<uint64_t> begin_ns = std::nullopt, end_ns = std::nullopt;
  std::optional<uint64_t> waiting_cpu_ns = std::nullopt;  // the caller's processor time in waiting
};

class Device {
 public:
  virtual ~Device() = default;
  virtual const Limits& limits() const = 0;
  virtual const DeviceInfo& info() const = 0;

  /// Errors: out_of_memory, with needed and available bytes where the driver tells.
  virtual Result<BufferId> create_buffer(uint64_t bytes, BufferKind kind) = 0;
  /// Copies to the device, through staging where memory isn't shared. Blocks.
  virtual Result<void> write(BufferId buffer, uint64_t offset,
                             std::span<const std::byte> bytes) = 0;
  virtual Result<void> read(BufferId buffer, uint64_t offset, std::span<std::byte> bytes) = 0;
  /// Host address of a host_shared buffer, valid for the device's life; coherent with the device
  /// between executions.
  virtual std::byte* mapped(BufferId buffer) = 0;

  /// Makes every kernel and command needed to run `list` again and again.
  virtual Result<std::unique_ptr<RecordedList>> record(std::span<const Dispatch> list) = 0;
  /// Whether submit() and finish() let a list be submitted while another one runs; execute() is for
  /// devices that can't.
  virtual bool runs_ahead() const { return false; }
  /// One submission; returns when the device has finished. Success allocates nothing.
  virtual Result<void> execute(RecordedList&, StepTiming&) { return wrong_way(); }
  /// Hands a list to the driver and returns; how often the driver was called for it. A list is in
  /// flight once at a time, and lists end in the order of their submission.
  virtual Result<uint32_t> submit(RecordedList&) { return wrong_way(); }
  /// Waits for a submitted list. Success allocates nothing.
  virtual Result<Finished> finish(RecordedList&) { return wrong_way(); }
  /// Device nanoseconds of every dispatch of a list, from a run of its own with a stamp around
  /// each.
  virtual Result<std::vector<uint64_t>> profile(std::span<const Dispatch> list) = 0;

  /// Keeps what was compiled for the next process, and tells where this one's kernels came from.
  /// Called once, when everything was recorded. A cache that can't be written costs the next start
  /// its time and this run nothing, so it is no error.
  virtual KernelCache keep_kernels() = 0;

 private:
  static Error wrong_way() {
    return {ErrorCode::internal, "A step was run in a way that the device doesn't offer."};
  }
};

/// `bytes` that a driver refused because of `cause` (its own name of the failure), with `available`
/// as a clause on what the device has.
Error out_of_memory(uint64_t bytes, const std::string& cause, const std::string& available);
/// "it has 2048 MiB in all, of which this program holds 12": what can be said without a budget.
std::string memory_in_all(std::optional<uint64_t> device_bytes, uint64_t held_bytes);

/// Divides the host's time for one submission: the device may start while the host still submits,
/// so what overlaps with its execution counts as execution, and the parts never add up to more than
/// the whole.
inline void split_submission(uint64_t dispatch_ns, uint64_t waited_ns, uint64_t execute_ns,
                             StepTiming& timing) {
  const uint64_t total = dispatch_ns + waited_ns;
  const uint64_t execute = execute_ns < total ? execute_ns : total;
  const uint64_t rest = total - execute;
  timing.execute_ns = execute;
  timing.dispatch_ns = dispatch_ns < rest ? dispatch_ns : rest;
  timing.synchronize_ns = rest - *timing.dispatch_ns;
}

/// The same where the device's execution has a place on the host's clock: what lies before it in
/// the host's window [begin, end] is dispatch, what lies after it is synchronisation.
inline void split_window(uint64_t begin_ns, uint64_t end_ns, const Finished& finished,
                         StepTiming& timing) {
  const uint64_t from = std::clamp(*finished.begin_ns, begin_ns, end_ns);
  const uint64_t to = std::clamp(*finished.end_ns, from, end_ns);
  timing.dispatch_ns = from - begin_ns;
  timing.execute_ns = to - from;
  timing.synchronize_ns = end_ns - to;
}

/// Divides the host's window of a step, in which `dispatch_ns` went into submitting.
inline void split_step(uint64_t begin_ns, uint64_t dispatch_ns, uint64_t end_ns,
                       const Finished& finished, StepTiming& timing) {
  if (finished.begin_ns && finished.end_ns)
    split_window(begin_ns, end_ns, finished, timing);
  else if (finished.execute_ns)
    split_submission(dispatch_ns, end_ns - begin_ns - dispatch_ns, *finished.execute_ns, timing);
  else
    timing.dispatch_ns = dispatch_ns, timing.synchronize_ns = end_ns - begin_ns - dispatch_ns;
}

}  // namespace npb::gpu

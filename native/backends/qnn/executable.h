// A finalised QNN graph with its buffers, and what the runtime's profile says about an execution.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "backends/qnn/compile.h"
#include "backends/qnn/io_memory.h"

namespace npb::qnn {

/// Frees the context, and with it its graphs.
class Context {
 public:
  Context(const Device& device, Handle handle) : device_(device), handle_(handle) {}
  ~Context() { device_.functions().context_free(handle_, nullptr); }
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  Handle handle() const { return handle_; }

 private:
  const Device& device_;
  Handle handle_;
};

/// Times of one execution by the runtime's own clocks; absent where it doesn't tell.
struct ExecutionProfile {
  std::optional<uint64_t> host_us;         // the whole call
  std::optional<uint64_t> rpc_us;          // from the host's side of the transport
  std::optional<uint64_t> accelerator_us;  // on the NPU
};

/// Splits a call of `call_ns` by what the runtime told: execute is the accelerator's time,
/// synchronize the transport around it (RPC), dispatch the rest, which is the host's. Adds to
/// `timing`, and the accelerator's time to `accelerator_us`; nothing where it isn't told.
void split_call(const ExecutionProfile& told, uint64_t call_ns, StepTiming& timing,
                uint64_t* accelerator_us);

class Profile {
 public:
  enum class Level : uint32_t { basic = 1, detailed = 2 };
  /// Null where the runtime has no profiling.
  static std::unique_ptr<Profile> create(const Device& device, Level level);
  ~Profile() { functions_.profile_free(handle_); }
  Profile(const Profile&) = delete;
  Profile& operator=(const Profile&) = delete;

  Handle handle() const { return handle_; }
  /// Of the last call only: the runtime overwrites its values.
  ExecutionProfile read() const;
  /// Detailed level: adds each node's cycles to `cycles` by the node's name.
  void add_node_cycles(std::map<std::string, uint64_t>& cycles) const;

 private:
  Profile(const Functions& functions, Handle handle) : functions_(functions), handle_(handle) {}
  const Functions& functions_;
  Handle handle_;
};

/// Storage of inputs and outputs by name. Graphs that name the same buffer (the KV cache) share it.
class Buffers {
 public:
  /// Where the bytes come from, and the context that shared ones are registered with; must be
  /// called before get(). These buffers must go before the context.
  void use(IoMemory memory, Handle context);
  /// `count` halves of 0 under this name; the existing ones if the count is the same, otherwise an
  /// error (internal): two graphs disagree about a shape.
  Result<uint16_t*> get(const std::string& name, uint32_t count);
  /// Makes an existing buffer the storage of `tensor`: by its handle where it is shared, registered
  /// once for all the graphs that name it.
  Result<void> attach(const std::string& name, Tensor& tensor);
  uint64_t bytes(const std::string& prefix) const;
  uint32_t count() const { return static_cast<uint32_t>(entries_.size()); }
  /// "shared memory", or "copied memory: why".
  std::string kind() const;

 private:
  struct Entry {
    IoBlock block;
    uint32_t count;
    Handle handle = nullptr;  // once registered
  };
  std::optional<IoMemory> memory_;
  Handle context_ = nullptr;
  std::map<std::string, Entry> entries_;
};

class Executable {
 public:
  /// Gives every port a buffer: past_* under its own name, the others under `prefix` + name. The
  /// runtime doesn't check sizes when it executes, so all are checked here. Errors: invalid_model
  /// (ports of another shape or type than dims say), internal.
  static Result<Executable> bind(Handle graph, const Ports& ports, const std::string& prefix,
                                 Buffers& buffers);

  /// The buffer of a port; null if there is none of that name.
  uint16_t* find(const std::string& name) const;
  uint32_t count(const std::string& name) const;
  Result<void> execute(const Functions& functions, Handle profile);

 private:
  struct Bound {
    uint16_t* data;
    uint32_t count;
  };
  Handle graph_ = nullptr;
  std::vector<std::unique_ptr<std::vector<uint32_t>>> dims_;
  std::vector<std::unique_ptr<std::string>> names_;
  std::vector<Tensor> inputs_, outputs_;
  std::map<std::string, Bound> bound_;
};

}  // namespace npb::qnn

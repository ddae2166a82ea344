// Storage of a graph's inputs and outputs: memory that host and DSP share where the system has it
// (rpcmem of libcdsprpc), ordinary memory otherwise, which the runtime copies at every execution.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "backends/qnn/device.h"

namespace npb::qnn {

struct IoBlock {
  std::byte* data = nullptr;
  uint64_t bytes = 0;
  int fd = -1;  // of shared memory
};

class IoMemory {
 public:
  /// `extra["io_memory"]`: "auto" (default: shared if it can be had), "shared" (or an error) or
  /// "copied". Why memory is not shared is in `fallback()`. Errors: invalid_argument,
  /// device_unavailable.
  static Result<IoMemory> open(const Device& device,
                               const std::map<std::string, std::string>& extra);
  ~IoMemory();
  IoMemory(IoMemory&& other) noexcept;
  IoMemory& operator=(IoMemory&& other) noexcept;

  /// A block of zeros; it lives as long as this object. Errors: out_of_memory.
  Result<IoBlock> allocate(uint64_t bytes, const std::string& name);
  /// Makes `block` the storage of `tensor`, whose dimensions must be set: registered with the
  /// context where it is shared. Release before the context is freed. A refused registration turns
  /// everything that follows to copied memory, unless "shared" was asked for.
  Result<void> attach(Handle context, const IoBlock& block, Tensor& tensor);
  /// Withdraws every registration.
  void release();

  bool shared() const { return alloc_ != nullptr; }
  const std::string& fallback() const { return fallback_; }

 private:
  explicit IoMemory(const Device& device) : device_(&device) {}
  Result<void> fall_back(std::string why);

  const Device* device_;
  void* (*alloc_)(int heap, uint32_t flags, int bytes) = nullptr;
  int (*to_fd_)(void* data) = nullptr;
  void (*free_)(void* data) = nullptr;
  bool required_ = false;
  std::string fallback_;
  std::vector<IoBlock> blocks_;
  std::vector<Handle> handles_;
};

}  // namespace npb::qnn

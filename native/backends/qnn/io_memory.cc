#include "backends/qnn/io_memory.h"

#include <algorithm>
#include <climits>
#include <cstring>
#include <new>
#include <utility>

#include "backends/qnn/errors.h"
#include "backends/qnn/shared_library.h"

namespace npb::qnn {
namespace {

#ifdef _WIN32
constexpr const char* kRpcName = "libcdsprpc.dll";
#else
constexpr const char* kRpcName = "libcdsprpc.so";
#endif
constexpr int kSystemHeap = 25;
constexpr uint32_t kDefaultFlags = 1;
constexpr std::align_val_t kAlignment{4096};

}  // namespace

Result<IoMemory> IoMemory::open(const Device& device,
                                const std::map<std::string, std::string>& extra) {
  IoMemory memory(device);
  const auto named = extra.find("io_memory");
  const std::string wish = named == extra.end() ? "auto" : named->second;
  if (wish != "auto" && wish != "shared" && wish != "copied")
    return Error{
        ErrorCode::invalid_argument,
        "Memory of inputs and outputs can be auto, shared or copied, not \"" + wish + "\"."};
  memory.required_ = wish == "shared";
  if (wish == "copied") {
    memory.fallback_ = "copied memory was asked for";
    return memory;
  }
  const Functions& f = device.functions();
  if (!f.memory_register || !f.memory_deregister) {
    NPB_TRY(memory.fall_back("this QNN runtime registers no memory"));
    return memory;
  }
  // The system's own library serves the DSP's driver; one beside the runtime stands in for it.
  const std::filesystem::path beside = device.library().path().parent_path() / kRpcName;
  std::error_code ignored;  // a path that can't be looked at is not there
  void* library = std::filesystem::exists(beside, ignored) ? open_library(beside) : nullptr;
  if (!library) library = open_library(kRpcName);
  if (!library) {
    NPB_TRY(
        memory.fall_back(std::string(kRpcName) + " can't be loaded (" + library_problem() + ")"));
    return memory;
  }
  memory.alloc_ = library_symbol<decltype(memory.alloc_)>(library, "rpcmem_alloc");
  memory.to_fd_ = library_symbol<decltype(memory.to_fd_)>(library, "rpcmem_to_fd");
  memory.free_ = library_symbol<decltype(memory.free_)>(library, "rpcmem_free");
  if (!memory.alloc_ || !memory.to_fd_ || !memory.free_)
    NPB_TRY(memory.fall_back(std::string(kRpcName) + " offers no rpcmem"));
  return memory;
}

IoMemory::IoMemory(IoMemory&& other) noexcept : device_(other.device_) { *this = std::move(other); }

IoMemory& IoMemory::operator=(IoMemory&& other) noexcept {
  std::swap(device_, other.device_);
  std::swap(alloc_, other.alloc_);
  std::swap(to_fd_, other.to_fd_);
  std::swap(free_, other.free_);
  std::swap(required_, other.required_);
  std::swap(fallback_, other.fallback_);
  std::swap(blocks_, other.blocks_);
  std::swap(handles_, other.handles_);
  return *this;
}

IoMemory::~IoMemory() {
  release();
  for (const IoBlock& block : blocks_) {
    if (block.fd >= 0)
      free_(block.data);
    else
      ::operator delete[](block.data, kAlignment);
  }
}

Result<void> IoMemory::fall_back(std::string why) {
  alloc_ = nullptr;  // free_ stays: blocks that were shared until now go back through it
  fallback_ = std::move(why);
  if (!required_) return {};
  return Error{ErrorCode::device_unavailable,
               "Memory shared with the NPU was asked for, but " + fallback_ +
                   "; use --io-memory auto to go on with copied memory."};
}

Result<IoBlock> IoMemory::allocate(uint64_t bytes, const std::string& name) {
  IoBlock block;
  block.bytes = bytes;
  if (alloc_ && bytes <= INT_MAX) {
    block.data =
        static_cast<std::byte*>(alloc_(kSystemHeap, kDefaultFlags, static_cast<int>(bytes)));
    block.fd = block.data ? to_fd_(block.data) : -1;
    if (block.data && block.fd < 0) {
      free_(block.data);
      block.data = nullptr;
    }
    if (!block.data) NPB_TRY(fall_back("rpcmem refused " + std::to_string(bytes) + " bytes"));
  }
  if (!block.data) {
    block.fd = -1;
    block.data = static_cast<std::byte*>(
        ::operator new[](static_cast<size_t>(bytes), kAlignment, std::nothrow));
  }
  if (!block.data)
    return Error{ErrorCode::out_of_memory, "Memory for the NPU's buffer " + name +
                                               " was refused: use a shorter length or a smaller "
                                               "batch."};
  std::memset(block.data, 0, static_cast<size_t>(bytes));
  blocks_.push_back(block);
  return block;
}

Result<void> IoMemory::attach(Handle context, const IoBlock& block, Tensor& tensor) {
  TensorV2& body = tensor.body;
  if (block.fd >= 0 && alloc_) {
    MemoryDescriptor descriptor = {};
    descriptor.rank = body.rank;
    descriptor.dimensions = body.dimensions;
    descriptor.data_type = body.data_type;
    descriptor.memory = kMemoryIon;
    descriptor.fd = block.fd;
    Handle handle = nullptr;
    const Functions& f = device_->functions();
    const Status status = f.memory_register(context, &descriptor, 1, &handle);
    if (code_of(status) == 0) {
      handles_.push_back(handle);
      body.memory = kMemoryHandle;
      body.memory_handle = handle;
      return {};
    }
    NPB_TRY(fall_back("the runtime refused to register shared memory: " + status_name(status)));
  }
  // Shared memory that could not be registered is still memory.
  body.memory = kMemoryRaw;
  body.buffer.data = block.data;
  body.buffer.bytes = static_cast<uint32_t>(block.bytes);
  return {};
}

void IoMemory::release() {
  if (!handles_.empty())
    device_->functions().memory_deregister(handles_.data(), static_cast<uint32_t>(handles_.size()));
  handles_.clear();
}

}  // namespace npb::qnn

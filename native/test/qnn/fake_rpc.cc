// The fake libcdsprpc: blocks of ordinary memory with made-up file descriptors, counted.
#include <cstdint>
#include <cstdlib>
#include <map>

#include "test/qnn/fake_qnn.h"

#define FAKE_EXPORT extern "C" __attribute__((visibility("default")))

namespace {

constexpr int kFirstFd = 1000;
npb::qnn::fake::RpcControl g_control;
std::map<int, void*> g_blocks;
int g_next = kFirstFd;

}  // namespace

FAKE_EXPORT npb::qnn::fake::RpcControl* npb_fake_rpc_control() { return &g_control; }

FAKE_EXPORT void* npb_fake_rpc_block(int fd) {
  const auto found = g_blocks.find(fd);
  return found == g_blocks.end() ? nullptr : found->second;
}

FAKE_EXPORT void* rpcmem_alloc(int heap, uint32_t flags, int bytes) {
  if (heap != 25 || flags != 1 || bytes <= 0 || g_control.refuse) return nullptr;
  void* data = std::malloc(static_cast<size_t>(bytes));
  if (!data) return nullptr;
  ++g_control.live_blocks;
  ++g_control.allocations;
  g_blocks[g_next++] = data;
  return data;
}

FAKE_EXPORT int rpcmem_to_fd(void* data) {
  for (const auto& [fd, block] : g_blocks)
    if (block == data) return fd;
  return -1;
}

FAKE_EXPORT void rpcmem_free(void* data) {
  const int fd = rpcmem_to_fd(data);
  if (fd < 0) return;
  g_blocks.erase(fd);
  std::free(data);
  --g_control.live_blocks;
}

#include "bench/limits.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <functional>
#include <memory>
#include <new>
#include <thread>
#include <vector>

#include "bench/limits_kernels.h"
#include "core/clock.h"

#if defined(__linux__)
#include <sys/mman.h>
#include <unistd.h>
#endif

namespace npb {
namespace {

constexpr int kRounds = 4;
constexpr size_t kReadBlock = size_t{1} << 20;

/// Starts all threads at one moment, lets each call `work` until `budget_ns` is over, and returns
/// amount per second of all together: the sum of what each did, over the time that the last took.
double rate(uint32_t threads, uint64_t budget_ns,
            const std::function<uint64_t(uint32_t thread, uint64_t call)>& work) {
  std::atomic<uint32_t> ready{0};
  std::atomic<uint64_t> begin_ns{0}, end_ns{0}, amount{0};
  const auto body = [&](uint32_t thread) {
    work(thread, 0);  // caches, clocks and wide units warm up before the start
    if (ready.fetch_add(1) + 1 == threads) begin_ns = now_ns();
    while (begin_ns == 0) std::this_thread::yield();
    const uint64_t deadline = begin_ns + budget_ns;
    uint64_t mine = 0;
    for (uint64_t call = 1; now_ns() < deadline; ++call) mine += work(thread, call);
    const uint64_t finished = now_ns();
    amount += mine;
    uint64_t latest = end_ns;
    while (finished > latest && !end_ns.compare_exchange_weak(latest, finished)) {
    }
  };
  std::vector<std::thread> others;
  for (uint32_t i = 1; i < threads; ++i) others.emplace_back(body, i);
  body(0);
  for (std::thread& thread : others) thread.join();
  const uint64_t elapsed = end_ns - begin_ns;
  return elapsed == 0 ? 0 : static_cast<double>(amount) * 1e9 / static_cast<double>(elapsed);
}

double best_rate(uint32_t threads, uint64_t budget_ns,
                 const std::function<uint64_t(uint32_t, uint64_t)>& work) {
  double best = 0;
  for (int round = 0; round < kRounds; ++round) {
    best = std::max(best, rate(threads, budget_ns / kRounds, work));
  }
  return best;
}

/// Memory on huge pages where the system gives them, so that address translation isn't measured.
class Buffer {
 public:
  explicit Buffer(size_t bytes) : bytes_(bytes) {
#if defined(__linux__)
    void* mapped = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped == MAP_FAILED) return;
    data_ = static_cast<char*>(mapped);
    (void)madvise(data_, bytes, MADV_HUGEPAGE);
#else
    data_ = static_cast<char*>(::operator new(bytes, std::align_val_t(64), std::nothrow));
#endif
  }
  ~Buffer() {
    if (data_ == nullptr) return;
#if defined(__linux__)
    munmap(data_, bytes_);
#else
    ::operator delete(data_, std::align_val_t(64));
#endif
  }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  char* data() const { return data_; }

 private:
  char* data_ = nullptr;
  size_t bytes_;
};

/// Several times the largest caches there are, but a small part of what is free.
size_t buffer_bytes() {
  constexpr size_t kMiB = size_t{1} << 20;
#if defined(__linux__)
  const double free_bytes =
      static_cast<double>(sysconf(_SC_AVPHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGESIZE));
  if (free_bytes < 3e9) return 128 * kMiB;
#endif
  return 512 * kMiB;
}

double read_bandwidth(uint32_t threads, uint64_t budget_ns) {
  const size_t blocks = buffer_bytes() / kReadBlock / threads;
  if (blocks == 0) return 0;
  const Buffer buffer(blocks * threads * kReadBlock);
  if (buffer.data() == nullptr) return 0;
  const ReadKernel kernel = read_kernel();
  // Each thread touches its part first, so that the pages lie near it.
  std::vector<std::thread> touching;
  for (uint32_t i = 0; i < threads; ++i) {
    touching.emplace_back([&buffer, blocks, i] {
      char* part = buffer.data() + i * blocks * kReadBlock;
      std::fill(part, part + blocks * kReadBlock, static_cast<char>(i + 1));
    });
  }
  for (std::thread& thread : touching) thread.join();
  std::atomic<uint64_t> sink{0};
  const double best = best_rate(threads, budget_ns, [&](uint32_t thread, uint64_t call) {
    const char* part = buffer.data() + thread * blocks * kReadBlock;
    if (kernel(part + call % blocks * kReadBlock, kReadBlock) == 1) sink.fetch_add(1);
    return uint64_t{kReadBlock};
  });
  return best;
}

double arithmetic(uint32_t threads, uint64_t budget_ns, const ArithmeticKernel& kernel) {
  return best_rate(threads, budget_ns, [&kernel](uint32_t, uint64_t) {
    volatile float sink = 0;
    return kernel.run(&sink);
  });
}

}  // namespace

Limits measure_limits(uint32_t threads, uint32_t milliseconds) {
  Limits limits;
  limits.threads = std::max(1u, threads);
  const uint64_t third_ns = uint64_t{std::max(30u, milliseconds)} * 1'000'000 / 3;
  limits.read_bandwidth_bytes_per_second = read_bandwidth(limits.threads, third_ns);
  const ArithmeticKernel f32 = f32_kernel(), int8 = int8_kernel();
  limits.f32_kernel = f32.name;
  limits.f32_flops_per_second = arithmetic(limits.threads, third_ns, f32);
  if (int8.name != nullptr) {
    limits.int8_kernel = int8.name;
    limits.int8_ops_per_second = arithmetic(limits.threads, third_ns, int8);
  }
  return limits;
}

}  // namespace npb

// The threads of one session. A step of the model is one parallel region: the threads meet at
// barriers inside it instead of being sent out anew for every product.
#pragma once

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

namespace npb::cpu {

class Team {
 public:
  /// The caller of run() is thread 0. `cpu_ids`: pins thread i to cpu_ids[i] (also the caller, for
  /// good); empty: no pinning.
  Team(unsigned threads, std::vector<uint32_t> cpu_ids);
  ~Team();
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;

  unsigned size() const { return size_; }

  /// Calls body(context, thread) on every thread and returns when all have. Allocates nothing.
  void run(void (*body)(void*, unsigned), void* context);

  /// Inside run(): all threads wait for each other. Also makes claim() start at 0 again.
  void barrier();
  /// Inside run(): the next task index since the last barrier.
  uint32_t claim() { return next_task_.fetch_add(1, std::memory_order_relaxed); }

 private:
  void work(unsigned thread);

  unsigned size_;
  std::vector<uint32_t> cpu_ids_;
  bool caller_pinned_ = false;
  void (*body_)(void*, unsigned) = nullptr;
  void* context_ = nullptr;

  // Each on a cache line of its own: they are written by different threads at different times.
  alignas(128) std::atomic<uint32_t> region_{0};  // rises by one for each run(); odd top bit: stop
  alignas(128) std::atomic<uint32_t> arrived_{0};
  alignas(128) std::atomic<uint32_t> phase_{0};
  alignas(128) std::atomic<uint32_t> next_task_{0};
  std::atomic<bool> stop_{false};
  std::vector<std::thread> workers_;
};

}  // namespace npb::cpu

#include "backends/xnnpack/team.h"

#include <algorithm>
#include <system_error>
#include <utility>

#include "core/clock.h"
#include "core/cpu_info.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace npb::cpu {
namespace {

inline void relax() {
#if defined(__x86_64__)
  _mm_pause();
#elif defined(__aarch64__)
  __asm__ __volatile__("yield");
#endif
}

/// Between steps a worker spins so long, which covers a caller that goes straight on to the next
/// token, and then sleeps: it burns no core while the caller does something else.
constexpr uint64_t kSpinNs = 50'000;
/// Inside a step the others arrive within microseconds unless the system has taken a core away;
/// then spinning would only keep the missing thread from running.
constexpr int kSpinsBeforeYield = 4000;

}  // namespace

Team::Team(unsigned threads, std::vector<uint32_t> cpu_ids)
    : size_(std::max(1u, threads)), cpu_ids_(std::move(cpu_ids)) {
  for (unsigned thread = 1; thread < size_; ++thread) {
    try {
      workers_.emplace_back([this, thread] { work(thread); });
    } catch (const std::system_error&) {
      size_ = thread;  // no more threads to be had: the barrier counts those that exist
      break;
    }
  }
}

Team::~Team() {
  stop_.store(true);
  region_.fetch_add(1);
  region_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void Team::run(void (*body)(void*, unsigned), void* context) {
  if (!caller_pinned_ && !cpu_ids_.empty()) {
    pin_current_thread(cpu_ids_[0]);
    caller_pinned_ = true;
  }
  if (size_ == 1) {
    next_task_.store(0, std::memory_order_relaxed);
    body(context, 0);
    return;
  }
  body_ = body;
  context_ = context;
  next_task_.store(0, std::memory_order_relaxed);
  region_.fetch_add(1, std::memory_order_release);
  region_.notify_all();
  body(context, 0);
  barrier();
}

void Team::barrier() {
  if (size_ == 1) {
    next_task_.store(0, std::memory_order_relaxed);
    return;
  }
  const uint32_t phase = phase_.load(std::memory_order_relaxed);
  if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == size_) {
    arrived_.store(0, std::memory_order_relaxed);
    next_task_.store(0, std::memory_order_relaxed);
    phase_.store(phase + 1, std::memory_order_release);
    return;
  }
  int spins = 0;
  while (phase_.load(std::memory_order_acquire) == phase) {
    if (++spins < kSpinsBeforeYield) {
      relax();
    } else {
      std::this_thread::yield();
    }
  }
}

void Team::work(unsigned thread) {
  if (thread < cpu_ids_.size()) pin_current_thread(cpu_ids_[thread]);
  uint32_t seen = 0;
  while (true) {
    uint64_t give_up_ns = 0;
    int spins = 0;
    while (region_.load(std::memory_order_acquire) == seen) {
      relax();
      if (++spins % 256 != 0) continue;
      const uint64_t now = now_ns();
      if (give_up_ns == 0) {
        give_up_ns = now + kSpinNs;
      } else if (now > give_up_ns) {
        region_.wait(seen, std::memory_order_acquire);
      }
    }
    seen++;
    if (stop_.load()) return;
    body_(context_, thread);
    barrier();
  }
}

}  // namespace npb::cpu

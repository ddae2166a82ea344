// One block of zeroed, 64-byte aligned memory, on large pages where the system has them: weights
// are streamed, and every small page costs the hardware's prefetchers a restart.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "core/result.h"

namespace npb::cpu {

class Arena {
 public:
  Arena() = default;
  /// Errors: out_of_memory, naming `purpose` and the size.
  static Result<Arena> allocate(size_t bytes, const char* purpose);
  Arena(Arena&& other) noexcept { *this = std::move(other); }
  Arena& operator=(Arena&& other) noexcept;
  ~Arena();

  std::byte* data() const { return data_; }
  size_t size() const { return size_; }
  template <class T>
  T* at(size_t byte_offset) const {
    return reinterpret_cast<T*>(data_ + byte_offset);
  }

 private:
  std::byte* data_ = nullptr;
  size_t size_ = 0;
  void* mapping_ = nullptr;
  size_t mapping_size_ = 0;
};

constexpr size_t round_up(size_t value, size_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

}  // namespace npb::cpu

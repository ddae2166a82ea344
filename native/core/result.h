// Errors as values. Native code below native/addon never throws across a layer:
// it returns Result<T>, and only native/addon turns an Error into a JavaScript error.
#pragma once

#include <string>
#include <utility>
#include <variant>

namespace npb {

enum class ErrorCode {
  invalid_argument,    // the caller asked for something impossible (exit 2)
  invalid_model,       // the model file is damaged or hostile (exit 2)
  unsupported,         // well-formed, but outside what this build or device can do (exit 2)
  not_found,           // a file, device or library does not exist (exit 2)
  device_unavailable,  // the device or its runtime cannot be opened here (exit 2)
  io,                  // reading or writing failed
  out_of_memory,       // host or device memory was refused
  device_lost,         // the driver gave up after a successful open
  wrong_result,        // the device computes something else than the reference
  timeout,
  internal,  // a bug of ours
};

/// Stable lower-case name ("invalid_model"), used as `code` of JavaScript errors.
constexpr const char* name(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid_argument:
      return "invalid_argument";
    case ErrorCode::invalid_model:
      return "invalid_model";
    case ErrorCode::unsupported:
      return "unsupported";
    case ErrorCode::not_found:
      return "not_found";
    case ErrorCode::device_unavailable:
      return "device_unavailable";
    case ErrorCode::io:
      return "io";
    case ErrorCode::out_of_memory:
      return "out_of_memory";
    case ErrorCode::device_lost:
      return "device_lost";
    case ErrorCode::wrong_result:
      return "wrong_result";
    case ErrorCode::timeout:
      return "timeout";
    case ErrorCode::internal:
      return "internal";
  }
  return "internal";
}

struct Error {
  ErrorCode code = ErrorCode::internal;
  std::string message;  // one sentence: what is wrong, and what to do next
};

/// A value or an Error. Success of Result<void> allocates nothing, so it may be
/// returned from the hot loop.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value)
      : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT: implicit on purpose
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT
  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }
  T& value() & { return std::get<0>(state_); }
  const T& value() const& { return std::get<0>(state_); }
  T&& value() && { return std::get<0>(std::move(state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  const Error& error() const { return std::get<1>(state_); }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)), ok_(false) {}  // NOLINT
  bool ok() const { return ok_; }
  explicit operator bool() const { return ok_; }
  const Error& error() const { return error_; }

 private:
  Error error_;
  bool ok_ = true;
};

#define NPB_CONCAT_(a, b) a##b
#define NPB_CONCAT(a, b) NPB_CONCAT_(a, b)

/// Returns the error of `expression` from the enclosing function, if it has one.
#define NPB_TRY(expression)                                  \
  do {                                                       \
    auto npb_try_result = (expression);                      \
    if (!npb_try_result.ok()) return npb_try_result.error(); \
  } while (false)

/// Declares `target` from the value of `expression`, or returns its error.
#define NPB_TRY_ASSIGN(target, expression) \
  NPB_TRY_ASSIGN_(target, expression, NPB_CONCAT(npb_try_, __LINE__))
#define NPB_TRY_ASSIGN_(target, expression, temporary) \
  auto temporary = (expression);                       \
  if (!temporary.ok()) return temporary.error();       \
  target = std::move(temporary).value()

}  // namespace npb

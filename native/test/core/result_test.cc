#include "core/result.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>

namespace {

npb::Result<std::unique_ptr<int>> half(int value) {
  if (value % 2 != 0) return npb::Error{npb::ErrorCode::invalid_argument, "odd"};
  return std::make_unique<int>(value / 2);
}

npb::Result<int> quarter(int value) {
  NPB_TRY_ASSIGN(const std::unique_ptr<int> first, half(value));
  NPB_TRY_ASSIGN(const std::unique_ptr<int> second, half(*first));
  return *second;
}

npb::Result<void> check_quarter(int value) {
  NPB_TRY(quarter(value));
  return {};
}

}  // namespace

TEST_CASE("a value passes through NPB_TRY_ASSIGN, move-only types too") {
  REQUIRE(quarter(12).ok());
  CHECK(quarter(12).value() == 3);
}

TEST_CASE("the first error is returned unchanged") {
  const npb::Result<int> result = quarter(6);
  REQUIRE_FALSE(result.ok());
  CHECK(result.error().code == npb::ErrorCode::invalid_argument);
  CHECK(result.error().message == "odd");
}

TEST_CASE("NPB_TRY passes errors and ignores values") {
  CHECK(check_quarter(8).ok());
  CHECK_FALSE(check_quarter(7).ok());
}

TEST_CASE("error codes have stable names") {
  CHECK(std::string(npb::name(npb::ErrorCode::invalid_model)) == "invalid_model");
  CHECK(std::string(npb::name(npb::ErrorCode::device_unavailable)) == "device_unavailable");
}

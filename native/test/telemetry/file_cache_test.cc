#include "telemetry/file_cache.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

#include "fake_tree.h"

using namespace npb;
using npb::test::FakeTree;

#ifdef __linux__

TEST_CASE("dropping a file that was just written") {
  FakeTree tree;
  tree.write("sys/model.bin", std::string(4 << 20, 'x'));
  const auto state = drop_file_cache(tree.path("sys/model.bin"));
  REQUIRE(state.ok());
  CHECK(state->cached_before_ratio == doctest::Approx(1.0));
  // A file system that lives in memory can't drop its pages; every other one does.
  const auto folder_kind = state->cached_after_ratio;
  CHECK(folder_kind >= 0);
  CHECK(folder_kind <= 1);
}

TEST_CASE("a folder stands for its files; a missing file is an error that names it") {
  FakeTree tree;
  tree.write("sys/a.bin", std::string(1 << 16, 'x'));
  tree.write("sys/b.bin", std::string(1 << 16, 'y'));
  CHECK(drop_file_cache(tree.sys()).ok());
  const auto missing = drop_file_cache(tree.path("sys/none.bin"));
  REQUIRE_FALSE(missing.ok());
  CHECK(missing.error().code == ErrorCode::not_found);
  CHECK(missing.error().message.find("none.bin") != std::string::npos);
}

TEST_CASE("an empty file has no share, which is not zero") {
  FakeTree tree;
  std::ofstream(tree.path("sys/empty"));
  const auto state = drop_file_cache(tree.path("sys/empty"));
  REQUIRE(state.ok());
  CHECK(state->cached_before_ratio != state->cached_before_ratio);
}

#endif

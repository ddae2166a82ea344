#include "core/file.h"

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

#include "test/support/temp_folder.h"

using namespace npb;
using npb::test::TempFolder;

TEST_CASE("A mapped file holds the file's bytes, before and after a release") {
  const TempFolder folder;
  std::string content(100000, 'x');
  for (size_t i = 0; i < content.size(); ++i) content[i] = static_cast<char>(i * 7);
  // A name beyond ASCII must open as well.
  const auto file = MappedFile::open(folder.write("mod\xc3\xa8le.bin", content));
  REQUIRE(file.ok());
  const auto bytes = (*file)->bytes();
  const auto same = [&] {
    return std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()) == content;
  };
  CHECK(same());
  (*file)->release(10, 50000);
  (*file)->release(50010, UINT64_MAX);
  (*file)->release(UINT64_MAX, 1);
  CHECK(same());

  for (const size_t at : {size_t{0}, size_t{4095}, content.size() - 10}) {
    std::vector<std::byte> part(10);
    (*file)->read(at, part);
    CHECK(std::string_view(reinterpret_cast<const char*>(part.data()), 10) ==
          std::string_view(content).substr(at, 10));
  }
}

TEST_CASE("An empty file is empty") {
  const TempFolder folder;
  const auto file = MappedFile::open(folder.write("empty", ""));
  REQUIRE(file.ok());
  CHECK((*file)->bytes().empty());
  (*file)->release(0, 1);
}

TEST_CASE("What cannot be read says why") {
  const TempFolder folder;
  const auto missing = MappedFile::open(folder.file("missing"));
  REQUIRE(!missing.ok());
  CHECK(missing.error().code == ErrorCode::not_found);
  const auto directory = MappedFile::open(folder.path().string());
  REQUIRE(!directory.ok());
  CHECK(directory.error().code == ErrorCode::io);
  const auto large = read_text_file(folder.write("large", "12345"), 4);
  REQUIRE(!large.ok());
  CHECK(large.error().code == ErrorCode::invalid_model);
  CHECK(*read_text_file(folder.file("large"), 5) == "12345");
}

#ifdef __linux__
TEST_CASE("A device is no model file") {
  const auto device = MappedFile::open("/dev/zero");
  REQUIRE(!device.ok());
  CHECK(device.error().message.find("ordinary file") != std::string::npos);
}
#endif

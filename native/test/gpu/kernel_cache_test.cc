// Compiled kernels on disk: kept, used, and made again when damaged.
#include "backends/gpu/kernel_cache.h"

#include <doctest/doctest.h>

#include <fstream>

#include "test/gpu/api.h"
#include "test/gpu/decoder.h"

using namespace npb;

namespace {

std::vector<std::filesystem::path> files(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> found;
  std::error_code absent;
  for (const auto& entry : std::filesystem::directory_iterator(folder, absent))
    found.push_back(entry.path());
  return found;
}

/// Changes one byte in the middle.
void damage(const std::filesystem::path& path) {
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  const auto middle = static_cast<std::streamoff>(std::filesystem::file_size(path) / 2);
  file.seekg(middle);
  const char byte = static_cast<char>(file.get());
  file.seekp(middle);
  file.put(static_cast<char>(byte ^ 0x55));
}

}  // namespace

TEST_CASE("a kernel cache file gives back what was written, and nothing else") {
  test::TempFolder folder;
  const gpu::KernelCacheFile file(folder.path() / "new" / "gpu", "vulkan", 0x1234);
  CHECK(file.path().filename() == "vulkan-0000000000001234.bin");
  CHECK(file.read().empty());
  std::vector<std::byte> bytes(1000);
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i * 7);
  REQUIRE(file.write(bytes).ok());
  CHECK(file.read() == bytes);
  CHECK(files(folder.path() / "new" / "gpu").size() == 1);  // no partial file stays

  damage(file.path());
  CHECK(file.read().empty());
  REQUIRE(file.write(bytes).ok());
  std::filesystem::resize_file(file.path(), 700);  // a write cut short
  CHECK(file.read().empty());
  std::filesystem::resize_file(file.path(), 5);
  CHECK(file.read().empty());
  REQUIRE(file.write(bytes).ok());
  // The name of one key with the content of another.
  const gpu::KernelCacheFile other(folder.path() / "new" / "gpu", "vulkan", 0x1235);
  std::filesystem::copy_file(file.path(), other.path());
  CHECK(other.read().empty());

  std::ofstream(folder.path() / "plain") << "a file where a folder should be";
  const auto refused = gpu::KernelCacheFile(folder.path() / "plain", "vulkan", 1).write(bytes);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().message.find("NPU_BENCH_CACHE") != std::string::npos);
  CHECK_FALSE(gpu::KernelCacheFile({}, "vulkan", 1).enabled());
}

TEST_CASE("the hash keeps its parts apart") {
  using gpu::hash_text;
  CHECK(hash_text("a", hash_text("bc")) != hash_text("ab", hash_text("c")));
  CHECK(hash_text("c", hash_text("ab")) != hash_text("bc", hash_text("a")));
}

TEST_CASE("the second start of a device takes its kernels from the cache") {
  test::TempFolder models, folder;
  auto model = test::load_tiny({}, models);
  REQUIRE_MESSAGE(model.ok(), model.error().message);
  for (const test::GpuApi& api : test::gpu_apis()) {
    CAPTURE(api.id);
    const std::filesystem::path cache = folder.path() / api.id;
    const auto start = [&] {
      auto session = test::open_session(
          api, *model, {.max_tokens = 8, .max_step_tokens = 4, .threads = 1}, [](gpu::Limits&) {},
          cache);
      REQUIRE_MESSAGE(session.ok(), session.error().message);
      const auto hit = (*session)->open_timeline().kernel_cache_hit;
      return std::pair(hit,
                       test::run_decoder(**session, (*model)->hp.vocab_size, {1, 2, 3, 4}, 1, 3));
    };
    const auto [first_hit, first] = start();
    if (!first_hit) {
      MESSAGE(api.id << ": this driver gives no kernels to keep");
      CHECK(files(cache).empty());
      continue;
    }
    CHECK(first_hit == false);
    REQUIRE_FALSE(files(cache).empty());
    const auto [second_hit, second] = start();
    CHECK(second_hit == true);
    CHECK(second.logits == first.logits);
    for (const auto& file : files(cache)) damage(file);
    const auto [third_hit, third] = start();
    CHECK(third_hit == false);
    CHECK(third.logits == first.logits);
    CHECK(start().first == true);
  }
}

// Golden files of test/fixtures/reference, made by scripts/reference from independent
// implementations.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include "core/json.h"

namespace npb::test {

inline std::string read_text(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

inline Result<Json> read_golden(const std::string& name) {
  const std::filesystem::path path =
      std::filesystem::path(NPB_SOURCE_DIR) / "test/fixtures/reference" / name;
  return Json::parse(read_text(path), path.string());
}

template <class T>
std::vector<T> numbers(const Json& object, const char* key) {
  std::vector<T> result;
  const Json* array = object.find(key);
  if (array == nullptr) return result;
  for (const Json& element : array->elements()) {
    result.push_back(static_cast<T>(element.as_number().value()));
  }
  return result;
}

inline std::string text(const Json& object, const char* key) {
  const Json* value = object.find(key);
  return value == nullptr || !value->is_string() ? std::string() : *value->as_string();
}

inline double number(const Json& object, const char* key) {
  return object.find(key)->as_number().value();
}

/// The same numbers as weight() of scripts/reference/tiny_models.py.
inline std::vector<float> hashed_weights(const std::string& name, uint64_t count, float center,
                                         float amplitude) {
  uint64_t seed = 0xcbf29ce484222325ull;  // 64-bit FNV-1a
  for (const char c : name) seed = (seed ^ static_cast<uint8_t>(c)) * 0x100000001b3ull;
  std::vector<float> values(count);
  for (uint64_t i = 0; i < count; ++i) {
    uint64_t z = seed + (i + 1) * 0x9e3779b97f4a7c15ull;  // splitmix64
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    z ^= z >> 31;
    values[i] = center + amplitude * (static_cast<float>(z >> 40) * 0x1p-23f - 1.0f);
  }
  return values;
}

/// A real model for slow tests: in NPU_BENCH_TEST_MODELS, else in the program's model cache. Empty
/// if absent.
inline std::optional<std::filesystem::path> find_test_model(const std::string& file_name) {
  std::vector<std::filesystem::path> folders;
  if (const char* folder = std::getenv("NPU_BENCH_TEST_MODELS")) folders.emplace_back(folder);
  if (const char* cache = std::getenv("NPU_BENCH_CACHE")) {
    folders.emplace_back(std::filesystem::path(cache) / "models");
  } else if (const char* xdg = std::getenv("XDG_CACHE_HOME")) {
    folders.emplace_back(std::filesystem::path(xdg) / "npu-bench/models");
  } else if (const char* home = std::getenv("HOME")) {
    folders.emplace_back(std::filesystem::path(home) / ".cache/npu-bench/models");
  }
  for (const std::filesystem::path& folder : folders) {
    std::error_code absent;
    if (std::filesystem::exists(folder / file_name, absent)) return folder / file_name;
  }
  return std::nullopt;
}

}  // namespace npb::test

#include "fake_tree.h"

#include <doctest/doctest.h>

namespace npb::test {

namespace fs = std::filesystem;

FakeTree::FakeTree() {
  std::random_device random;
  root_ = fs::temp_directory_path() /
          ("npb-tree-" + std::to_string(random()) + std::to_string(random()));
  fs::create_directories(root_ / "sys");
  fs::create_directories(root_ / "proc");
}

FakeTree::~FakeTree() {
  std::error_code ignored;
  fs::remove_all(root_, ignored);
}

void FakeTree::write(const std::string& path, const std::string& text) {
  const fs::path file = root_ / path;
  fs::create_directories(file.parent_path());
  std::ofstream(file, std::ios::binary | std::ios::trunc) << text << '\n';
}

void FakeTree::write(const std::string& folder, const std::map<std::string, std::string>& files) {
  for (const auto& [name, text] : files) write(folder + "/" + name, text);
}

void FakeTree::remove(const std::string& path) { fs::remove_all(root_ / path); }

Source& source_labelled(Found& found, const std::string& label) {
  for (const auto& source : found.sources) {
    for (const SeriesInfo& info : source->channels) {
      if (info.label == label) return *source;
    }
  }
  FAIL("no source labelled " << label);
  return *found.sources.front();
}

size_t channel_labelled(const Source& source, const std::string& label) {
  for (size_t i = 0; i < source.channels.size(); ++i) {
    if (source.channels[i].label == label) return i;
  }
  FAIL("no channel labelled " << label);
  return 0;
}

}  // namespace npb::test

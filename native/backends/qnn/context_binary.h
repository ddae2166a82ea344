// Context binaries: described through libQnnSystem, kept in a cache, loaded again.
#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "backends/qnn/program.h"

namespace npb::qnn {

struct BinaryGraph {
  std::string name;
  Ports ports;
};
struct BinaryDescription {
  std::string build_id;  // of the runtime that made it
  Version core = {};
  std::optional<uint32_t> soc_model, arch;  // told since version 3 of the description
  std::vector<BinaryGraph> graphs;
};

/// Reads what a context binary says about itself. Everything is copied, and every count, pointer
/// and shape checked: the library hands out what the file holds. Errors: invalid_model, and those
/// of open_system().
Result<BinaryDescription> describe_binary(const Library& library, std::span<const uint8_t> bytes);

/// Names, shapes, a sample of the weights and the operations of a model.
uint64_t hash_of(const Graph& graph);

/// One entry of the cache: FILE = model, graphs, runtime and chip as a hash. Problems of the cache
/// never fail a run: without an entry the graphs are compiled.
class BinaryCache {
 public:
  BinaryCache(const Device& device, const Graph& graph, const std::vector<GraphPlan>& plans,
              const FixedPoint* fixed, const std::string& folder);
  std::optional<Program> load() const;
  void store(const Program& program) const;

 private:
  Result<Program> restore(std::vector<uint8_t> bytes) const;

  const Device& device_;
  std::vector<GraphPlan> plans_;
  std::filesystem::path path_;  // empty: no cache
};

}  // namespace npb::qnn

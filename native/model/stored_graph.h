// What a file of compiled graphs says about them, for people and for the choice of a graph.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace npb {

struct StoredTensor {
  std::string name;
  std::string type;  // "float16", "ufixed8"
  std::vector<uint32_t> dims;
  std::string quantization;  // "scale 0.0123, offset -128"; empty: none
  uint64_t bytes = 0;
};

struct StoredGraph {
  std::string name;
  std::vector<StoredTensor> inputs, outputs;
};

}  // namespace npb

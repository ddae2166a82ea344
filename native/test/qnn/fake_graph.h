// Graphs as the fake library keeps, executes and serialises them.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "backends/qnn/abi.h"

namespace npb::qnn::fake {

struct FakeTensor {
  uint32_t id = 0, type = 0, data_type = 0;
  std::string name;
  std::vector<uint32_t> dims;
  std::vector<float> data;    // static tensors; whole numbers of kUint32, too; dequantised
  ScaleOffset grid = {0, 0};  // of kUfixed16
  size_t count() const {
    size_t n = 1;
    for (uint32_t d : dims) n *= d;
    return n;
  }
};

struct FakeNode {
  std::string name, type;
  std::map<std::string, float> scalars;
  std::map<std::string, std::vector<uint32_t>> lists;
  std::vector<uint32_t> inputs, outputs;  // ids
};

struct FakeGraph {
  std::string name;
  std::map<uint32_t, FakeTensor> tensors;
  std::vector<FakeNode> nodes;
  bool finalized = false;

  /// Tensors of a type, in the order of their ids.
  std::vector<const FakeTensor*> of_type(uint32_t type) const;
};

/// Elements as the fake computes with them: fixed-point numbers are their bare codes.
size_t element_size(uint32_t data_type);
float read_element(uint32_t data_type, const void* data, size_t index);
void write_element(uint32_t data_type, void* data, size_t index, float value);

/// Shapes of a node's outputs from those of its inputs; false if it can't be. What the vendor
/// documents for the operation, as far as it is used.
bool shapes_fit(const FakeGraph& graph, const FakeNode& node);

/// Values by tensor id; outputs are rounded to f16, or to the tensor's grid. False on an unknown
/// operation.
bool run_node(const FakeGraph& graph, const FakeNode& node,
              std::map<uint32_t, std::vector<float>>& values);

/// Reads a static tensor of signed bytes as its quantisation says. False if the description makes
/// no sense: an axis without one scale for each of its elements, numbers out of their bits' range.
bool read_quantized(const TensorV2& body, FakeTensor& tensor);

std::vector<uint8_t> serialize(const std::vector<const FakeGraph*>& graphs);
/// False for anything that serialize() didn't write.
bool parse(const uint8_t* data, uint64_t bytes, std::vector<FakeGraph>& graphs);

}  // namespace npb::qnn::fake

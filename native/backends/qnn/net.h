// Building one QNN graph: tensors and nodes with the first error kept, so that a builder reads like
// the mathematics. Every node is validated by the runtime before it is added, and a refusal is an
// error (the runtime itself would go on).
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "backends/qnn/device.h"
#include "backends/qnn/quantize.h"

namespace npb::qnn {

/// Elements of a shape; 0 if it overflows 32 bits of bytes, which no tensor may.
uint32_t element_count(const std::vector<uint32_t>& dims);
uint32_t element_bytes(uint32_t data_type);  // 0: unknown

class Net {
 public:
  using Id = int32_t;
  using Dims = std::vector<uint32_t>;

  struct Setting {
    std::string name;
    uint32_t data_type;  // kFloat32, kUint32, kBool8; a list is a tensor of kUint32
    float f32 = 0;
    uint32_t u32 = 0;
    std::vector<uint32_t> list = {};
    uint32_t rows = 1;  // of the list; a matrix if more than one
  };
  static Setting f32(std::string name, float value) {
    return {.name = std::move(name), .data_type = kFloat32, .f32 = value};
  }
  static Setting u32(std::string name, uint32_t value) {
    return {.name = std::move(name), .data_type = kUint32, .u32 = value};
  }
  static Setting flag(std::string name, bool value) {
    return {.name = std::move(name), .data_type = kBool8, .u32 = value ? 1u : 0u};
  }
  static Setting list(std::string name, std::vector<uint32_t> values) {
    return {.name = std::move(name), .data_type = kUint32, .list = std::move(values)};
  }

  static Setting table(std::string name, uint32_t rows, std::vector<uint32_t> values) {
    return {.name = std::move(name), .data_type = kUint32, .list = std::move(values), .rows = rows};
  }

  Net(const Device& device, Handle graph) : device_(device), graph_(graph) {}

  Id input(const std::string& name, Dims dims);  // f16
  /// f16 data [dims]; must live until the graph is finalised.
  Id constant(const std::string& name, Dims dims, const uint16_t* data);
  /// A copy is kept.
  Id constant(const std::string& name, Dims dims, std::vector<uint16_t> data);

  /// Quantised, with its own dims; must live until the graph is finalised.
  Id constant(const std::string& name, QuantizedMatrix& matrix);

  /// One output; an output of the graph if `result`. Outputs are f16, or 16-bit numbers on `grid`.
  Id node(const std::string& name, const char* type, const std::vector<Id>& inputs, Dims dims,
          const std::vector<Setting>& settings = {}, bool result = false,
          const std::optional<ScaleOffset>& grid = {});
  std::vector<Id> nodes(const std::string& name, const char* type, const std::vector<Id>& inputs,
                        const std::vector<Dims>& dims, const std::vector<Setting>& settings,
                        bool result = false, const std::optional<ScaleOffset>& grid = {});
  /// The same elements in another shape; itself if the shape is that already.
  Id reshape(const std::string& name, Id value, Dims dims, bool result = false);
  Id transpose(const std::string& name, Id value, std::vector<uint32_t> order, bool result = false);

  const Dims& dims(Id value) const { return tensors_[static_cast<size_t>(value)].dims; }
  const Tensor& tensor(Id value) const { return tensors_[static_cast<size_t>(value)].tensor; }
  const std::string& name(Id value) const { return tensors_[static_cast<size_t>(value)].name; }
  uint32_t node_count() const { return node_count_; }

  /// Finalises the graph, or tells the first error of anything above.
  Result<void> finish();

 private:
  struct Entry {
    Tensor tensor = {};
    std::string name;
    Dims dims;
    std::optional<ScaleOffset> grid;
    std::vector<uint16_t> f16;
    std::vector<uint32_t> u32;
  };
  Id add(const std::string& name, uint32_t type, uint32_t data_type, Dims dims, const void* data,
         const Quantization* quantization = nullptr);
  void fail(Error error);

  const Device& device_;
  Handle graph_;
  std::deque<Entry> tensors_;  // addresses stay: tensors point to their names and dims
  uint32_t node_count_ = 0;
  bool failed_ = false;
  Error error_;
};

}  // namespace npb::qnn

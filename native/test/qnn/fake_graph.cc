#include "test/qnn/fake_graph.h"

#include <cstring>

#include "core/half.h"

namespace npb::qnn::fake {
namespace {

constexpr char kMagic[8] = {'N', 'P', 'B', 'F', 'A', 'K', 'E', '1'};

struct Writer {
  std::vector<uint8_t> bytes;
  void raw(const void* data, size_t count) {
    const auto* p = static_cast<const uint8_t*>(data);
    for (size_t i = 0; i < count; ++i) bytes.push_back(p[i]);
  }
  void number(uint32_t value) { raw(&value, 4); }
  void real(float value) { raw(&value, 4); }
  void text(const std::string& value) {
    number(static_cast<uint32_t>(value.size()));
    raw(value.data(), value.size());
  }
  void list(const std::vector<uint32_t>& values) {
    number(static_cast<uint32_t>(values.size()));
    for (uint32_t value : values) number(value);
  }
};

struct Reader {
  const uint8_t* data;
  uint64_t left;
  bool good = true;
  void raw(void* target, uint64_t count) {
    if (!good || count > left) {
      good = false;
      return;
    }
    std::memcpy(target, data, count);
    data += count;
    left -= count;
  }
  uint32_t number() {
    uint32_t value = 0;
    raw(&value, 4);
    return good ? value : 0;
  }
  uint32_t size(uint32_t element) {
    const uint32_t count = number();
    if (uint64_t{count} * element > left) good = false;
    return good ? count : 0;
  }
  float real() {
    float value = 0;
    raw(&value, 4);
    return value;
  }
  std::string text() {
    std::string value(size(1), ' ');
    raw(value.data(), value.size());
    return value;
  }
  std::vector<uint32_t> list() {
    std::vector<uint32_t> values(size(4));
    for (uint32_t& value : values) value = number();
    return values;
  }
};

}  // namespace

namespace {

template <class T>
float read_as(const void* data, size_t index) {
  return static_cast<float>(static_cast<const T*>(data)[index]);
}
template <class T>
void write_as(void* data, size_t index, float value) {
  static_cast<T*>(data)[index] = static_cast<T>(value);
}

}  // namespace

size_t element_size(uint32_t data_type) {
  const uint32_t width = data_type & 0xff;
  return width == 0x08 ? 1 : width == 0x16 ? 2 : width == 0x64 ? 8 : 4;
}

float read_element(uint32_t data_type, const void* data, size_t index) {
  if (data_type == kFloat16) return f16_to_f32(static_cast<const uint16_t*>(data)[index]);
  if (data_type == kFloat32) return read_as<float>(data, index);
  if (data_type == kInt32 || data_type == kSfixed32) return read_as<int32_t>(data, index);
  if (data_type == kSfixed8 || data_type == kInt8) return read_as<int8_t>(data, index);
  const size_t size = element_size(data_type);
  return size == 1   ? read_as<uint8_t>(data, index)
         : size == 2 ? read_as<uint16_t>(data, index)
         : size == 4 ? read_as<uint32_t>(data, index)
                     : read_as<uint64_t>(data, index);
}

void write_element(uint32_t data_type, void* data, size_t index, float value) {
  if (data_type == kFloat16) {
    static_cast<uint16_t*>(data)[index] = f32_to_f16(value);
    return;
  }
  if (data_type == kFloat32) return write_as<float>(data, index, value);
  if (data_type == kInt32 || data_type == kSfixed32) return write_as<int32_t>(data, index, value);
  if (data_type == kSfixed8 || data_type == kInt8) return write_as<int8_t>(data, index, value);
  const size_t size = element_size(data_type);
  return size == 1   ? write_as<uint8_t>(data, index, value)
         : size == 2 ? write_as<uint16_t>(data, index, value)
         : size == 4 ? write_as<uint32_t>(data, index, value)
                     : write_as<uint64_t>(data, index, value);
}

std::vector<const FakeTensor*> FakeGraph::of_type(uint32_t type) const {
  std::vector<const FakeTensor*> found;
  for (const auto& [id, tensor] : tensors)
    if (tensor.type == type) found.push_back(&tensor);
  return found;
}

std::vector<uint8_t> serialize(const std::vector<const FakeGraph*>& graphs) {
  Writer w;
  w.raw(kMagic, sizeof kMagic);
  w.number(static_cast<uint32_t>(graphs.size()));
  for (const FakeGraph* graph : graphs) {
    w.text(graph->name);
    w.number(static_cast<uint32_t>(graph->tensors.size()));
    for (const auto& [id, tensor] : graph->tensors) {
      w.number(id);
      w.number(tensor.type);
      w.number(tensor.data_type);
      w.text(tensor.name);
      w.list(tensor.dims);
      w.real(tensor.grid.scale);
      w.number(static_cast<uint32_t>(tensor.grid.offset));
      w.number(static_cast<uint32_t>(tensor.data.size()));
      for (float value : tensor.data) w.real(value);
    }
    w.number(static_cast<uint32_t>(graph->nodes.size()));
    for (const FakeNode& node : graph->nodes) {
      w.text(node.name);
      w.text(node.type);
      w.number(static_cast<uint32_t>(node.scalars.size()));
      for (const auto& [name, value] : node.scalars) {
        w.text(name);
        w.real(value);
      }
      w.number(static_cast<uint32_t>(node.lists.size()));
      for (const auto& [name, values] : node.lists) {
        w.text(name);
        w.list(values);
      }
      w.list(node.inputs);
      w.list(node.outputs);
    }
  }
  return w.bytes;
}

bool parse(const uint8_t* data, uint64_t bytes, std::vector<FakeGraph>& graphs) {
  Reader r{data, bytes};
  char magic[sizeof kMagic] = {};
  r.raw(magic, sizeof magic);
  if (!r.good || std::memcmp(magic, kMagic, sizeof magic) != 0) return false;
  graphs.resize(r.size(4));
  for (FakeGraph& graph : graphs) {
    graph.name = r.text();
    graph.finalized = true;
    for (uint32_t count = r.size(16); count > 0 && r.good; --count) {
      FakeTensor tensor;
      tensor.id = r.number();
      tensor.type = r.number();
      tensor.data_type = r.number();
      tensor.name = r.text();
      tensor.dims = r.list();
      tensor.grid.scale = r.real();
      tensor.grid.offset = static_cast<int32_t>(r.number());
      tensor.data.resize(r.size(4));
      for (float& value : tensor.data) value = r.real();
      graph.tensors[tensor.id] = std::move(tensor);
    }
    graph.nodes.resize(r.size(16));
    for (FakeNode& node : graph.nodes) {
      node.name = r.text();
      node.type = r.text();
      for (uint32_t count = r.size(8); count > 0 && r.good; --count) {
        const std::string name = r.text();
        node.scalars[name] = r.real();
      }
      for (uint32_t count = r.size(8); count > 0 && r.good; --count) {
        const std::string name = r.text();
        node.lists[name] = r.list();
      }
      node.inputs = r.list();
      node.outputs = r.list();
    }
  }
  return r.good && r.left == 0;
}

}  // namespace npb::qnn::fake

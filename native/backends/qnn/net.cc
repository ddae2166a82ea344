#include "backends/qnn/net.h"

#include <utility>

#include "backends/qnn/errors.h"

namespace npb::qnn {

uint32_t element_count(const std::vector<uint32_t>& dims) {
  uint64_t count = 1;
  for (uint32_t dim : dims) {
    if (dim == 0 || count > 0xffffffffull / dim) return 0;
    count *= dim;
  }
  return count > 0x3fffffffull ? 0 : static_cast<uint32_t>(count);
}

uint32_t element_bytes(uint32_t data_type) {
  switch (data_type & 0xff) {
    case 0x08:
      return 1;
    case 0x16:
      return 2;
    case 0x32:
      return 4;
    case 0x64:
      return 8;
    default:
      return 0;
  }
}

void Net::fail(Error error) {
  if (failed_) return;
  failed_ = true;
  error_ = std::move(error);
}

Net::Id Net::add(const std::string& name, uint32_t type, uint32_t data_type, Dims dims,
                 const void* data, const Quantization* quantization) {
  const Id id = static_cast<Id>(tensors_.size());
  Entry& entry = tensors_.emplace_back();
  entry.name = name;
  entry.dims = std::move(dims);
  const uint32_t count = element_count(entry.dims);
  if (count == 0)
    fail({ErrorCode::unsupported, "The tensor " + name +
                                      " is empty or larger than the NPU can address; use a "
                                      "smaller model, length or batch."});
  TensorV2& body = entry.tensor.body;
  entry.tensor.version = 1;
  body.name = entry.name.c_str();
  body.type = type;
  body.data_type = data_type;
  body.quantization.definition = body.quantization.encoding = kUndefined;
  if (quantization) body.quantization = *quantization;
  body.rank = static_cast<uint32_t>(entry.dims.size());
  body.dimensions = entry.dims.data();
  body.memory = kMemoryRaw;
  if (data) {
    body.buffer.data = const_cast<void*>(data);
    body.buffer.bytes = count * element_bytes(data_type);
  }
  if (failed_) return id;
  const Functions& f = device_.functions();
  const Status status = f.tensor_create_graph_tensor(graph_, &entry.tensor);
  if (code_of(status) != 0) fail(call_failed(f, status, "Creating the NPU tensor " + name));
  return id;
}

Net::Id Net::input(const std::string& name, Dims dims) {
  return add(name, kAppWrite, kFloat16, std::move(dims), nullptr);
}

Net::Id Net::constant(const std::string& name, Dims dims, const uint16_t* data) {
  return add(name, kStatic, kFloat16, std::move(dims), data);
}

Net::Id Net::constant(const std::string& name, Dims dims, std::vector<uint16_t> data) {
  const uint16_t* first = data.data();  // stays where it is when the vector moves
  const Id id = add(name, kStatic, kFloat16, std::move(dims), first);
  tensors_.back().f16 = std::move(data);
  return id;
}

Net::Id Net::constant(const std::string& name, QuantizedMatrix& m) {
  Quantization q = {};
  q.definition = kDefined;
  if (m.format == WeightFormat::int4_block) {
    m.expansion = {.axis = 3,
                   .channels = m.channels.data(),
                   .blocks_per_axis = m.cols / m.block,
                   .block_scale_bits = 4,
                   .block_scale_storage = 0,
                   .block_scales = m.block_scales.data()};
    q.encoding = kBlockwiseExpansion;
    q.expansion = &m.expansion;
    return add(name, kStatic, kSfixed8, {1, 1, m.cols, m.rows}, m.data.data(), &q);
  }
  if (m.format == WeightFormat::int4_channel) {
    q.encoding = kBitsPerAxis;
    q.axis_bits = {4, 0, m.rows, m.scales.data(), m.offsets.data()};
  } else {
    q.encoding = kPerAxis;
    q.axis = {0, m.rows, m.channels.data()};
  }
  return add(name, kStatic, kSfixed8, {m.rows, m.cols}, m.data.data(), &q);
}

std::vector<Net::Id> Net::nodes(const std::string& name, const char* type,
                                const std::vector<Id>& inputs, const std::vector<Dims>& dims,
                                const std::vector<Setting>& settings, bool result,
                                const std::optional<ScaleOffset>& grid) {
  Quantization quantization = {};
  if (grid) {
    quantization.definition = kDefined;
    quantization.encoding = kScaleOffset;
    quantization.scale_offset = *grid;
  }
  std::vector<Id> outputs;
  for (size_t i = 0; i < dims.size(); ++i) {
    outputs.push_back(add(i == 0 ? name : name + "." + std::to_string(i),
                          result ? kAppRead : kNative, grid ? kUfixed16 : kFloat16, dims[i],
                          nullptr, grid ? &quantization : nullptr));
    tensors_.back().grid = grid;
  }
  std::vector<Param> params(settings.size());
  for (size_t i = 0; i < settings.size(); ++i) {
    const Setting& setting = settings[i];
    params[i].name = setting.name.c_str();
    if (!setting.list.empty()) {
      std::vector<uint32_t> values = setting.list;
      const uint32_t* first = values.data();  // stays where it is when the vector moves
      const auto count = static_cast<uint32_t>(values.size());
      const Dims shape = setting.rows > 1 ? Dims{setting.rows, count / setting.rows} : Dims{count};
      const Id list = add(name + "." + setting.name, kStatic, kUint32, shape, first);
      tensors_.back().u32 = std::move(values);
      params[i].kind = 1;
      params[i].tensor = tensor(list);
      continue;
    }
    params[i].scalar.data_type = setting.data_type;
    if (setting.data_type == kFloat32)
      params[i].scalar.f32 = setting.f32;
    else if (setting.data_type == kBool8)
      params[i].scalar.bool8 = setting.u32 != 0;
    else
      params[i].scalar.u32 = setting.u32;
  }
  if (failed_) return outputs;

  std::vector<Tensor> in, out;
  for (Id id : inputs) in.push_back(tensor(id));
  for (Id id : outputs) out.push_back(tensor(id));
  OpConfig op = {};
  op.version = 1;
  op.name = this->name(outputs[0]).c_str();
  op.package = "qti.aisw";
  op.type = type;
  op.param_count = static_cast<uint32_t>(params.size());
  op.params = params.data();
  op.input_count = static_cast<uint32_t>(in.size());
  op.inputs = in.data();
  op.output_count = static_cast<uint32_t>(out.size());
  op.outputs = out.data();
  const Functions& f = device_.functions();
  Status status = f.backend_validate_op_config(device_.backend(), op);
  if (code_of(status) != 0) {
    fail(
        call_failed(f, status, std::string("Checking the NPU operation ") + type + " for " + name));
    return outputs;
  }
  status = f.graph_add_node(graph_, op);
  if (code_of(status) != 0)
    fail(call_failed(f, status, std::string("Adding the NPU operation ") + type + " for " + name));
  ++node_count_;
  return outputs;
}

Net::Id Net::node(const std::string& name, const char* type, const std::vector<Id>& inputs,
                  Dims dims, const std::vector<Setting>& settings, bool result,
                  const std::optional<ScaleOffset>& grid) {
  return nodes(name, type, inputs, {std::move(dims)}, settings, result, grid)[0];
}

Net::Id Net::reshape(const std::string& name, Id value, Dims dims, bool result) {
  if (!result && this->dims(value) == dims) return value;
  const std::optional<ScaleOffset> grid = tensors_[static_cast<size_t>(value)].grid;
  return node(name, "Reshape", {value}, std::move(dims), {}, result, grid);
}

Net::Id Net::transpose(const std::string& name, Id value, std::vector<uint32_t> order,
                       bool result) {
  Dims turned;
  for (uint32_t axis : order) turned.push_back(dims(value)[axis]);
  return node(name, "Transpose", {value}, std::move(turned), {list("perm", std::move(order))},
              result);
}

Result<void> Net::finish() {
  if (failed_) return error_;
  const Functions& f = device_.functions();
  const Status status = f.graph_finalize(graph_, nullptr, nullptr);
  if (code_of(status) != 0)
    return call_failed(f, status, "Preparing the model's graph for the NPU");
  return {};
}

}  // namespace npb::qnn

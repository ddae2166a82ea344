#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/half.h"
#include "test/qnn/fake_graph.h"

namespace npb::qnn::fake {
namespace {

using Dims = std::vector<uint32_t>;

std::vector<size_t> strides(const Dims& dims) {
  std::vector<size_t> s(dims.size(), 1);
  for (size_t i = dims.size(); i-- > 1;) s[i - 1] = s[i] * dims[i];
  return s;
}

bool broadcast(const Dims& a, const Dims& b, Dims& out) {
  const size_t rank = std::max(a.size(), b.size());
  out.assign(rank, 1);
  for (size_t i = 0; i < rank; ++i) {
    const uint32_t x = i + a.size() < rank ? 1 : a[i + a.size() - rank];
    const uint32_t y = i + b.size() < rank ? 1 : b[i + b.size() - rank];
    if (x != y && x != 1 && y != 1) return false;
    out[i] = std::max(x, y);
  }
  return true;
}

/// Index into a tensor of shape `dims` for the flat index `at` of the shape `out` it broadcasts to.
size_t broadcast_index(const Dims& dims, const Dims& out, size_t at) {
  size_t index = 0, stride = 1;
  for (size_t i = out.size(); i-- > 0;) {
    const size_t coordinate = at % out[i];
    at /= out[i];
    if (i + dims.size() < out.size()) continue;
    const uint32_t size = dims[i + dims.size() - out.size()];
    if (size != 1) index += coordinate * stride;
    stride *= size;
  }
  return index;
}

float erf_gelu(float x) { return 0.5f * x * (1.0f + std::erf(x * 0.70710678f)); }

struct Op {
  const FakeGraph& graph;
  const FakeNode& node;
  const FakeTensor& in(size_t i) const { return graph.tensors.at(node.inputs[i]); }
  const FakeTensor& out(size_t i = 0) const { return graph.tensors.at(node.outputs[i]); }
  uint32_t axis() const { return static_cast<uint32_t>(node.scalars.at("axis")); }
  bool flag(const char* name) const {
    const auto found = node.scalars.find(name);
    return found != node.scalars.end() && found->second != 0;
  }
};

bool is_elementwise(const std::string& type) { return type.rfind("ElementWise", 0) == 0; }

/// [.., M, K] x [.., K, N] or transposed.
bool matmul_dims(const Op& op, Dims& out, size_t& m, size_t& k, size_t& n) {
  const Dims &a = op.in(0).dims, &b = op.in(1).dims;
  if (a.size() < 2 || a.size() != b.size() || op.flag("transpose_in0")) return false;
  const bool turned = op.flag("transpose_in1");
  m = a[a.size() - 2];
  k = a[a.size() - 1];
  n = turned ? b[b.size() - 2] : b[b.size() - 1];
  if ((turned ? b[b.size() - 1] : b[b.size() - 2]) != k) return false;
  out = a;
  for (size_t i = 0; i + 2 < a.size(); ++i)
    if (a[i] != b[i]) return false;
  out[out.size() - 1] = static_cast<uint32_t>(n);
  return true;
}

/// One scale for each element of `axis` of `dims`, each positive.
bool scales_fit(const ScaleOffset* items, uint32_t count, const Dims& dims, int32_t axis) {
  if (!items || axis < 0 || static_cast<size_t>(axis) >= dims.size() ||
      count != dims[static_cast<size_t>(axis)])
    return false;
  return std::all_of(items, items + count,
                     [](const ScaleOffset& item) { return item.scale > 0 && item.offset == 0; });
}

}  // namespace

bool read_quantized(const TensorV2& body, FakeTensor& tensor) {
  const size_t count = tensor.count();
  const Quantization& q = body.quantization;
  if (!body.buffer.data || body.buffer.bytes != count || q.definition != kDefined) return false;
  tensor.data.resize(count);
  const auto* bytes = static_cast<const int8_t*>(body.buffer.data);
  const Dims& dims = tensor.dims;
  const size_t last = dims.back();
  if (q.encoding == kPerAxis) {
    if (!scales_fit(q.axis.items, q.axis.count, dims, q.axis.axis) || q.axis.axis != 0)
      return false;
    for (size_t i = 0; i < count; ++i) tensor.data[i] = bytes[i] * q.axis.items[i / last].scale;
    return true;
  }
  if (std::any_of(bytes, bytes + count, [](int8_t v) { return v < -8 || v > 7; })) return false;
  if (q.encoding == kBitsPerAxis) {
    const AxisBits& b = q.axis_bits;
    if (b.bits != 4 || b.axis != 0 || b.count != dims[0] || !b.scales || !b.offsets) return false;
    for (size_t i = 0; i < count; ++i) tensor.data[i] = bytes[i] * b.scales[i / last];
    return true;
  }
  if (q.encoding != kBlockwiseExpansion || !q.expansion || dims.size() != 4) return false;
  const BlockwiseExpansion& e = *q.expansion;
  if (e.axis != 3 || e.block_scale_bits != 4 || e.block_scale_storage != 0 || !e.block_scales ||
      e.blocks_per_axis == 0 || dims[2] % e.blocks_per_axis != 0 ||
      !scales_fit(e.channels, dims[3], dims, 3))
    return false;
  const size_t block = dims[2] / e.blocks_per_axis;
  for (size_t i = 0; i < count; ++i) {
    const size_t row = i / last, channel = i % last;
    const uint8_t factor = e.block_scales[channel * e.blocks_per_axis + row / block];
    if (factor == 0 || factor > 15) return false;
    tensor.data[i] = bytes[i] * e.channels[channel].scale * static_cast<float>(factor);
  }
  return true;
}

bool shapes_fit(const FakeGraph& graph, const FakeNode& node) {
  const Op op{graph, node};
  const Dims &a = op.in(0).dims, &out = op.out().dims;
  const std::string& type = node.type;
  if (is_elementwise(type)) {
    Dims wanted;
    return node.inputs.size() == 2 && broadcast(a, op.in(1).dims, wanted) && wanted == out;
  }
  if (type == "Sigmoid" || type == "Gelu") return out == a;
  if (type == "Quantize" || type == "Dequantize") {
    const bool to_grid = type == "Quantize";
    return out == a && op.in(0).data_type == (to_grid ? kFloat16 : kUfixed16) &&
           op.out().data_type == (to_grid ? kUfixed16 : kFloat16);
  }
  if (type == "Conv2d") {
    const Dims& w = op.in(1).dims;
    const auto ones = Dims{1, 1};
    return a.size() == 4 && w == Dims{1, 1, a[3], out[3]} && out == Dims{a[0], a[1], a[2], w[3]} &&
           node.lists.at("stride") == ones && node.lists.at("dilation") == ones &&
           node.lists.at("pad_amount") == Dims{0, 0, 0, 0};
  }
  if (type == "Softmax") return out == a && op.axis() + 1 == a.size();
  if (type == "RmsNorm" || type == "LayerNorm")
    return out == a && node.inputs.size() == 3 && op.in(1).dims == Dims{a.back()} &&
           op.in(2).dims == Dims{a.back()} &&
           node.lists.at("axes") == Dims{static_cast<uint32_t>(a.size() - 1)};
  if (type == "Reshape") return op.in(0).count() == op.out().count();
  if (type == "Transpose") {
    const Dims& order = node.lists.at("perm");
    Dims sorted = order, wanted;
    std::sort(sorted.begin(), sorted.end());
    if (order.size() != a.size()) return false;
    for (size_t i = 0; i < order.size(); ++i) {
      if (sorted[i] != i) return false;
      wanted.push_back(a[order[i]]);
    }
    return wanted == out;
  }
  if (type == "FullyConnected") {
    const Dims& w = op.in(1).dims;
    return a.size() == 2 && w.size() == 2 && w[1] == a[1] && out == Dims{a[0], w[0]} &&
           (node.inputs.size() == 2 || op.in(2).dims == Dims{w[0]});
  }
  if (type == "MatMul") {
    Dims wanted;
    size_t m, k, n;
    return matmul_dims(op, wanted, m, k, n) && wanted == out;
  }
  if (type == "Concat" || type == "Split") {
    // Both say that the parts differ along the axis only, and make up the whole.
    const bool split = type == "Split";
    const std::vector<uint32_t>& part_ids = split ? node.outputs : node.inputs;
    Dims whole = split ? a : out;
    uint32_t sum = 0;
    std::vector<uint32_t> cuts;
    for (uint32_t id : part_ids) {
      Dims part = graph.tensors.at(id).dims;
      if (part.size() != whole.size()) return false;
      if (sum > 0) cuts.push_back(sum);
      sum += part[op.axis()];
      part[op.axis()] = whole[op.axis()];
      if (part != whole) return false;
    }
    return sum == whole[op.axis()] && (!split || node.lists.at("split_index") == cuts);
  }
  return false;
}

bool run_node(const FakeGraph& graph, const FakeNode& node,
              std::map<uint32_t, std::vector<float>>& values) {
  const Op op{graph, node};
  const auto input = [&](size_t i) -> const std::vector<float>& {
    const FakeTensor& tensor = op.in(i);
    return tensor.type == kStatic ? tensor.data : values.at(tensor.id);
  };
  std::vector<std::vector<float>> results(node.outputs.size());
  for (size_t i = 0; i < results.size(); ++i) results[i].resize(op.out(i).count());
  std::vector<float>& y = results[0];
  const std::vector<float>& x = input(0);
  const std::string& type = node.type;
  const size_t last = op.in(0).dims.back();

  if (is_elementwise(type)) {
    const std::vector<float>& z = input(1);
    for (size_t i = 0; i < y.size(); ++i) {
      const float a = x[broadcast_index(op.in(0).dims, op.out().dims, i)];
      const float b = z[broadcast_index(op.in(1).dims, op.out().dims, i)];
      y[i] = type == "ElementWiseAdd" ? a + b : type == "ElementWiseSubtract" ? a - b : a * b;
    }
  } else if (type == "Sigmoid") {
    std::transform(x.begin(), x.end(), y.begin(),
                   [](float v) { return 1.0f / (1.0f + std::exp(-v)); });
  } else if (type == "Gelu") {
    std::transform(x.begin(), x.end(), y.begin(), erf_gelu);
  } else if (type == "Softmax") {
    const float beta = node.scalars.at("beta");
    for (size_t row = 0; row < y.size(); row += last) {
      const float most = *std::max_element(x.begin() + row, x.begin() + row + last);
      float sum = 0;
      for (size_t i = 0; i < last; ++i) sum += y[row + i] = std::exp((x[row + i] - most) * beta);
      for (size_t i = 0; i < last; ++i) y[row + i] /= sum;
    }
  } else if (type == "RmsNorm" || type == "LayerNorm") {
    const float eps = node.scalars.at("epsilon");
    const auto n = static_cast<float>(last);
    for (size_t row = 0; row < y.size(); row += last) {
      float mean = 0, squares = 0;
      if (type == "LayerNorm")
        mean = std::accumulate(x.begin() + row, x.begin() + row + last, 0.0f) / n;
      for (size_t i = 0; i < last; ++i) squares += (x[row + i] - mean) * (x[row + i] - mean);
      const float factor = 1.0f / std::sqrt(squares / n + eps);
      for (size_t i = 0; i < last; ++i)
        y[row + i] = (x[row + i] - mean) * factor * input(1)[i] + input(2)[i];
    }
  } else if (type == "Reshape" || type == "Quantize" || type == "Dequantize") {
    y = x;
  } else if (type == "Conv2d") {
    const std::vector<float>& w = input(1);
    const size_t n = op.out().dims.back();
    for (size_t i = 0; i < y.size(); ++i) {
      float sum = 0;
      for (size_t k = 0; k < last; ++k) sum += x[i / n * last + k] * w[k * n + i % n];
      y[i] = sum;
    }
  } else if (type == "Transpose") {
    const Dims& order = node.lists.at("perm");
    const std::vector<size_t> from = strides(op.in(0).dims);
    for (size_t i = 0; i < y.size(); ++i) {
      size_t rest = i, index = 0;
      for (size_t axis = order.size(); axis-- > 0;) {
        index += rest % op.out().dims[axis] * from[order[axis]];
        rest /= op.out().dims[axis];
      }
      y[i] = x[index];
    }
  } else if (type == "FullyConnected") {
    const std::vector<float>& w = input(1);
    const size_t n = op.in(1).dims[0];
    for (size_t i = 0; i < y.size(); ++i) {
      const float* a = x.data() + i / n * last;
      const float* b = w.data() + i % n * last;
      y[i] = std::inner_product(a, a + last, b, node.inputs.size() == 3 ? input(2)[i % n] : 0.0f);
    }
  } else if (type == "MatMul") {
    Dims dims;
    size_t m = 0, k = 0, n = 0;
    if (!matmul_dims(op, dims, m, k, n)) return false;
    const bool turned = op.flag("transpose_in1");
    const std::vector<float>& z = input(1);
    for (size_t i = 0; i < y.size(); ++i) {
      const size_t batch = i / (m * n), row = i / n % m, col = i % n;
      const float* a = x.data() + (batch * m + row) * k;
      const float* b = z.data() + batch * k * n + (turned ? col * k : col);
      float sum = 0;
      for (size_t j = 0; j < k; ++j) sum += a[j] * b[turned ? j : j * n];
      y[i] = sum;
    }
  } else if (type == "Concat" || type == "Split") {
    const bool split = type == "Split";
    const Dims& whole = split ? op.in(0).dims : op.out().dims;
    size_t inner = 1, at = 0;
    for (size_t i = op.axis() + 1; i < whole.size(); ++i) inner *= whole[i];
    const size_t row = inner * whole[op.axis()];
    for (size_t part = 0; part < (split ? node.outputs : node.inputs).size(); ++part) {
      const size_t width = inner * (split ? op.out(part) : op.in(part)).dims[op.axis()];
      const size_t rows = (split ? x.size() : y.size()) / row;
      for (size_t r = 0; r < rows; ++r) {
        if (split)
          std::copy_n(x.begin() + r * row + at, width, results[part].begin() + r * width);
        else
          std::copy_n(input(part).begin() + r * width, width, y.begin() + r * row + at);
      }
      at += width;
    }
  } else {
    return false;
  }
  for (size_t i = 0; i < results.size(); ++i) {
    const FakeTensor& tensor = op.out(i);
    for (float& v : results[i]) {
      if (!(tensor.grid.scale > 0)) {
        v = f16_to_f32(f32_to_f16(v));
        continue;
      }
      const auto offset = static_cast<float>(tensor.grid.offset);
      const float q = std::clamp(std::nearbyint(v / tensor.grid.scale) - offset, 0.0f, 65535.0f);
      v = (q + offset) * tensor.grid.scale;
    }
    values[node.outputs[i]] = std::move(results[i]);
  }
  return true;
}

}  // namespace npb::qnn::fake

#include "backends/opencl/source.h"

#include <set>

#include "backends/opencl/kernel_text.h"

namespace npb::opencl {

using gpu::Kernel;

namespace {

std::string instance(const gpu::Dispatch& dispatch) {
  std::string id = gpu::name(dispatch.kernel);
  if (gpu::reads_matrix(dispatch.kernel)) id += std::string("_") + gpu::name(dispatch.format);
  if (dispatch.variant.kv_f16) id += "_f16";
  const gpu::Variant& v = dispatch.variant;
  for (uint32_t number : {v.local_size, v.lanes, v.rows, v.columns, v.queries})
    (id += "_") += std::to_string(number);
  return id;
}

std::string_view text_of(Kernel kernel) {
  switch (kernel) {
    case Kernel::embed:
      return kernel_text::embed;
    case Kernel::matvec:
    case Kernel::matmul:
    case Kernel::matmul_tiled:
      return kernel_text::linear;
    case Kernel::norm:
      return kernel_text::norm;
    case Kernel::rope_append:
      return kernel_text::rope_append;
    case Kernel::attention:
      return kernel_text::attention;
    case Kernel::elementwise:
      return kernel_text::elementwise;
    case Kernel::pool:
      return kernel_text::pool;
    case Kernel::l2_norm:
      return kernel_text::l2_norm;
    case Kernel::argmax_part:
    case Kernel::argmax_final:
      return kernel_text::argmax;
    case Kernel::count:
      break;
  }
  return {};
}

}  // namespace

std::string kernel_name(const gpu::Dispatch& dispatch) { return instance(dispatch) + "_main"; }

std::string program_source(std::span<const gpu::Dispatch> list) {
  std::string source(kernel_text::common);
  std::set<std::string> done;
  for (const gpu::Dispatch& dispatch : list) {
    const std::string id = instance(dispatch);
    if (!done.insert(id).second) continue;
    std::vector<std::pair<std::string, std::string>> macros = {
        {"NAME(part)", id + "_##part"},
        {"LOCAL", std::to_string(dispatch.variant.local_size)},
        {"LANES", std::to_string(dispatch.variant.lanes)},
        {"ROWS", std::to_string(dispatch.variant.rows)},
        {"COLUMNS", std::to_string(dispatch.variant.columns)},
        {"DIMS_PER_LANE", std::to_string(dispatch.variant.rows)},
        {"HEAD_DIM", std::to_string(dispatch.variant.columns)},
        {"QUERIES", std::to_string(dispatch.variant.queries)}};
    if (gpu::reads_matrix(dispatch.kernel))
      macros.emplace_back("LOAD", std::string("load_") + gpu::name(dispatch.format));
    if (dispatch.variant.kv_f16) macros.emplace_back("KV_F16", "");
    if (dispatch.kernel == Kernel::matvec) macros.emplace_back("MATVEC", "");
    if (dispatch.kernel == Kernel::matmul_tiled) macros.emplace_back("TILED", "");
    if (dispatch.kernel == Kernel::argmax_part) macros.emplace_back("PART", "");
    for (const auto& [macro, value] : macros) source += "#define " + macro + " " + value + "\n";
    source += text_of(dispatch.kernel);
    for (const auto& [macro, value] : macros)
      source += "#undef " + macro.substr(0, macro.find('(')) + "\n";
  }
  return source;
}

}  // namespace npb::opencl

#include "backends/opencl/source.h"

#include <set>
#include <utility>
#include <vector>

#include "backends/opencl/kernel_text.h"

namespace npb::opencl {

using gpu::Kernel;

namespace {

struct Macro {
  std::string name, parameters, value;
};

/// `text` with the macros around it, which end with it.
std::string with_macros(const std::vector<Macro>& macros, std::string_view text) {
  std::string out;
  for (const Macro& m : macros) out += "#define " + m.name + m.parameters + " " + m.value + "\n";
  out += text;
  for (const Macro& m : macros) out += "#undef " + m.name + "\n";
  return out;
}

std::string quants_type(bool image) {
  return image ? "read_only image1d_buffer_t" : "global const uint4*";
}

/// The loads of every format, for quants in buffers or behind images.
std::string formats(bool image) {
  return with_macros({{"FORMAT", "(name)", image ? "load_image_##name" : "load_##name"},
                      {"QUANTS", "", quants_type(image)},
                      {"QUAD", "(q, i)", image ? "read_imageui(q, (int)(i))" : "(q)[i]"}},
                     kernel_text::formats);
}

std::string instance(const gpu::Dispatch& dispatch) {
  std::string id = gpu::name(dispatch.kernel);
  if (gpu::reads_matrix(dispatch.kernel)) id += std::string("_") + gpu::name(dispatch.format);
  if (dispatch.variant.kv_f16) id += "_f16";
  if (dispatch.variant.image) id += "_image";
  if (dispatch.variant.f16) id += "_half";
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

std::string program_source(std::span<const gpu::Dispatch> list, bool processor, Shuffle shuffle) {
  std::string source;
  if (processor) source += "#define PROCESSOR\n";
  if (shuffle == Shuffle::khr) source += "#define SHUFFLE_KHR\n";
  if (shuffle == Shuffle::qcom) source += "#define SHUFFLE_QCOM\n";
  source += kernel_text::common;
  source += formats(false);
  bool images = false;
  std::set<std::string> done;
  for (const gpu::Dispatch& dispatch : list) {
    const std::string id = instance(dispatch);
    if (!done.insert(id).second) continue;
    const gpu::Variant& v = dispatch.variant;
    if (v.image && !std::exchange(images, true)) source += formats(true);
    std::vector<Macro> macros = {
        {"NAME", "(part)", id + "_##part"},          {"LOCAL", "", std::to_string(v.local_size)},
        {"LANES", "", std::to_string(v.lanes)},      {"ROWS", "", std::to_string(v.rows)},
        {"COLUMNS", "", std::to_string(v.columns)},  {"DIMS_PER_LANE", "", std::to_string(v.rows)},
        {"HEAD_DIM", "", std::to_string(v.columns)}, {"QUERIES", "", std::to_string(v.queries)}};
    if (gpu::reads_matrix(dispatch.kernel)) {
      macros.push_back({"QUANTS", "", quants_type(v.image)});
      // An image spans the whole buffer: where the matrix begins is an argument.
      macros.push_back({"LOAD", "(q, s, row, b, qw, sw)",
                        (v.image ? "load_image_" : "load_") + std::string(name(dispatch.format)) +
                            "(q, s, row, b, qw, sw, " +
                            (v.image ? "args.w[" + std::to_string(kImageBase) + "])" : "0)")});
    }
    if (v.f16) macros.push_back({"F16", "", ""});
    if (v.kv_f16) macros.push_back({"KV_F16", "", ""});
    if (dispatch.kernel == Kernel::matvec) macros.push_back({"MATVEC", "", ""});
    if (dispatch.kernel == Kernel::matmul_tiled)
      macros.push_back({v.local_size == 1 ? "PANEL" : "TILED", "", ""});
    if (dispatch.kernel == Kernel::argmax_part) macros.push_back({"PART", "", ""});
    source += with_macros(macros, text_of(dispatch.kernel));
  }
  return source;
}

std::string feature_source(Shuffle shuffle, bool image, bool f16) {
  // A norm brings the reductions, which are what shuffles are for.
  gpu::Dispatch plain;
  plain.kernel = Kernel::l2_norm;
  std::string source = program_source({&plain, 1}, false, shuffle);
  if (image)
    source +=
        "kernel void try_image(read_only image1d_buffer_t from, global uint4* to) {\n"
        "  to[0] = read_imageui(from, 0);\n}\n";
  if (f16)
    source +=
        "#pragma OPENCL EXTENSION cl_khr_fp16 : enable\n"
        "kernel void try_f16(global float4* x) {\n"
        "  half4 h = convert_half4(x[0]);\n  x[1] = convert_float4(h * h);\n"
        "  x[2].x = dot(h, h);\n}\n";
  return source;
}

}  // namespace npb::opencl

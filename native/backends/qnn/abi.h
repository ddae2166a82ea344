// The binary interface of Qualcomm's QNN runtime (core API 2.15 and later) in declarations of our
// own. Nothing of the vendor's is included or linked: sizes and offsets were established by driving
// the library, and every one that we rely on is asserted here. 64-bit targets only.
//
// Every enum of the interface is a 4-byte integer; handles are pointers; each call returns a 64-bit
// number whose low 16 bits are the code, 0 for success.
#pragma once

#include <cstdarg>
#include <cstddef>
#include <cstdint>

namespace npb::qnn {

static_assert(sizeof(void*) == 8, "QNN exists for 64-bit targets only");

using Status = uint64_t;
using Handle = void*;
constexpr uint32_t code_of(Status status) { return static_cast<uint32_t>(status & 0xffff); }

constexpr uint32_t kUndefined = 0x7fffffff;

// Data types; the low byte is the width in decimal digits.
constexpr uint32_t kInt8 = 0x008, kInt16 = 0x016, kInt64 = 0x064, kUint16 = 0x116, kUint64 = 0x164,
                   kFloat64 = 0x264, kBfloat16 = 0x226, kSfixed4 = 0x304, kSfixed16 = 0x316,
                   kSfixed32 = 0x332, kUfixed4 = 0x404, kUfixed32 = 0x432;
constexpr uint32_t kInt32 = 0x032, kUint8 = 0x108, kUint32 = 0x132, kFloat16 = 0x216,
                   kFloat32 = 0x232, kSfixed8 = 0x308, kUfixed8 = 0x408, kUfixed16 = 0x416,
                   kBool8 = 0x508;
// What a tensor is to its graph.
constexpr uint32_t kAppWrite = 0, kAppRead = 1, kNative = 3, kStatic = 4;
// Where its bytes are.
constexpr uint32_t kMemoryRaw = 0, kMemoryHandle = 1;

struct Version {
  uint32_t major, minor, patch;
};
struct ApiVersion {
  Version core, backend;
};

struct Scalar {
  uint32_t data_type;
  union {
    float f32;
    double f64;
    uint64_t u64;
    uint32_t u32;
    int32_t i32;
    uint8_t bool8;
    const char* text;
  };
};

struct ScaleOffset {  // real = (q + offset) * scale
  float scale;
  int32_t offset;
};
struct AxisScaleOffset {
  int32_t axis;
  uint32_t count;
  ScaleOffset* items;
};
struct BitsScaleOffset {
  uint32_t bits;
  ScaleOffset scale_offset;
};
struct AxisBits {  // numbers of fewer bits than their type, one scale for each element of the axis
  uint32_t bits;
  int32_t axis;
  uint32_t count;
  float* scales;
  int32_t* offsets;
};
struct BlockwiseExpansion {  // real = q * scale of the axis element * scale of the block
  int32_t axis;
  ScaleOffset* channels;     // one for each element of the axis
  uint32_t blocks_per_axis;  // for each element
  uint32_t block_scale_bits;
  uint32_t block_scale_storage;  // 0: a byte each
  uint8_t* block_scales;         // [axis element][block]
};
// What the union of Quantization holds.
constexpr uint32_t kDefined = 1;
constexpr uint32_t kScaleOffset = 0, kPerAxis = 1, kBits = 2, kBitsPerAxis = 3,
                   kBlockwiseExpansion = 5;
struct Quantization {
  uint32_t definition;  // kDefined, or kUndefined
  uint32_t encoding;    // one of the above, or kUndefined
  union {
    ScaleOffset scale_offset;
    AxisScaleOffset axis;
    BitsScaleOffset bits;
    AxisBits axis_bits;
    BlockwiseExpansion* expansion;
    uint64_t words[4];
  };
};

struct Buffer {
  void* data;
  uint32_t bytes;
};
struct TensorV2 {  // version 1 is the same without the last three members
  uint32_t id;
  const char* name;
  uint32_t type;
  uint32_t format;  // 0: dense
  uint32_t data_type;
  Quantization quantization;
  uint32_t rank;
  uint32_t* dimensions;
  uint32_t memory;
  union {
    Buffer buffer;
    Handle memory_handle;
  };
  uint8_t* dynamic_dimensions;
  uint32_t sparse[3];
  uint8_t is_produced;
};
struct Tensor {
  uint32_t version;  // 1: what lies behind `buffer` is not looked at
  TensorV2 body;
};

/// One buffer of memory that host and DSP share, as a tensor's storage.
struct MemoryDescriptor {
  uint32_t rank;
  uint32_t* dimensions;
  const char* shape_config;  // null
  uint32_t data_type;
  uint32_t memory;  // 1: a file descriptor of the ION or DMA-BUF allocator
  union {
    int32_t fd;
    void* custom;
    uint64_t words[2];
  };
};
constexpr uint32_t kMemoryIon = 1;

struct Param {
  uint32_t kind;  // 0 scalar, 1 tensor
  const char* name;
  union {
    Scalar scalar;
    Tensor tensor;
  };
};

struct OpConfig {
  uint32_t version;  // 1
  const char* name;
  const char* package;  // "qti.aisw"
  const char* type;
  uint32_t param_count;
  Param* params;
  uint32_t input_count;
  Tensor* inputs;
  uint32_t output_count;
  Tensor* outputs;
};

/// Backend, context, graph, device, profile and signal configurations all have this shape; a list
/// of them is an array of pointers that ends with null.
struct Config {
  uint32_t option;  // 0: `custom` points to the backend's own structure
  union {
    const void* custom;
    uint32_t u32;
    uint64_t u64;
    const char* text;
  };
};

/// HTP's context options of the form (number, bool); 1: graphs of one context share weights.
struct HtpContextCustom {
  uint32_t option;
  uint64_t value[2];
};
/// HTP's graph options with a number: 2 precision (1 = f16), 8 cores.
struct HtpGraphCustom {
  uint32_t option;
  union {
    struct {
      uint32_t type;
      float value;
    } optimization;  // option 1; type 3: effort of the finalisation, 1 to 3
    uint32_t u32;
    uint64_t words[7];
  };
};

struct ProfileEvent {
  uint32_t type;
  uint32_t unit;  // 1 µs, 2 bytes, 3 cycles, 4 count
  uint64_t value;
  const char* identifier;  // owned by the profile
};

struct OperationName {
  const char *package, *name, *target;
};

struct HtpDeviceExtension {
  uint32_t device_type;
  uint64_t vtcm_mb;
  uint32_t soc_model;
  uint8_t signed_pd, dlbc;
  uint32_t arch;
};
struct Core {
  uint32_t version, padding;
  uint32_t core_id, core_type;
  void* extension;
};
struct HardwareDevice {
  uint32_t version, padding;
  uint32_t device_id, device_type, core_count;
  Core* cores;
  HtpDeviceExtension* extension;
};
struct PlatformInfo {
  uint32_t version, padding;
  uint32_t device_count;
  HardwareDevice* devices;
};

/// One vote of the HTP performance infrastructure.
struct PowerConfig {
  uint32_t option;  // 1 DCVS v3, 2 RPC control latency µs, 3 RPC polling µs
  uint32_t words[16];
};
struct PerfInfrastructure {
  uint32_t type;  // 0: the functions below
  Status (*create_power_config_id)(uint32_t device, uint32_t core, uint32_t* id);
  Status (*destroy_power_config_id)(uint32_t id);
  Status (*set_power_config)(uint32_t id, const PowerConfig** configs);
  Status (*set_memory_config)(uint32_t device, uint32_t core, const void** configs);
};

using LogCallback = void (*)(const char* format, uint32_t level, uint64_t timestamp,
                             va_list arguments);
using Unused = void (*)();

/// The function table, in the order that holds since core API 2.10. Later versions only append.
struct Functions {
  Status (*property_has_capability)(uint32_t key);
  Status (*backend_create)(Handle log, const Config** configs, Handle* backend);
  Unused backend_set_config;
  Status (*backend_get_api_version)(ApiVersion* version);
  Status (*backend_get_build_id)(const char** id);
  Unused backend_register_op_package;
  Status (*backend_get_supported_operations)(Handle backend, uint32_t* count,
                                             const OperationName** names);
  Status (*backend_validate_op_config)(Handle backend, OpConfig op);
  Status (*backend_free)(Handle backend);
  Status (*context_create)(Handle backend, Handle device, const Config** configs, Handle* context);
  Unused context_set_config;
  Status (*context_get_binary_size)(Handle context, uint64_t* bytes);
  Status (*context_get_binary)(Handle context, void* data, uint64_t bytes, uint64_t* written);
  Status (*context_create_from_binary)(Handle backend, Handle device, const Config** configs,
                                       const void* data, uint64_t bytes, Handle* context,
                                       Handle profile);
  Status (*context_free)(Handle context, Handle profile);
  Status (*graph_create)(Handle context, const char* name, const Config** configs, Handle* graph);
  Unused graph_create_subgraph;
  Unused graph_set_config;
  Status (*graph_add_node)(Handle graph, OpConfig op);
  Status (*graph_finalize)(Handle graph, Handle profile, Handle signal);
  Status (*graph_retrieve)(Handle context, const char* name, Handle* graph);
  Status (*graph_execute)(Handle graph, const Tensor* inputs, uint32_t input_count, Tensor* outputs,
                          uint32_t output_count, Handle profile, Handle signal);
  Unused graph_execute_async;
  Unused tensor_create_context_tensor;
  Status (*tensor_create_graph_tensor)(Handle graph, Tensor* tensor);  // fills the id
  Status (*log_create)(LogCallback callback, uint32_t level, Handle* log);
  Unused log_set_level;
  Status (*log_free)(Handle log);
  Status (*profile_create)(Handle backend, uint32_t level, Handle* profile);
  Unused profile_set_config;
  Status (*profile_get_events)(Handle profile, const uint64_t** events, uint32_t* count);
  Status (*profile_get_sub_events)(uint64_t event, const uint64_t** events, uint32_t* count);
  Status (*profile_get_event_data)(uint64_t event, ProfileEvent* data);
  Unused profile_get_extended_event_data;
  Status (*profile_free)(Handle profile);
  Status (*memory_register)(Handle context, const MemoryDescriptor* descriptors, uint32_t count,
                            Handle* handles);
  Status (*memory_deregister)(const Handle* handles, uint32_t count);
  Status (*device_get_platform_info)(Handle log, const PlatformInfo** info);
  Status (*device_free_platform_info)(Handle log, const PlatformInfo* info);
  Status (*device_get_infrastructure)(void** infrastructure);
  Status (*device_create)(Handle log, const Config** configs, Handle* device);
  Unused device_set_config;
  Unused device_get_info;
  Status (*device_free)(Handle device);
  Unused signals[4];
  Status (*error_get_message)(Status status, const char** text);
};
struct Interface {
  uint32_t backend_id;  // 6: HTP
  const char* provider;
  ApiVersion version;
  Functions functions;
};
using GetProviders = Status (*)(const Interface*** list, uint32_t* count);

// libQnnSystem: reads context binaries.
struct GraphInfo {  // version 1 ends after outputs; the stride of an array depends on the library
  uint32_t version;
  const char* name;
  uint32_t input_count;
  Tensor* inputs;
  uint32_t output_count;
  Tensor* outputs;
};
struct BinaryInfoV3 {
  uint32_t backend_id;
  const char* build_id;
  Version core, backend;
  const char* soc;
  Version blob_version;
  uint64_t blob_bytes;
  uint32_t context_tensor_count;
  Tensor* context_tensors;
  uint32_t graph_count;
  const void* graphs;
  const void* platform;
  uint32_t metadata_bytes;
  const void* metadata;  // HTP: {u32 version, u32 arch}
  uint32_t soc_model;
};
struct BinaryInfoV1 {
  uint32_t backend_id;
  const char* build_id;
  Version core, backend;
  const char* soc;
  Version hardware_blob_version, blob_version;
  uint32_t hardware_blob_bytes;
  const void* hardware_blob;
  uint64_t blob_bytes;
  uint32_t context_tensor_count;
  Tensor* context_tensors;
  uint32_t graph_count;
  const void* graphs;
};
struct BinaryInfo {
  uint32_t version;
  union {
    BinaryInfoV1 v1;  // and 2
    BinaryInfoV3 v3;
  };
};
struct SystemFunctions {
  Status (*context_create)(Handle* context);
  Status (*get_binary_info)(Handle context, void* data, uint64_t bytes, const BinaryInfo** info,
                            uint64_t* info_bytes);
  Status (*get_metadata)(Handle context, const void* data, uint64_t bytes, const BinaryInfo** info);
  Status (*context_free)(Handle context);
};
struct SystemInterface {
  uint32_t backend_id;
  const char* provider;
  Version version;
  SystemFunctions functions;
};
using GetSystemProviders = Status (*)(const SystemInterface*** list, uint32_t* count);

/// Bytes from one GraphInfo to the next, by the core API of the library that wrote the array.
constexpr size_t graph_info_stride(uint32_t core_minor) {
  return core_minor >= 21 ? 88 : core_minor >= 18 ? 64 : 48;
}

static_assert(sizeof(Scalar) == 16 && offsetof(Scalar, f32) == 8);
static_assert(sizeof(ScaleOffset) == 8 && sizeof(AxisScaleOffset) == 16);
static_assert(sizeof(AxisBits) == 32 && offsetof(AxisBits, axis) == 4);
static_assert(offsetof(AxisBits, count) == 8 && offsetof(AxisBits, scales) == 16);
static_assert(offsetof(AxisBits, offsets) == 24);
static_assert(sizeof(BlockwiseExpansion) == 40 && offsetof(BlockwiseExpansion, channels) == 8);
static_assert(offsetof(BlockwiseExpansion, blocks_per_axis) == 16);
static_assert(offsetof(BlockwiseExpansion, block_scale_bits) == 20);
static_assert(offsetof(BlockwiseExpansion, block_scale_storage) == 24);
static_assert(offsetof(BlockwiseExpansion, block_scales) == 32);
static_assert(offsetof(AxisScaleOffset, count) == 4 && offsetof(AxisScaleOffset, items) == 8);
static_assert(offsetof(Quantization, axis_bits) == 8 && offsetof(Quantization, expansion) == 8);
static_assert(sizeof(Quantization) == 40 && offsetof(Quantization, scale_offset) == 8);
static_assert(sizeof(Buffer) == 16 && sizeof(TensorV2) == 136);
static_assert(offsetof(TensorV2, name) == 8 && offsetof(TensorV2, type) == 16);
static_assert(offsetof(TensorV2, format) == 20 && offsetof(TensorV2, data_type) == 24);
static_assert(offsetof(TensorV2, quantization) == 32 && offsetof(TensorV2, rank) == 72);
static_assert(offsetof(TensorV2, dimensions) == 80 && offsetof(TensorV2, memory) == 88);
static_assert(offsetof(TensorV2, buffer) == 96 && offsetof(TensorV2, dynamic_dimensions) == 112);
static_assert(offsetof(TensorV2, sparse) == 120 && offsetof(TensorV2, is_produced) == 132);
static_assert(sizeof(Tensor) == 144 && offsetof(Tensor, body) == 8);
static_assert(sizeof(MemoryDescriptor) == 48 && offsetof(MemoryDescriptor, data_type) == 24);
static_assert(offsetof(MemoryDescriptor, memory) == 28 && offsetof(MemoryDescriptor, fd) == 32);
static_assert(offsetof(TensorV2, memory_handle) == 96);
static_assert(sizeof(Param) == 160 && offsetof(Param, name) == 8 && offsetof(Param, scalar) == 16);
static_assert(sizeof(OpConfig) == 80 && offsetof(OpConfig, type) == 24);
static_assert(offsetof(OpConfig, param_count) == 32 && offsetof(OpConfig, params) == 40);
static_assert(offsetof(OpConfig, inputs) == 56 && offsetof(OpConfig, outputs) == 72);
static_assert(sizeof(Config) == 16 && offsetof(Config, custom) == 8);
static_assert(sizeof(HtpContextCustom) == 24 && offsetof(HtpContextCustom, value) == 8);
static_assert(sizeof(HtpGraphCustom) == 64 && offsetof(HtpGraphCustom, u32) == 8);
static_assert(sizeof(ProfileEvent) == 24 && offsetof(ProfileEvent, identifier) == 16);
static_assert(sizeof(OperationName) == 24);
static_assert(sizeof(HtpDeviceExtension) == 32 && offsetof(HtpDeviceExtension, vtcm_mb) == 8);
static_assert(offsetof(HtpDeviceExtension, soc_model) == 16);
static_assert(offsetof(HtpDeviceExtension, signed_pd) == 20);
static_assert(offsetof(HtpDeviceExtension, arch) == 24);
static_assert(sizeof(Core) == 24 && offsetof(Core, core_id) == 8);
static_assert(sizeof(HardwareDevice) == 40 && offsetof(HardwareDevice, device_id) == 8);
static_assert(offsetof(HardwareDevice, cores) == 24 && offsetof(HardwareDevice, extension) == 32);
static_assert(sizeof(PlatformInfo) == 24 && offsetof(PlatformInfo, device_count) == 8);
static_assert(offsetof(PlatformInfo, devices) == 16);
static_assert(sizeof(PowerConfig) == 68 && offsetof(PowerConfig, words) == 4);
static_assert(offsetof(PerfInfrastructure, create_power_config_id) == 8);
static_assert(sizeof(Functions) == 49 * 8 && offsetof(Functions, context_create) == 9 * 8);
static_assert(offsetof(Functions, graph_execute) == 21 * 8);
static_assert(offsetof(Functions, log_create) == 25 * 8);
static_assert(offsetof(Functions, device_create) == 40 * 8);
static_assert(offsetof(Functions, error_get_message) == 48 * 8);
static_assert(offsetof(Interface, provider) == 8 && offsetof(Interface, version) == 16);
static_assert(offsetof(Interface, functions) == 40);
static_assert(offsetof(SystemInterface, version) == 16);
static_assert(offsetof(SystemInterface, functions) == 32);
static_assert(sizeof(GraphInfo) == 48 && offsetof(GraphInfo, name) == 8);
static_assert(offsetof(GraphInfo, inputs) == 24 && offsetof(GraphInfo, outputs) == 40);
static_assert(sizeof(BinaryInfoV3) == 136 && offsetof(BinaryInfoV3, soc) == 40);
static_assert(offsetof(BinaryInfoV3, blob_bytes) == 64 && offsetof(BinaryInfoV3, graphs) == 96);
static_assert(offsetof(BinaryInfoV3, soc_model) == 128);
static_assert(sizeof(BinaryInfoV1) == 128 && offsetof(BinaryInfoV1, graphs) == 120);
static_assert(sizeof(BinaryInfo) == 144 && offsetof(BinaryInfo, v3) == 8);

}  // namespace npb::qnn

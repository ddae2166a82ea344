#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>
#include <optional>

#include "addon/convert.h"
#include "model/tokenizer.h"

namespace npb::addon {
namespace {

double optional_ns(const std::optional<uint64_t>& value) {
  return value ? static_cast<double>(*value) : std::numeric_limits<double>::quiet_NaN();
}

Napi::Object to_js(Napi::Env env, const ProcessUsage& usage) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("cpuNs", static_cast<double>(usage.cpu_ns));
  object.Set("voluntarySwitches", static_cast<double>(usage.voluntary_switches));
  object.Set("involuntarySwitches", static_cast<double>(usage.involuntary_switches));
  object.Set("minorFaults", static_cast<double>(usage.minor_faults));
  object.Set("majorFaults", static_cast<double>(usage.major_faults));
  return object;
}

/// One column of the steps' timings.
template <class Field>
Napi::Float64Array column(Napi::Env env, const std::vector<StepTiming>& steps, Field field) {
  Napi::Float64Array array = Napi::Float64Array::New(env, steps.size());
  for (size_t i = 0; i < steps.size(); ++i) array[i] = field(steps[i]);
  return array;
}

template <class Array, class T>
Array copy(Napi::Env env, const std::vector<T>& values) {
  Array array = Array::New(env, values.size());
  if (!values.empty()) std::memcpy(array.Data(), values.data(), values.size() * sizeof(T));
  return array;
}

const char* family_name(ModelFamily family) {
  return family == ModelFamily::encoder   ? "encoder"
         : family == ModelFamily::decoder ? "decoder"
                                          : "graph";
}

Napi::Array to_js(Napi::Env env, const std::vector<StoredTensor>& tensors) {
  Napi::Array array = Napi::Array::New(env, tensors.size());
  for (uint32_t i = 0; i < tensors.size(); ++i) {
    const StoredTensor& tensor = tensors[i];
    Napi::Object object = Napi::Object::New(env);
    Napi::Array dims = Napi::Array::New(env, tensor.dims.size());
    for (uint32_t k = 0; k < tensor.dims.size(); ++k) dims.Set(k, tensor.dims[k]);
    object.Set("name", tensor.name);
    object.Set("type", tensor.type);
    object.Set("dims", dims);
    object.Set("quantization", tensor.quantization);
    object.Set("bytes", static_cast<double>(tensor.bytes));
    array.Set(i, object);
  }
  return array;
}

Napi::Array to_js(Napi::Env env, const std::vector<StoredGraph>& graphs) {
  Napi::Array array = Napi::Array::New(env, graphs.size());
  for (uint32_t i = 0; i < graphs.size(); ++i) {
    Napi::Object object = Napi::Object::New(env);
    object.Set("name", graphs[i].name);
    object.Set("inputs", to_js(env, graphs[i].inputs));
    object.Set("outputs", to_js(env, graphs[i].outputs));
    array.Set(i, object);
  }
  return array;
}

}  // namespace

Napi::Float64Array to_f64(Napi::Env env, const std::vector<uint64_t>& values) {
  Napi::Float64Array array = Napi::Float64Array::New(env, values.size());
  for (size_t i = 0; i < values.size(); ++i) array[i] = static_cast<double>(values[i]);
  return array;
}

Napi::Float64Array to_f64(Napi::Env env, const std::vector<double>& values) {
  return copy<Napi::Float64Array>(env, values);
}

Napi::Array to_js(Napi::Env env, const std::vector<std::string>& values) {
  Napi::Array array = Napi::Array::New(env, values.size());
  for (size_t i = 0; i < values.size(); ++i) array.Set(i, values[i]);
  return array;
}

Napi::Object to_js(Napi::Env env, const std::map<std::string, std::string>& values) {
  Napi::Object object = Napi::Object::New(env);
  for (const auto& [key, value] : values) object.Set(key, value);
  return object;
}

Napi::Object to_js(Napi::Env env, const DeviceInfo& device) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("kind", npb::name(device.kind));
  object.Set("backend", device.backend);
  object.Set("index", device.index);
  object.Set("name", device.name);
  object.Set("computeCapability", device.compute_capability);
  object.Set("driver", device.driver);
  object.Set("runtimeVersion", device.runtime_version);
  object.Set("soc", device.soc);
  object.Set("memoryBytes",
             device.memory_bytes
                 ? Napi::Value(Napi::Number::New(env, static_cast<double>(*device.memory_bytes)))
                 : env.Null());
  object.Set("software", device.software);
  object.Set("simulated", device.simulated);
  object.Set("properties", to_js(env, device.properties));
  return object;
}

Napi::Object to_js(Napi::Env env, const Model& model, bool with_tensors) {
  const Hyperparameters& hp = model.hp;
  Napi::Object object = Napi::Object::New(env);
  object.Set("name", model.name);
  object.Set("format", model.format);
  object.Set("family", family_name(hp.family));
  object.Set("architecture", hp.architecture);
  object.Set("syntheticWeights", model.synthetic_weights);
  object.Set("quantization", model.quantization);
  object.Set("parameterCount", static_cast<double>(model.parameter_count));
  object.Set("weightBytes", static_cast<double>(model.weight_bytes));
  object.Set("fileSizeBytes", static_cast<double>(model.file_size_bytes));
  object.Set("nLayers", hp.n_layers);
  object.Set("dModel", hp.d_model);
  object.Set("nHeads", hp.n_heads);
  object.Set("nKvHeads", hp.n_kv_heads);
  object.Set("headDim", hp.head_dim);
  object.Set("dFf", hp.d_ff);
  object.Set("vocabSize", hp.vocab_size);
  object.Set("contextLength", hp.context_length);
  object.Set("tokenizer", model.tokenizer
                              ? Napi::Value(Napi::String::New(env, model.tokenizer->kind()))
                              : env.Null());
  object.Set("tokenizerProblem", model.tokenizer_problem);
  Napi::Array metadata = Napi::Array::New(env);
  Napi::Array tensors = Napi::Array::New(env);
  if (with_tensors) {
    uint32_t index = 0;
    for (const auto& [key, value] : model.metadata) {
      Napi::Array pair = Napi::Array::New(env, 2);
      pair.Set(0u, key);
      pair.Set(1u, value);
      metadata.Set(index++, pair);
    }
    index = 0;
    for (const WeightInfo& tensor :
         model.weights ? model.weights->tensors() : std::vector<WeightInfo>()) {
      Napi::Object entry = Napi::Object::New(env);
      entry.Set("name", tensor.name);
      entry.Set("type", std::string(tensor_type_info(tensor.type).name));
      entry.Set("rows", static_cast<double>(tensor.rows));
      entry.Set("cols", static_cast<double>(tensor.cols));
      entry.Set("bytes", static_cast<double>(tensor.bytes()));
      tensors.Set(index++, entry);
    }
  }
  object.Set("metadata", metadata);
  object.Set("tensors", tensors);
  object.Set("graphs", to_js(env, model.graphs));
  return object;
}

Napi::Object to_js(Napi::Env env, const IterationSamples& samples) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("beginNs", static_cast<double>(samples.begin_ns));
  object.Set("tokenNs", to_f64(env, samples.token_ns));
  object.Set("tokenIds", copy<Napi::Int32Array>(env, samples.token_ids));
  const auto& steps = samples.steps;
  object.Set("stepWallNs",
             column(env, steps, [](const StepTiming& s) { return double(s.wall_ns); }));
  object.Set("stepTransferNs",
             column(env, steps, [](const StepTiming& s) { return optional_ns(s.transfer_ns); }));
  object.Set("stepDispatchNs",
             column(env, steps, [](const StepTiming& s) { return optional_ns(s.dispatch_ns); }));
  object.Set("stepExecuteNs",
             column(env, steps, [](const StepTiming& s) { return optional_ns(s.execute_ns); }));
  object.Set("stepSynchronizeNs",
             column(env, steps, [](const StepTiming& s) { return optional_ns(s.synchronize_ns); }));
  object.Set("stepHostCpuNs",
             column(env, steps, [](const StepTiming& s) { return optional_ns(s.host_cpu_ns); }));
  object.Set("stepSubmissions", column(env, steps, [](const StepTiming& s) {
               return s.submissions ? double(*s.submissions)
                                    : std::numeric_limits<double>::quiet_NaN();
             }));
  object.Set("embedding", copy<Napi::Float32Array>(env, samples.embedding));
  Napi::Object own = Napi::Object::New(env);
  for (const auto& [key, value] : samples.own_figures) own.Set(key, value);
  object.Set("ownFigures", own);
  object.Set("usageBegin", to_js(env, samples.usage_begin));
  object.Set("usageFirst", to_js(env, samples.usage_first));
  object.Set("usageEnd", to_js(env, samples.usage_end));
  char digest[17];
  std::snprintf(digest, sizeof digest, "%016llx",
                static_cast<unsigned long long>(samples.logits_digest));
  object.Set("logitsDigest", digest);
  return object;
}

Napi::Object to_js(Napi::Env env, const OpenTimeline& timeline) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("beginNs", static_cast<double>(timeline.begin_ns));
  object.Set("deviceOpenNs", static_cast<double>(timeline.device_open_ns));
  object.Set("weightsReadyNs", static_cast<double>(timeline.weights_ready_ns));
  object.Set("compileNs", static_cast<double>(timeline.compile_ns));
  object.Set("packedCacheHit", timeline.packed_cache_hit);
  if (timeline.kernel_cache_hit) object.Set("kernelCacheHit", *timeline.kernel_cache_hit);
  object.Set("weightReadBytes", static_cast<double>(timeline.weight_read_bytes));
  return object;
}

Napi::Array to_js(Napi::Env env, const std::vector<PlacementEntry>& entries) {
  Napi::Array array = Napi::Array::New(env, entries.size());
  for (uint32_t i = 0; i < entries.size(); ++i) {
    const PlacementEntry& entry = entries[i];
    Napi::Object object = Napi::Object::New(env);
    object.Set("op", entry.op);
    object.Set("where", entry.where);
    object.Set("kernel", entry.kernel);
    object.Set("storedType", entry.stored_type);
    object.Set("computeFormat", entry.compute_format);
    object.Set("count", entry.count);
    object.Set("macsPerToken", static_cast<double>(entry.macs_per_token));
    object.Set("weightBytes", static_cast<double>(entry.weight_bytes));
    array.Set(i, object);
  }
  return array;
}

Napi::Array to_js(Napi::Env env, const std::vector<OpProfile>& entries) {
  Napi::Array array = Napi::Array::New(env, entries.size());
  for (uint32_t i = 0; i < entries.size(); ++i) {
    const OpProfile& entry = entries[i];
    Napi::Object object = Napi::Object::New(env);
    object.Set("node", entry.node);
    object.Set("op", entry.op);
    object.Set("calls", static_cast<double>(entry.calls));
    object.Set("totalNs", static_cast<double>(entry.total_ns));
    object.Set("bytes", static_cast<double>(entry.bytes));
    object.Set("flops", static_cast<double>(entry.flops));
    array.Set(i, object);
  }
  return array;
}

}  // namespace npb::addon

#include "addon/convert.h"
#include "model/tensor_type.h"

namespace npb::addon {

Napi::Error to_js_error(Napi::Env env, const Error& error) {
  Napi::Error js = Napi::Error::New(env, error.message);
  js.Set("code", Napi::String::New(env, name(error.code)));
  return js;
}

bool has(const Napi::Object& object, const char* key) {
  const Napi::Value value = object.Get(key);
  return !value.IsUndefined() && !value.IsNull();
}

namespace {
Napi::TypeError wrong_type(const Napi::Object& object, const char* key, const char* type) {
  return Napi::TypeError::New(object.Env(), std::string(key) + " must be a " + type);
}
}  // namespace

std::string get_string(const Napi::Object& object, const char* key, std::string fallback) {
  if (!has(object, key)) return fallback;
  const Napi::Value value = object.Get(key);
  if (!value.IsString()) throw wrong_type(object, key, "string");
  return value.As<Napi::String>().Utf8Value();
}

bool get_bool(const Napi::Object& object, const char* key, bool fallback) {
  if (!has(object, key)) return fallback;
  const Napi::Value value = object.Get(key);
  if (!value.IsBoolean()) throw wrong_type(object, key, "boolean");
  return value.As<Napi::Boolean>().Value();
}

double get_number(const Napi::Object& object, const char* key, double fallback) {
  if (!has(object, key)) return fallback;
  const Napi::Value value = object.Get(key);
  if (!value.IsNumber()) throw wrong_type(object, key, "number");
  return value.As<Napi::Number>().DoubleValue();
}

uint32_t get_u32(const Napi::Object& object, const char* key, uint32_t fallback) {
  const double number = get_number(object, key, fallback);
  if (!(number >= 0 && number <= 4294967295.0)) throw wrong_type(object, key, "32-bit count");
  return static_cast<uint32_t>(number);
}

std::map<std::string, std::string> get_string_map(const Napi::Object& object, const char* key) {
  std::map<std::string, std::string> map;
  if (!has(object, key)) return map;
  const Napi::Object entries = as_object(object.Get(key), key);
  const Napi::Array names = entries.GetPropertyNames();
  for (uint32_t i = 0; i < names.Length(); ++i) {
    const std::string name = names.Get(i).As<Napi::String>().Utf8Value();
    map[name] = get_string(entries, name.c_str());
  }
  return map;
}

Napi::Object as_object(const Napi::Value& value, const char* what) {
  if (!value.IsObject())
    throw Napi::TypeError::New(value.Env(), std::string(what) + " must be an object");
  return value.As<Napi::Object>();
}

TelemetryRoots telemetry_roots(const Napi::Value& value) {
  TelemetryRoots roots;
  if (!value.IsObject()) return roots;
  const Napi::Object object = value.As<Napi::Object>();
  roots.sys = get_string(object, "sys", roots.sys);
  roots.proc = get_string(object, "proc", roots.proc);
  roots.dev = get_string(object, "dev", roots.dev);
  return roots;
}

Result<std::shared_ptr<const Model>> load(const Napi::Object& object) {
  LoadOptions options;
  options.seed = static_cast<uint64_t>(get_number(object, "seed"));
  options.context_tokens = get_u32(object, "contextTokens");
  const std::string type_name = get_string(object, "syntheticType", "q8_0");
  const auto type = tensor_type_from_name(type_name);
  if (!type)
    return Error{ErrorCode::invalid_argument,
                 "No tensor type is called \"" + type_name +
                     "\"; synthetic weights can be q8_0, q4_0, f16 or f32."};
  options.synthetic_type = *type;
  const std::string path = get_string(object, "path");
  if (!get_bool(object, "preset")) {
    SessionOptions runtime;
    runtime.extra = get_string_map(object, "extra");
    for (const Backend* backend : backends())
      if (backend->opens(path)) return backend->describe(path, runtime);
  }
  return get_bool(object, "preset") ? make_synthetic_model(path, options)
                                    : load_model(path, options);
}

SessionOptions session_options(Napi::Env env, const Napi::Object& object) {
  SessionOptions options;
  options.device_index = get_u32(object, "deviceIndex");
  options.batch = get_u32(object, "batch", 1);
  options.max_tokens = get_u32(object, "maxTokens");
  options.max_step_tokens = get_u32(object, "maxStepTokens");
  options.threads = get_u32(object, "threads");
  options.packed_cache_dir = get_string(object, "packedCacheDir");
  options.profile = get_bool(object, "profile");
  options.extra = get_string_map(object, "extra");
  static const std::map<std::string, Precision> precisions = {{"auto", Precision::automatic},
                                                              {"f32", Precision::f32},
                                                              {"f16", Precision::f16},
                                                              {"int8", Precision::int8},
                                                              {"int4", Precision::int4}};
  const auto precision = precisions.find(get_string(object, "precision", "auto"));
  if (precision == precisions.end())
    throw Napi::TypeError::New(env, "precision must be auto, f32, f16, int8 or int4");
  options.precision = precision->second;
  if (has(object, "cpuIds")) {
    const Napi::Array ids = object.Get("cpuIds").As<Napi::Array>();
    for (uint32_t i = 0; i < ids.Length(); ++i)
      options.cpu_ids.push_back(ids.Get(i).As<Napi::Number>().Uint32Value());
  }
  return options;
}

}  // namespace npb::addon

// Between JavaScript values and the core's types. The only place where a core Error becomes a JS
// error.
#pragma once

#include <napi.h>

#include <map>
#include <new>
#include <string>
#include <system_error>
#include <vector>

#include "backends/backend.h"
#include "bench/samples.h"
#include "core/result.h"
#include "model/model.h"
#include "telemetry/sampler.h"

namespace npb::addon {

/// A JS Error whose `code` is name(error.code).
Napi::Error to_js_error(Napi::Env env, const Error& error);

/// The value, or a thrown JS error.
template <class T>
T unwrap(Napi::Env env, Result<T>&& result) {
  if (!result.ok()) throw to_js_error(env, result.error());
  return std::move(result).value();
}
inline void unwrap(Napi::Env env, Result<void>&& result) {
  if (!result.ok()) throw to_js_error(env, result.error());
}

/// Runs `body`; memory that ran out becomes the error that says so. It is the one exception that
/// the core lets through: every container may throw it.
template <class Body>
auto guard_memory(Napi::Env env, Body&& body) {
  try {
    return body();
  } catch (const std::bad_alloc&) {
    throw to_js_error(
        env, {ErrorCode::out_of_memory,
              "The machine has too little free memory for this model; use a smaller model, "
              "quantization, batch or input length."});
  } catch (const std::system_error& error) {
    throw to_js_error(env, {ErrorCode::out_of_memory,
                            std::string("The system refused a thread or a lock (") + error.what() +
                                "); close other programs, or use fewer --threads."});
  }
}

// Readers of option objects. A missing or undefined key gives the fallback; a wrong type is a
// TypeError: TypeScript validates before it calls.
bool has(const Napi::Object& object, const char* key);
std::string get_string(const Napi::Object& object, const char* key, std::string fallback = {});
bool get_bool(const Napi::Object& object, const char* key, bool fallback = false);
uint32_t get_u32(const Napi::Object& object, const char* key, uint32_t fallback = 0);
double get_number(const Napi::Object& object, const char* key, double fallback = 0);
std::map<std::string, std::string> get_string_map(const Napi::Object& object, const char* key);
Napi::Object as_object(const Napi::Value& value, const char* what);

Napi::Float64Array to_f64(Napi::Env env, const std::vector<uint64_t>& values);
Napi::Float64Array to_f64(Napi::Env env, const std::vector<double>& values);
Napi::Array to_js(Napi::Env env, const std::vector<std::string>& values);
Napi::Object to_js(Napi::Env env, const std::map<std::string, std::string>& values);

Napi::Object to_js(Napi::Env env, const DeviceInfo& device);
Napi::Object to_js(Napi::Env env, const Model& model, bool with_tensors);
Napi::Object to_js(Napi::Env env, const IterationSamples& samples);
Napi::Object to_js(Napi::Env env, const OpenTimeline& timeline);
Napi::Array to_js(Napi::Env env, const std::vector<PlacementEntry>& entries);
Napi::Array to_js(Napi::Env env, const std::vector<OpProfile>& entries);
Napi::Object to_js(Napi::Env env, const Recording& recording);
Napi::Object to_js(Napi::Env env, const Snapshot& snapshot);

TelemetryRoots telemetry_roots(const Napi::Value& value);
/// Loads a file or makes a preset, as ModelOptions of src/native/binding.ts says.
Result<std::shared_ptr<const Model>> load(const Napi::Object& options);
SessionOptions session_options(Napi::Env env, const Napi::Object& object);

}  // namespace npb::addon

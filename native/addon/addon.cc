// The module: functions of NativeBinding (src/native/binding.ts). State lives per environment, so
// worker threads and reloads each have their own.
#include <napi.h>

#include <algorithm>
#include <array>

#include "addon/convert.h"
#include "addon/sampler.h"
#include "addon/session.h"
#include "bench/limits.h"
#include "bench/prove.h"
#include "bench/scheduling.h"
#include "core/clock.h"
#include "core/cpu_info.h"
#include "model/tokenizer.h"
#include "telemetry/file_cache.h"

namespace npb::addon {
namespace {

struct State {
  Napi::FunctionReference session;
  Napi::FunctionReference sampler;
};

struct ClockCost {
  double median_ns;
  double resolution_ns;
};

/// Reads the clock in batches: a single reading is below its own resolution on some machines.
ClockCost measure_clock() {
  constexpr int kBatches = 31, kReadings = 200;
  std::array<double, kBatches> cost;
  uint64_t smallest_step = UINT64_MAX;
  for (double& batch : cost) {
    const uint64_t begin = now_ns();
    uint64_t previous = begin;
    for (int i = 0; i < kReadings; ++i) {
      const uint64_t now = now_ns();
      if (now != previous) smallest_step = std::min(smallest_step, now - previous);
      previous = now;
    }
    batch = static_cast<double>(previous - begin) / kReadings;
  }
  std::nth_element(cost.begin(), cost.begin() + kBatches / 2, cost.end());
  return {cost[kBatches / 2], static_cast<double>(smallest_step)};
}

Napi::Value info(const Napi::CallbackInfo& call) {
  const Napi::Env env = call.Env();
  const CpuInfo& cpu = cpu_info();
  const ClockCost clock = measure_clock();
  std::vector<std::string> ids;
  for (const Backend* backend : backends()) ids.push_back(backend->id());
  Napi::Object object = Napi::Object::New(env);
  object.Set("version", NPB_VERSION);
  object.Set("buildType", NPB_BUILD_TYPE);
  object.Set("compiler", NPB_COMPILER);
  object.Set("napiVersion", NAPI_VERSION);
  object.Set("backends", to_js(env, ids));
  object.Set("cpuFeatures", to_js(env, cpu.features));
  object.Set("performanceCores", static_cast<uint32_t>(cpu.performance_cpus.size()));
  object.Set("logicalCores", cpu.logical_cpus);
  object.Set("clockCostNs", clock.median_ns);
  object.Set("clockResolutionNs", clock.resolution_ns);
#ifdef NPB_XNNPACK_VERSION
  object.Set("xnnpackVersion", NPB_XNNPACK_VERSION);
#else
  object.Set("xnnpackVersion", env.Null());
#endif
  return object;
}

Napi::Value now(const Napi::CallbackInfo& call) {
  return Napi::Number::New(call.Env(), static_cast<double>(now_ns()));
}

Napi::Value probe(const Napi::CallbackInfo& call) {
  const Napi::Env env = call.Env();
  std::string only;
  SessionOptions options;
  if (call[0].IsObject()) {
    const Napi::Object object = call[0].As<Napi::Object>();
    only = get_string(object, "backend");
    options.extra = get_string_map(object, "extra");
  }
  Napi::Array array = Napi::Array::New(env);
  uint32_t count = 0;
  for (const Backend* backend : backends()) {
    if (!only.empty() && only != backend->id()) continue;
    const ProbeResult result = backend->probe(options);
    Napi::Array devices = Napi::Array::New(env, result.devices.size());
    for (uint32_t i = 0; i < result.devices.size(); ++i)
      devices.Set(i, to_js(env, result.devices[i]));
    Napi::Object object = Napi::Object::New(env);
    object.Set("backend", backend->id());
    object.Set("kind", npb::name(backend->kind()));
    object.Set("devices", devices);
    if (result.unavailable) {
      Napi::Object reason = Napi::Object::New(env);
      reason.Set("reason", result.unavailable->reason);
      reason.Set("remedy", result.unavailable->remedy);
      object.Set("unavailable", reason);
    } else {
      object.Set("unavailable", env.Null());
    }
    array.Set(count++, object);
  }
  return array;
}

Napi::Value inspect(const Napi::CallbackInfo& call) {
  const auto model = unwrap(call.Env(), load(as_object(call[0], "model")));
  return to_js(call.Env(), *model, true);
}

Napi::Value presets(const Napi::CallbackInfo& call) {
  const Napi::Env env = call.Env();
  Napi::Array array = Napi::Array::New(env);
  uint32_t count = 0;
  for (const PresetInfo& preset : model_presets()) {
    Napi::Object object = Napi::Object::New(env);
    object.Set("name", preset.name);
    object.Set("family", preset.family);
    object.Set("parameterCount", static_cast<double>(preset.parameter_count));
    array.Set(count++, object);
  }
  return array;
}

Napi::Value encode_text(const Napi::CallbackInfo& call) {
  const Napi::Env env = call.Env();
  const auto model = unwrap(env, load(as_object(call[0], "model")));
  if (!model->tokenizer) throw to_js_error(env, {ErrorCode::unsupported, model->tokenizer_problem});
  const std::vector<int32_t> tokens = model->tokenizer->encode(call[1].ToString().Utf8Value());
  Napi::Int32Array array = Napi::Int32Array::New(env, tokens.size());
  std::copy(tokens.begin(), tokens.end(), array.Data());
  return array;
}

/// The backend that `session` names. Throws unsupported where this build has none of that name.
const Backend& asked_backend(Napi::Env env, const Napi::Object& session) {
  const Backend* backend = find_backend(get_string(session, "backend"));
  if (backend == nullptr)
    throw to_js_error(env,
                      {ErrorCode::unsupported,
                       "This build has no such backend; `npu-bench devices` lists what it has."});
  return *backend;
}

Napi::Value prove(const Napi::CallbackInfo& call) {
  const Napi::Env env = call.Env();
  const Napi::Object session = as_object(call[1], "session");
  const Backend& backend = asked_backend(env, session);
  const auto model = unwrap(env, load(as_object(call[0], "model")));
  if (!model->weights)
    throw to_js_error(env, {ErrorCode::unsupported,
                            "There is no reference for graphs that a vendor's tools compiled."});
  const Proof proof = guard_memory(
      env, [&] { return unwrap(env, npb::prove(backend, model, session_options(env, session))); });
  Napi::Object object = Napi::Object::New(env);
  object.Set("passed", proof.passed);
  object.Set("normalizedError", proof.normalized_error);
  object.Set("bound", proof.bound);
  object.Set("layers", Napi::Number::New(env, static_cast<double>(proof.layers.size())));
  object.Set("tokens", proof.tokens);
  object.Set("sentence", proof.sentence);
  return object;
}

Napi::Value prepare(const Napi::CallbackInfo& call) {
  const Napi::Env env = call.Env();
  const Napi::Object session = as_object(call[1], "session");
  const Backend& backend = asked_backend(env, session);
  const auto model = unwrap(env, load(as_object(call[0], "model")));
  if (!model->weights)
    throw to_js_error(env, {ErrorCode::unsupported,
                            model->name + " is compiled already: it can be run as it is."});
  Graph graph = unwrap(env, build_graph(model, {}));
  const uint64_t bytes = guard_memory(env, [&] {
    return unwrap(env, backend.prepare(std::move(graph), session_options(env, session),
                                       call[2].ToString().Utf8Value()));
  });
  return Napi::Number::New(env, static_cast<double>(bytes));
}

Napi::Value snapshot(const Napi::CallbackInfo& call) {
  return to_js(call.Env(), take_snapshot(telemetry_roots(call[0])));
}

Napi::Value schedule_here(const Napi::CallbackInfo& call) {
  const Napi::Env env = call.Env();
  const Napi::Object options = as_object(call[0], "scheduling");
  Scheduling wanted;
  if (has(options, "cpus")) {
    const Napi::Array cpus = options.Get("cpus").As<Napi::Array>();
    for (uint32_t i = 0; i < cpus.Length(); ++i)
      wanted.cpus.push_back(cpus.Get(i).ToNumber().Uint32Value());
  }
  if (has(options, "niceness")) wanted.niceness = static_cast<int>(get_number(options, "niceness"));
  unwrap(env, apply_scheduling(wanted));
  Napi::Array allowed = Napi::Array::New(env);
  for (uint32_t cpu : allowed_cpus()) allowed.Set(allowed.Length(), cpu);
  return allowed;
}

Napi::Value limits(const Napi::CallbackInfo& call) {
  const Napi::Env env = call.Env();
  const Napi::Object options = as_object(call[0], "options");
  const Limits limits =
      measure_limits(get_u32(options, "threads", 1), get_u32(options, "milliseconds", 500));
  Napi::Object object = Napi::Object::New(env);
  object.Set("threads", limits.threads);
  object.Set("readBandwidthBytesPerSecond", limits.read_bandwidth_bytes_per_second);
  object.Set("f32FlopsPerSecond", limits.f32_flops_per_second);
  object.Set("int8OpsPerSecond", limits.int8_ops_per_second ? Napi::Value(Napi::Number::New(
                                                                  env, *limits.int8_ops_per_second))
                                                            : env.Null());
  object.Set("clockCostNs", measure_clock().median_ns);
  return object;
}

Napi::Value drop_cache(const Napi::CallbackInfo& call) {
  const Napi::Env env = call.Env();
  const FileCacheState state = unwrap(env, drop_file_cache(call[0].ToString().Utf8Value()));
  Napi::Object object = Napi::Object::New(env);
  object.Set("cachedBeforeRatio", state.cached_before_ratio);
  object.Set("cachedAfterRatio", state.cached_after_ratio);
  return object;
}

Napi::Value open(const Napi::CallbackInfo& call) {
  return JsSession::open(call, call.Env().GetInstanceData<State>()->session);
}

Napi::Value open_sampler(const Napi::CallbackInfo& call) {
  return JsSampler::open(call, call.Env().GetInstanceData<State>()->sampler);
}

Napi::Object initialize(Napi::Env env, Napi::Object exports) {
  auto* state = new State{JsSession::define(env), JsSampler::define(env)};
  env.SetInstanceData(state);
  exports.Set("info", Napi::Function::New(env, info, "info"));
  exports.Set("nowNs", Napi::Function::New(env, now, "nowNs"));
  exports.Set("probe", Napi::Function::New(env, probe, "probe"));
  exports.Set("inspect", Napi::Function::New(env, inspect, "inspect"));
  exports.Set("presets", Napi::Function::New(env, presets, "presets"));
  exports.Set("encode", Napi::Function::New(env, encode_text, "encode"));
  exports.Set("open", Napi::Function::New(env, open, "open"));
  exports.Set("openSampler", Napi::Function::New(env, open_sampler, "openSampler"));
  exports.Set("prove", Napi::Function::New(env, prove, "prove"));
  exports.Set("schedule", Napi::Function::New(env, schedule_here, "schedule"));
  exports.Set("prepare", Napi::Function::New(env, prepare, "prepare"));
  exports.Set("snapshot", Napi::Function::New(env, snapshot, "snapshot"));
  exports.Set("measureLimits", Napi::Function::New(env, limits, "measureLimits"));
  exports.Set("dropFileCache", Napi::Function::New(env, drop_cache, "dropFileCache"));
  return exports;
}

}  // namespace

NODE_API_MODULE(npu_bench, initialize)

}  // namespace npb::addon

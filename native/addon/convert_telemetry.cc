#include "addon/convert.h"

namespace npb::addon {

Napi::Object to_js(Napi::Env env, const Recording& recording) {
  Napi::Array series = Napi::Array::New(env, recording.series.size());
  for (uint32_t i = 0; i < recording.series.size(); ++i) {
    const Series& one = recording.series[i];
    Napi::Object object = Napi::Object::New(env);
    object.Set("source", one.info.source);
    object.Set("quantity", one.info.quantity);
    object.Set("label", one.info.label);
    object.Set("component", one.info.component);
    object.Set("counter", one.info.counter);
    object.Set("inTotal", one.info.in_total);
    object.Set("periodNs", static_cast<double>(one.info.period_ns));
    object.Set("note", one.info.note);
    object.Set("hardwareLimit", one.info.hardware_limit);
    object.Set("tNs", to_f64(env, one.t_ns));
    object.Set("values", to_f64(env, one.values));
    series.Set(i, object);
  }
  Napi::Array missing = Napi::Array::New(env, recording.missing.size());
  for (uint32_t i = 0; i < recording.missing.size(); ++i) {
    Napi::Object object = Napi::Object::New(env);
    object.Set("metric", recording.missing[i].metric);
    object.Set("reason", recording.missing[i].reason);
    object.Set("remedy", recording.missing[i].remedy);
    missing.Set(i, object);
  }
  Napi::Object object = Napi::Object::New(env);
  object.Set("series", series);
  object.Set("missing", missing);
  object.Set("beginNs", static_cast<double>(recording.begin_ns));
  object.Set("endNs", static_cast<double>(recording.end_ns));
  object.Set("samplerCpuNs", static_cast<double>(recording.sampler_cpu_ns));
  object.Set("ticks", static_cast<double>(recording.ticks));
  object.Set("lateTicks", static_cast<double>(recording.late_ticks));
  object.Set("fakeRoots", recording.fake_roots);
  return object;
}

Napi::Object to_js(Napi::Env env, const Snapshot& snapshot) {
  Napi::Object numbers = Napi::Object::New(env);
  for (const auto& [key, value] : snapshot.numbers) numbers.Set(key, value);
  Napi::Object texts = Napi::Object::New(env);
  for (const auto& [key, value] : snapshot.texts) texts.Set(key, value);
  Napi::Object object = Napi::Object::New(env);
  object.Set("tNs", static_cast<double>(snapshot.t_ns));
  object.Set("numbers", numbers);
  object.Set("texts", texts);
  return object;
}

}  // namespace npb::addon

#include "addon/sampler.h"

#include "addon/convert.h"

namespace npb::addon {

Napi::FunctionReference JsSampler::define(Napi::Env env) {
  return Napi::Persistent(DefineClass(
      env, "NativeSampler",
      {InstanceMethod<&JsSampler::start>("start"), InstanceMethod<&JsSampler::stop>("stop")}));
}

JsSampler::JsSampler(const Napi::CallbackInfo& info) : Napi::ObjectWrap<JsSampler>(info) {}

Napi::Value JsSampler::open(const Napi::CallbackInfo& info, Napi::FunctionReference& constructor) {
  const Napi::Object object = as_object(info[0], "options");
  SamplerOptions options;
  options.period_ns = static_cast<uint64_t>(get_number(object, "periodNs", 10e6));
  options.roots = telemetry_roots(object.Get("roots"));
  options.meter_command = get_string(object, "meterCommand");
  options.capacity_ns = static_cast<uint64_t>(get_number(object, "capacityNs"));
  const Napi::Object wrapped = constructor.New({});
  Unwrap(wrapped)->sampler_ = Sampler::open(options);
  return wrapped;
}

Napi::Value JsSampler::start(const Napi::CallbackInfo& info) {
  if (running_) throw Napi::Error::New(info.Env(), "The sampler is running already");
  sampler_->start();
  running_ = true;
  return info.Env().Undefined();
}

Napi::Value JsSampler::stop(const Napi::CallbackInfo& info) {
  if (!running_) throw Napi::Error::New(info.Env(), "The sampler is not running");
  running_ = false;
  return to_js(info.Env(), sampler_->stop());
}

}  // namespace npb::addon

// NativeSampler of src/native/binding.ts.
#pragma once

#include <napi.h>

#include <memory>

#include "telemetry/sampler.h"

namespace npb::addon {

class JsSampler : public Napi::ObjectWrap<JsSampler> {
 public:
  static Napi::FunctionReference define(Napi::Env env);
  static Napi::Value open(const Napi::CallbackInfo& info, Napi::FunctionReference& constructor);
  explicit JsSampler(const Napi::CallbackInfo& info);

 private:
  Napi::Value start(const Napi::CallbackInfo& info);
  Napi::Value stop(const Napi::CallbackInfo& info);

  std::unique_ptr<Sampler> sampler_;
  bool running_ = false;
};

}  // namespace npb::addon

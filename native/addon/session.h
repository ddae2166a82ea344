// NativeSession of src/native/binding.ts: one model on one device.
#pragma once

#include <napi.h>

#include <memory>

#include "backends/backend.h"

namespace npb::addon {

class JsSession : public Napi::ObjectWrap<JsSession> {
 public:
  static Napi::FunctionReference define(Napi::Env env);
  /// open(model, session): loads, builds the graph, opens the backend. Throws the core's errors.
  static Napi::Value open(const Napi::CallbackInfo& info, Napi::FunctionReference& constructor);
  explicit JsSession(const Napi::CallbackInfo& info);

 private:
  Napi::Value run(const Napi::CallbackInfo& info);
  Napi::Value forward(const Napi::CallbackInfo& info);
  Napi::Value logits(const Napi::CallbackInfo& info);
  Napi::Value reset(const Napi::CallbackInfo& info);
  Napi::Value memory(const Napi::CallbackInfo& info);
  Napi::Value placement(const Napi::CallbackInfo& info);
  Napi::Value profile(const Napi::CallbackInfo& info);
  Napi::Value encode(const Napi::CallbackInfo& info);
  Napi::Value decode(const Napi::CallbackInfo& info);
  Napi::Value decode_bytes(const Napi::CallbackInfo& info);
  Napi::Value step_flops(const Napi::CallbackInfo& info);
  Napi::Value close(const Napi::CallbackInfo& info);

  Session& session(Napi::Env env);
  const Tokenizer& tokenizer(Napi::Env env) const;

  std::shared_ptr<const Model> model_;
  Graph graph_;  // a copy of what the session runs, to count its arithmetic
  std::unique_ptr<Session> session_;
  SessionOptions options_;
  bool all_logits_ = false;
  uint32_t last_rows_ = 0;  // logits rows of the last forward
};

}  // namespace npb::addon

#include "addon/session.h"

#include <algorithm>
#include <cstring>
#include <span>

#include "addon/convert.h"
#include "bench/runner.h"
#include "graph/cost.h"
#include "model/tokenizer.h"

namespace npb::addon {
namespace {

/// The id list of a typed array, copied: JavaScript may move on while native code runs.
std::vector<int32_t> ids(const Napi::Value& value) {
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_int32_array)
    throw Napi::TypeError::New(value.Env(), "token ids must be an Int32Array");
  const Napi::Int32Array array = value.As<Napi::Int32Array>();
  return {array.Data(), array.Data() + array.ElementLength()};
}

}  // namespace

Napi::FunctionReference JsSession::define(Napi::Env env) {
  const Napi::Function constructor = DefineClass(
      env, "NativeSession",
      {InstanceMethod<&JsSession::run>("run"), InstanceMethod<&JsSession::forward>("forward"),
       InstanceMethod<&JsSession::logits>("logits"), InstanceMethod<&JsSession::reset>("reset"),
       InstanceMethod<&JsSession::memory>("memory"),
       InstanceMethod<&JsSession::placement>("placement"),
       InstanceMethod<&JsSession::profile>("profile"), InstanceMethod<&JsSession::encode>("encode"),
       InstanceMethod<&JsSession::decode>("decode"),
       InstanceMethod<&JsSession::decode_bytes>("decodeBytes"),
       InstanceMethod<&JsSession::step_flops>("stepFlops"),
       InstanceMethod<&JsSession::close>("close")});
  return Napi::Persistent(constructor);
}

JsSession::JsSession(const Napi::CallbackInfo& info) : Napi::ObjectWrap<JsSession>(info) {}

Napi::Value JsSession::open(const Napi::CallbackInfo& info, Napi::FunctionReference& constructor) {
  const Napi::Env env = info.Env();
  const Napi::Object model_options = as_object(info[0], "model");
  const Napi::Object session_object = as_object(info[1], "session");
  SessionOptions options = session_options(env, session_object);

  const std::string id = get_string(session_object, "backend");
  const Backend* backend = find_backend(id);
  if (backend == nullptr)
    throw to_js_error(env,
                      {ErrorCode::unsupported, "This build has no backend called \"" + id +
                                                   "\"; `npu-bench devices` lists what it has."});
  std::shared_ptr<const Model> model =
      guard_memory(env, [&] { return unwrap(env, load(model_options)); });
  const bool all_logits = get_bool(session_object, "allLogits");
  Graph graph;
  std::unique_ptr<Session> session;
  if (model->weights) {
    graph = unwrap(env, build_graph(model, {.all_logits = all_logits}));
    session = guard_memory(env, [&] { return unwrap(env, backend->open(graph, options)); });
  } else {
    // A file of a vendor's own: its runtime reads it, and no other can.
    const std::string path = get_string(model_options, "path");
    session = guard_memory(env, [&] { return unwrap(env, backend->open_file(path, options)); });
  }

  // Asked after opening: a probe may start the driver, which belongs to the open it would precede.
  const ProbeResult probe = backend->probe(options);
  const Napi::Object object = constructor.New({});
  JsSession* self = Unwrap(object);
  for (const DeviceInfo& device : probe.devices)
    if (device.index == options.device_index) object.Set("device", to_js(env, device));
  object.Set("model", to_js(env, *model, false));
  object.Set("openTimeline", to_js(env, session->open_timeline()));
  object.Set("threads", session->threads());
  object.Set("graphNames", to_js(env, session->graph_names()));
  self->model_ = std::move(model);
  self->graph_ = std::move(graph);
  self->session_ = std::move(session);
  self->options_ = std::move(options);
  self->all_logits_ = all_logits;
  return object;
}

Session& JsSession::session(Napi::Env env) {
  if (!session_) throw Napi::Error::New(env, "The session is closed");
  return *session_;
}

const Tokenizer& JsSession::tokenizer(Napi::Env env) const {
  if (!model_ || !model_->tokenizer)
    throw to_js_error(env, {ErrorCode::unsupported,
                            model_ ? model_->tokenizer_problem : "The session is closed"});
  return *model_->tokenizer;
}

Napi::Value JsSession::run(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Napi::Object object = as_object(info[0], "workload");
  Workload workload;
  workload.prompt = ids(object.Get("prompt"));
  workload.batch = get_u32(object, "batch", 1);
  workload.input_tokens = get_u32(object, "inputTokens");
  workload.output_tokens = get_u32(object, "outputTokens");
  if (object.Has("markerFd")) workload.marker_fd = static_cast<int>(get_u32(object, "markerFd"));
  if (workload.batch != options_.batch)
    throw to_js_error(
        env, {ErrorCode::invalid_argument, "The session was opened for another batch size"});
  IterationSamples samples;
  guard_memory(env,
               [&] { unwrap(env, run_iteration(session(env), workload, model_->hp, samples)); });
  last_rows_ = workload.batch;
  return to_js(env, samples);
}

Napi::Value JsSession::forward(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::vector<int32_t> tokens = ids(info[0]);
  for (int32_t id : tokens)
    if (id < 0 || static_cast<uint32_t>(id) >= model_->hp.vocab_size)
      throw to_js_error(env, {ErrorCode::invalid_argument,
                              "Token id " + std::to_string(id) + " is outside the vocabulary"});
  const uint32_t rows = all_logits_ ? static_cast<uint32_t>(tokens.size()) : options_.batch;
  Napi::Int32Array next = Napi::Int32Array::New(env, rows);
  StepTiming timing;
  unwrap(env, session(env).forward(tokens, {next.Data(), rows}, timing));
  last_rows_ = rows;
  return next;
}

Napi::Value JsSession::logits(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const size_t count = static_cast<size_t>(last_rows_) * model_->hp.vocab_size;
  Napi::Float32Array array = Napi::Float32Array::New(env, count);
  unwrap(env, session(env).read_logits({array.Data(), count}));
  return array;
}

Napi::Value JsSession::reset(const Napi::CallbackInfo& info) {
  session(info.Env()).reset();
  return info.Env().Undefined();
}

Napi::Value JsSession::memory(const Napi::CallbackInfo& info) {
  const MemoryReport report = session(info.Env()).memory();
  Napi::Object object = Napi::Object::New(info.Env());
  object.Set("weightsBytes", static_cast<double>(report.weights_bytes));
  object.Set("kvCacheBytes", static_cast<double>(report.kv_cache_bytes));
  object.Set("activationsBytes", static_cast<double>(report.activations_bytes));
  object.Set("otherBytes", static_cast<double>(report.other_bytes));
  object.Set("countedInProcess", report.counted_in_process);
  return object;
}

Napi::Value JsSession::placement(const Napi::CallbackInfo& info) {
  return to_js(info.Env(), session(info.Env()).placement());
}

Napi::Value JsSession::profile(const Napi::CallbackInfo& info) {
  return to_js(info.Env(), unwrap(info.Env(), session(info.Env()).profile()));
}

Napi::Value JsSession::encode(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::vector<int32_t> tokens = tokenizer(env).encode(info[0].ToString().Utf8Value());
  Napi::Int32Array array = Napi::Int32Array::New(env, tokens.size());
  std::copy(tokens.begin(), tokens.end(), array.Data());
  return array;
}

Napi::Value JsSession::decode(const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), tokenizer(info.Env()).decode(ids(info[0])));
}

Napi::Value JsSession::decode_bytes(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (graph_.nodes.empty()) return env.Null();  // what a vendor's graphs read is not told
  const double past = info[0].ToNumber().DoubleValue();
  double weight_bytes = 0;
  for (const PlacementEntry& entry : session(env).placement())
    if (entry.op != name(OpKind::embed)) weight_bytes += static_cast<double>(entry.weight_bytes);
  // Every byte of the cache that holds a token is read once per step.
  const double capacity = std::max(1u, options_.max_tokens);
  const double kv_bytes =
      static_cast<double>(session(env).memory().kv_cache_bytes) * past / capacity;
  Napi::Object object = Napi::Object::New(env);
  object.Set("weightBytes", weight_bytes);
  object.Set("kvBytes", kv_bytes);
  return object;
}

Napi::Value JsSession::step_flops(const Napi::CallbackInfo& info) {
  session(info.Env());
  if (graph_.nodes.empty()) return info.Env().Null();
  const OpCost step = cost(graph_, {.batch = options_.batch,
                                    .step_tokens = info[0].ToNumber().Uint32Value(),
                                    .past = info[1].ToNumber().Uint32Value()});
  return Napi::Number::New(info.Env(), static_cast<double>(2 * step.macs));
}

Napi::Value JsSession::close(const Napi::CallbackInfo& info) {
  session_.reset();
  return info.Env().Undefined();
}

}  // namespace npb::addon

// Developer's tool: speed of the CPU backend without the rest of the program, in llama-bench's
// terms (pp: one prefill, tg: decode steps from an empty cache), per-op times, and agreement with
// the reference.
//   xnnpack_bench MODEL [options]      MODEL: a file, a folder or the name of a preset
//   -p N  prefill tokens (512)   -n N  decode steps (64)   -b N  sequences (1)   -t N  threads (0:
//   default) -r N  rounds (5)             --precision auto|f32|f16|int8|int4   --type Q8_0
//   (synthetic weights)
//   --kernels NAME               --profile        --tokens 1,2,3 (prints what follows greedily)
//   --text FILE                  top-1 agreement and KL divergence against the reference over a
//   text
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "backends/xnnpack/xnnpack_backend.h"
#include "core/clock.h"
#include "graph/interpreter.h"
#include "model/tokenizer.h"

namespace {

using namespace npb;

struct Arguments {
  std::string model, text, type = "Q8_0";
  uint32_t prefill = 512, decode = 64, rounds = 5;
  SessionOptions session;
  std::vector<int32_t> tokens;
};

template <class T>
T need(Result<T> result) {
  if (!result.ok()) {
    std::fprintf(stderr, "xnnpack_bench: %s\n", result.error().message.c_str());
    std::exit(2);
  }
  if constexpr (!std::is_void_v<T>) return std::move(result).value();
}

Arguments parse(int argc, char** argv) {
  Arguments a;
  for (int i = 1; i < argc; ++i) {
    const std::string flag = argv[i];
    const auto value = [&]() -> std::string {
      if (i + 1 < argc) return argv[++i];
      std::fprintf(stderr, "xnnpack_bench: %s needs a value\n", flag.c_str());
      std::exit(2);
    };
    const auto number = [&] { return static_cast<uint32_t>(std::stoul(value())); };
    if (flag == "-p")
      a.prefill = number();
    else if (flag == "-n")
      a.decode = number();
    else if (flag == "-b")
      a.session.batch = number();
    else if (flag == "-t")
      a.session.threads = number();
    else if (flag == "-r")
      a.rounds = number();
    else if (flag == "--type")
      a.type = value();
    else if (flag == "--text")
      a.text = value();
    else if (flag == "--kernels")
      a.session.extra["kernels"] = value();
    else if (flag == "--cache")
      a.session.packed_cache_dir = value();
    else if (flag == "--profile")
      a.session.profile = true;
    else if (flag == "--precision") {
      const std::string p = value();
      a.session.precision = p == "f32"    ? Precision::f32
                            : p == "f16"  ? Precision::f16
                            : p == "int8" ? Precision::int8
                            : p == "int4" ? Precision::int4
                                          : Precision::automatic;
    } else if (flag == "--tokens") {
      std::stringstream list(value());
      for (std::string id; std::getline(list, id, ',');) a.tokens.push_back(std::stoi(id));
    } else {
      a.model = flag;
    }
  }
  return a;
}

std::shared_ptr<const Model> load(const Arguments& a) {
  LoadOptions options;
  options.synthetic_type = tensor_type_from_name(a.type).value_or(TensorType::q8_0);
  for (const PresetInfo& preset : model_presets()) {
    if (preset.name == a.model) return need(make_synthetic_model(a.model, options));
  }
  return need(load_model(a.model, options));
}

void print_profile(const Session& session) {
  struct Sum {
    uint64_t ns = 0, bytes = 0, flops = 0, calls = 0;
  };
  std::map<std::string, Sum> by_name;
  uint64_t total = 0;
  const auto profile = session.profile();
  if (!profile.ok()) return;
  for (const OpProfile& op : *profile) {
    const size_t layer = op.node.starts_with("blk.") ? op.node.find('.', 4) + 1 : 0;
    Sum& sum = by_name[op.node.substr(layer)];
    sum.ns += op.total_ns, sum.bytes += op.bytes, sum.flops += op.flops, sum.calls += op.calls;
    total += op.total_ns;
  }
  for (const auto& [name, sum] : by_name) {
    std::printf("  %-24s %7llu calls %9.1f us each %5.1f %%  %6.1f GB/s %8.1f GFLOP/s\n",
                name.c_str(), static_cast<unsigned long long>(sum.calls),
                1e-3 * double(sum.ns) / double(sum.calls), 100.0 * double(sum.ns) / double(total),
                double(sum.bytes) / double(sum.ns), double(sum.flops) / double(sum.ns));
  }
}

void measure(const Arguments& a, Session& session, bool encoder, uint32_t width, uint32_t vocab) {
  const uint32_t batch = a.session.batch;
  StepTiming timing;
  std::vector<int32_t> tokens(size_t{batch} * std::max(1u, a.prefill)), next(batch);
  for (size_t i = 0; i < tokens.size(); ++i)
    tokens[i] = static_cast<int32_t>(1000 + 7919 * i % 20000) % static_cast<int32_t>(vocab);
  // Beside wall time, the processor's own time: what a busy machine would give if it were quiet.
  std::vector<double> pp, tg, pp_cpu, tg_cpu;
  const auto cpu_seconds = [&] {
    return double(std::clock()) / CLOCKS_PER_SEC / session.threads();
  };
  std::vector<float> vectors(size_t{batch} * width);
  for (uint32_t round = 0; round <= a.rounds; ++round) {  // round 0 warms up
    if (encoder) {
      const double cpu = cpu_seconds();
      need(session.embed(tokens, vectors, timing));
      if (round > 0) pp_cpu.push_back(double(batch) / (cpu_seconds() - cpu));
      if (round > 0) pp.push_back(double(batch) / (1e-9 * double(timing.wall_ns)));
      continue;
    }
    if (a.prefill > 0) {
      session.reset();
      const double cpu = cpu_seconds();
      need(session.forward(tokens, next, timing));
      if (round > 0) pp_cpu.push_back(double(batch) * a.prefill / (cpu_seconds() - cpu));
      if (round > 0) pp.push_back(double(batch) * a.prefill / (1e-9 * double(timing.wall_ns)));
    }
    if (a.decode == 0) continue;
    session.reset();
    std::fill(next.begin(), next.end(), 1);
    const uint64_t begin = now_ns();
    const double cpu = cpu_seconds();
    for (uint32_t i = 0; i < a.decode; ++i) need(session.forward(next, next, timing));
    if (round > 0) tg_cpu.push_back(double(batch) * a.decode / (cpu_seconds() - cpu));
    if (round > 0) tg.push_back(double(batch) * a.decode / (1e-9 * double(now_ns() - begin)));
  }
  for (auto* list : {&pp, &tg, &pp_cpu, &tg_cpu}) {
    if (list->empty()) continue;
    std::sort(list->begin(), list->end());
    const bool prefill = list == &pp || list == &pp_cpu;
    std::printf("%s%u%s  best %.1f  median %.1f  worst %.1f %s\n", prefill ? "pp" : "tg",
                prefill ? a.prefill : a.decode,
                list == &pp_cpu || list == &tg_cpu ? " by processor time" : "", list->back(),
                (*list)[list->size() / 2], list->front(), encoder ? "sequences/s" : "tokens/s");
  }
}

/// Teacher-forced over one text: how often the best token agrees, and how far the distributions are
/// apart.
void compare(const Arguments& a, const std::shared_ptr<const Model>& model) {
  std::ifstream file(a.text);
  std::stringstream content;
  content << file.rdbuf();
  std::vector<int32_t> ids =
      model->tokenizer ? model->tokenizer->encode(content.str()) : std::vector<int32_t>{};
  ids.resize(std::min<size_t>(ids.size(), a.prefill));
  if (ids.empty()) {
    std::fprintf(stderr, "xnnpack_bench: no tokens\n");
    std::exit(2);
  }
  GraphOptions all;
  all.all_logits = true;
  SessionOptions options = a.session;
  options.batch = 1;
  options.max_tokens = options.max_step_tokens = static_cast<uint32_t>(ids.size());
  auto session = need(xnnpack_backend().open(need(build_graph(model, all)), options));
  std::vector<int32_t> next(ids.size());
  StepTiming timing;
  need(session->forward(ids, next, timing));
  const size_t vocab = model->hp.vocab_size;
  std::vector<float> logits(ids.size() * vocab);
  need(session->read_logits(logits));
  Interpreter reference(need(build_graph(model, all)),
                        {.batch = 1, .max_tokens = options.max_tokens});
  need(reference.step(ids));
  const auto exact = reference.value(reference.graph().logits);
  size_t agree = 0;
  double divergence = 0, error = 0, power = 0;
  for (size_t r = 0; r < ids.size(); ++r) {
    const float* p = exact.data() + r * vocab;
    const float* q = logits.data() + r * vocab;
    agree += std::max_element(p, p + vocab) - p == std::max_element(q, q + vocab) - q;
    double p_sum = 0, q_sum = 0;
    const double p_top = *std::max_element(p, p + vocab), q_top = *std::max_element(q, q + vocab);
    for (size_t i = 0; i < vocab; ++i)
      p_sum += std::exp(p[i] - p_top), q_sum += std::exp(q[i] - q_top);
    for (size_t i = 0; i < vocab; ++i) {
      const double lp = p[i] - p_top - std::log(p_sum), lq = q[i] - q_top - std::log(q_sum);
      divergence += std::exp(lp) * (lp - lq);
      error += (double(p[i]) - q[i]) * (double(p[i]) - q[i]);
      power += double(p[i]) * p[i];
    }
  }
  std::printf(
      "%zu positions: top-1 agreement %.2f %%, KL divergence %.6f, normalised logit error %.3g\n",
      ids.size(), 100.0 * double(agree) / double(ids.size()), divergence / double(ids.size()),
      std::sqrt(error / power));
}

}  // namespace

int main(int argc, char** argv) {
  Arguments a = parse(argc, argv);
  if (a.model.empty()) {
    std::fprintf(
        stderr,
        "usage: xnnpack_bench MODEL [options]; the options are in the source's first lines\n");
    return 2;
  }
  const auto model = load(a);
  if (!a.text.empty()) {
    compare(a, model);
    return 0;
  }
  const bool encoder = model->hp.family == ModelFamily::encoder;
  a.session.max_step_tokens =
      std::max<uint32_t>({1u, a.prefill, static_cast<uint32_t>(a.tokens.size())});
  a.session.max_tokens = a.session.max_step_tokens + a.decode + 1;
  auto session = need(xnnpack_backend().open(need(build_graph(model, {})), a.session));
  const OpenTimeline t = session->open_timeline();
  const MemoryReport m = session->memory();
  std::printf(
      "open %.1f ms (weights %.1f ms%s), weights %.1f MB, KV %.1f MB, activations %.1f MB, %u "
      "threads\n",
      1e-6 * double(t.compile_ns - t.begin_ns),
      1e-6 * double(t.weights_ready_ns - t.device_open_ns),
      t.packed_cache_hit ? ", from cache" : "", 1e-6 * double(m.weights_bytes),
      1e-6 * double(m.kv_cache_bytes), 1e-6 * double(m.activations_bytes), session->threads());
  if (!a.tokens.empty()) {
    StepTiming timing;
    std::vector<int32_t> next(1), all;
    need(session->forward(a.tokens, next, timing));
    all.push_back(next[0]);
    for (uint32_t i = 1; i < a.decode; ++i) {
      need(session->forward(next, next, timing));
      all.push_back(next[0]);
    }
    for (int32_t id : all) std::printf("%d ", id);
    std::printf("\n%s\n", model->tokenizer ? model->tokenizer->decode(all).c_str() : "");
    return 0;
  }
  for (const PlacementEntry& p : session->placement()) {
    if (p.op == "linear")
      std::printf("  %u x %s %s -> %s\n", p.count, p.op.c_str(), p.stored_type.c_str(),
                  p.kernel.c_str());
  }
  measure(a, *session, encoder, model->hp.d_model, model->hp.vocab_size);
  if (a.session.profile) print_profile(*session);
  return 0;
}

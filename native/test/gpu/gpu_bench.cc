// Developer's tool: speed of a GPU backend without the rest of the program, in llama-bench's terms.
//   gpu_bench MODEL [vulkan|opencl] [-p PREFILL_TOKENS] [-n DECODE_STEPS] [-r REPETITIONS] [-t
//   PACKING_THREADS] [-k]
// Prints the best and the median of the repetitions; for a decode step also the host's share. -k:
// per kernel.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <map>
#include <string>
#include <vector>

#include "backends/backend.h"
#include "core/clock.h"

using namespace npb;

namespace {

template <class T>
T need(Result<T> result) {
  if (!result.ok()) {
    std::fprintf(stderr, "gpu_bench: %s\n", result.error().message.c_str());
    std::exit(1);
  }
  return std::move(result).value();
}

/// Processor time of this thread alone (a driver's own threads, and waiting, are not in it), or of
/// the whole process: on a device that is the processor, what a quiet machine would need.
uint64_t cpu_ns(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return static_cast<uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(time.tv_nsec);
}

double middle(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

void print(const char* what, const std::vector<double>& per_second) {
  std::printf("%s best %.1f t/s, median %.1f t/s\n", what,
              *std::max_element(per_second.begin(), per_second.end()), middle(per_second));
}

void print_kernels(const Session& session) {
  struct Sum {
    uint64_t calls = 0, ns = 0, bytes = 0, flops = 0;
  };
  std::map<std::string, Sum> by_op;
  uint64_t total_ns = 0;
  for (const OpProfile& op : need(session.profile())) {
    Sum& sum = by_op[op.op];
    ++sum.calls, sum.ns += op.total_ns, sum.bytes += op.bytes, sum.flops += op.flops;
    total_ns += op.total_ns;
  }
  for (const auto& [op, sum] : by_op) {
    const double ns = static_cast<double>(std::max<uint64_t>(sum.ns, 1));
    std::printf("  %-14s %5llu calls %10.1f us %5.1f %% %6.1f GB/s %8.1f GFLOP/s\n", op.c_str(),
                static_cast<unsigned long long>(sum.calls), 1e-3 * ns,
                100 * ns / static_cast<double>(total_ns), static_cast<double>(sum.bytes) / ns,
                static_cast<double>(sum.flops) / ns);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr,
                 "usage: gpu_bench MODEL [vulkan|opencl] [-p N] [-n N] [-r N] [-t N] [-k]\n");
    return 2;
  }
  std::string id = "vulkan";
  uint32_t prefill = 128, steps = 16, repetitions = 3, threads = 2;
  bool kernels = false;
  for (int i = 2; i < argc; ++i) {
    const std::string argument = argv[i];
    uint32_t* number = argument == "-p"   ? &prefill
                       : argument == "-n" ? &steps
                       : argument == "-r" ? &repetitions
                       : argument == "-t" ? &threads
                                          : nullptr;
    if (number && i + 1 < argc)
      *number = static_cast<uint32_t>(std::atoi(argv[++i]));
    else if (argument == "-k")
      kernels = true;
    else
      id = argument;
  }
  const Backend* backend = find_backend(id);
  if (!backend) {
    std::fprintf(stderr, "gpu_bench: this build has no backend %s\n", id.c_str());
    return 2;
  }
  const auto model = need(load_model(argv[1], {}));
  auto session = need(backend->open(need(build_graph(model, {})), {.max_tokens = prefill + steps,
                                                                   .max_step_tokens = prefill,
                                                                   .threads = threads,
                                                                   .profile = kernels}));
  const OpenTimeline opened = session->open_timeline();
  std::printf("%s open %.0f ms, weights %.0f ms, kernels %.0f ms (cache: %s)\n", id.c_str(),
              1e-6 * static_cast<double>(opened.device_open_ns - opened.begin_ns),
              1e-6 * static_cast<double>(opened.weights_ready_ns - opened.device_open_ns),
              1e-6 * static_cast<double>(opened.compile_ns - opened.weights_ready_ns),
              !opened.kernel_cache_hit   ? "none of ours"
              : *opened.kernel_cache_hit ? "hit"
                                         : "written");
  std::vector<int32_t> prompt(prefill);
  for (uint32_t i = 0; i < prefill; ++i)
    prompt[i] = static_cast<int32_t>((1000 + 7919 * i) % std::min(model->hp.vocab_size, 30000u));
  std::vector<double> prefill_rates, decode_rates, host_us, transfer_us, dispatch_us,
      prefill_cpu_ms, decode_cpu_ms;
  for (uint32_t run = 0; run <= repetitions; ++run) {
    session->reset();
    StepTiming timing;
    int32_t next = 0;
    const auto step = [&](std::span<const int32_t> tokens) {
      if (const auto done = session->forward(tokens, {&next, 1}, timing); !done.ok())
        need(Result<int>(done.error()));
    };
    const uint64_t prefill_cpu = cpu_ns(CLOCK_PROCESS_CPUTIME_ID);
    step(prompt);
    uint64_t decode_cpu = cpu_ns(CLOCK_PROCESS_CPUTIME_ID);
    if (run > 0) prefill_cpu_ms.push_back(1e-6 * static_cast<double>(decode_cpu - prefill_cpu));
    if (run > 0) prefill_rates.push_back(1e9 * prefill / static_cast<double>(timing.wall_ns));
    if (kernels && run == repetitions) {
      print_kernels(*session);
      decode_cpu = cpu_ns(CLOCK_PROCESS_CPUTIME_ID);
    }
    uint64_t decode_ns = 0;
    for (uint32_t i = 0; i < steps; ++i) {
      const uint64_t cpu = cpu_ns(CLOCK_THREAD_CPUTIME_ID);
      step({&next, 1});
      if (run == 0) continue;
      decode_ns += timing.wall_ns;
      host_us.push_back(1e-3 * static_cast<double>(cpu_ns(CLOCK_THREAD_CPUTIME_ID) - cpu));
      transfer_us.push_back(1e-3 * static_cast<double>(timing.transfer_ns.value_or(0)));
      dispatch_us.push_back(1e-3 * static_cast<double>(timing.dispatch_ns.value_or(0)));
    }
    if (run > 0)
      decode_cpu_ms.push_back(
          1e-6 * static_cast<double>(cpu_ns(CLOCK_PROCESS_CPUTIME_ID) - decode_cpu) / steps);
    if (run > 0) decode_rates.push_back(1e9 * steps / static_cast<double>(decode_ns));
    if (kernels && run == repetitions) print_kernels(*session);
  }
  print("prefill", prefill_rates);
  print("decode ", decode_rates);
  std::printf(
      "decode step: host thread %.1f us of processor time, %.1f us transfer, %.1f us dispatch\n",
      middle(host_us), middle(transfer_us), middle(dispatch_us));
  std::printf("processor time of all threads: prefill %.0f ms, decode %.1f ms a token\n",
              middle(prefill_cpu_ms), middle(decode_cpu_ms));
  return 0;
}

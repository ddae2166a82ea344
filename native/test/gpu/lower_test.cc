// What the GPU planner makes of a graph, and which kernels it chooses for a device's limits.
#include "backends/gpu/lower.h"

#include <doctest/doctest.h>

#include <map>

#include "backends/gpu/layout.h"
#include "test/support/random_model.h"

using namespace npb;

namespace {

Graph tiny_graph(const test::TempFolder& folder, const char* architecture) {
  test::TinyModel tiny;
  tiny.architecture = architecture;
  auto model = test::load_tiny(tiny, folder);
  REQUIRE_MESSAGE(model.ok(), model.error().message);
  auto graph = build_graph(*model, {});
  REQUIRE_MESSAGE(graph.ok(), graph.error().message);
  return *graph;
}

}  // namespace

TEST_SUITE_BEGIN("host");

TEST_CASE("a llama layer becomes nine launches") {
  test::TempFolder folder;
  const Graph graph = tiny_graph(folder, "llama");
  const auto lowered = gpu::lower(graph);
  REQUIRE(lowered.ok());
  // embed, per layer: norm, q/k/v, rope+append, attention, output+residual, norm, gate/up, swiglu,
  // down+residual; the last row of the residual and of the last attention, the final norm, the head
  // and two-stage argmax.
  CHECK(lowered->ops.size() == 1 + 9 * graph.hp.n_layers + 5);
  std::map<gpu::LoweredKind, int> count;
  for (const auto& op : lowered->ops) ++count[op.kind];
  CHECK(count[gpu::LoweredKind::linear] == static_cast<int>(4 * graph.hp.n_layers + 1));
  for (const auto& op : lowered->ops)
    if (op.kind == gpu::LoweredKind::rope_append) CHECK(op.nodes.size() == 2);
}

TEST_CASE("no two values that live at once share memory") {
  test::TempFolder folder;
  for (const char* architecture : {"llama", "qwen3", "bert"}) {
    CAPTURE(architecture);
    const Graph graph = tiny_graph(folder, architecture);
    const auto lowered = gpu::lower(graph);
    REQUIRE(lowered.ok());
    const auto layout = gpu::layout_activations(graph, *lowered, 8, 2, 256);
    std::map<ValueId, size_t> born, dies;
    for (size_t i = 0; i < lowered->ops.size(); ++i) {
      const auto& op = lowered->ops[i];
      for (ValueId v : op.outputs)
        if (layout.of[v].region_bytes > 0) born.emplace(v, i);
      for (ValueId v : op.inputs) dies[lowered->alias[v]] = i;
      if (op.residual != kNoValue) dies[op.residual] = i;
    }
    for (const auto& [a, from_a] : born)
      for (const auto& [b, from_b] : born) {
        if (a >= b || from_a == from_b) continue;
        const bool overlap_in_time = from_a <= dies[b] && from_b <= dies[a];
        const auto& x = layout.of[a];
        const auto& y = layout.of[b];
        const bool overlap_in_space =
            x.region_bytes_offset < y.region_bytes_offset + y.region_bytes &&
            y.region_bytes_offset < x.region_bytes_offset + x.region_bytes;
        CHECK_FALSE((overlap_in_time && overlap_in_space));
      }
  }
}

TEST_SUITE_END();

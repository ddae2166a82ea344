#!/bin/sh
# Measures this commit, judges it against the baseline of the history, and reports.
# Exit code: that of `npu-bench compare` (1: regression), or 0 for the first run of all.
#
# MODEL, DEVICE, ITERATIONS, THRESHOLD, RESULTS: see below. The history lies in NPU_BENCH_HISTORY.
set -eu

MODEL=${MODEL:?set MODEL to a model file or name}
DEVICE=${DEVICE:-npu}
ITERATIONS=${ITERATIONS:-10}
THRESHOLD=${THRESHOLD:-5}
RESULTS=${RESULTS:-results}

mkdir -p "$RESULTS"
npu-bench run --device "$DEVICE" --model "$MODEL" --iterations "$ITERATIONS" --output "$RESULTS/current.json"
npu-bench export "$RESULTS/current.json" --format html --output "$RESULTS/report.html" --include-metadata
npu-bench history add "$RESULTS/current.json"

if ! npu-bench history list --json | grep -q '"main"'; then
  npu-bench history baseline set main
  echo "No baseline yet: this run is the baseline from now on."
  exit 0
fi

verdict=0
npu-bench compare --baseline main "$RESULTS/current.json" --threshold "$THRESHOLD" \
  --format markdown --output "$RESULTS/comparison.md" || verdict=$?
if [ -n "${GITHUB_STEP_SUMMARY:-}" ] && [ -f "$RESULTS/comparison.md" ]; then
  cat "$RESULTS/comparison.md" >>"$GITHUB_STEP_SUMMARY"
fi
exit "$verdict"

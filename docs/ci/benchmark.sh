#!/bin/sh
# Measures this commit, judges it against the baseline "main" of the history, and reports.
# Exit code: that of `npu-bench compare` (1: regression), or 0 for the first run of all.
#
# MODEL is needed; DEVICE, ITERATIONS, THRESHOLD and RESULTS have defaults below. RECORD=1, for the
# main branch, keeps the run in the history and, unless it regressed, moves the baseline on.
# The history lies in NPU_BENCH_HISTORY.
set -eu

MODEL=${MODEL:?set MODEL to a model file or name}
DEVICE=${DEVICE:-npu}
ITERATIONS=${ITERATIONS:-10}
THRESHOLD=${THRESHOLD:-5}
RESULTS=${RESULTS:-results}
current=$RESULTS/current.json

mkdir -p "$RESULTS"
npu-bench run --device "$DEVICE" --model "$MODEL" --iterations "$ITERATIONS" --output "$current"
npu-bench export "$current" --format html --output "$RESULTS/report.html" --include-metadata

if ! npu-bench history list --json | grep -q '"main"'; then
  npu-bench history add "$current"
  npu-bench history baseline set main
  echo "No baseline yet: this run is the baseline from now on."
  exit 0
fi

verdict=0
npu-bench compare --baseline main "$current" --threshold "$THRESHOLD" \
  --format markdown --output "$RESULTS/comparison.md" || verdict=$?
if [ -n "${GITHUB_STEP_SUMMARY:-}" ] && [ -f "$RESULTS/comparison.md" ]; then
  cat "$RESULTS/comparison.md" >>"$GITHUB_STEP_SUMMARY"
fi
if [ -n "${RECORD:-}" ]; then
  npu-bench history add "$current"
  if [ "$verdict" -eq 0 ]; then
    npu-bench history baseline set main --last 3
  fi
fi
exit "$verdict"

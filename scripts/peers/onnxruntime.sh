#!/usr/bin/env bash
# Provides ONNX Runtime with all-MiniLM-L6-v2 exported by PyTorch (f32, and dynamically quantised int8), and prints
# the folder: bin/python runs scripts/peers/onnx_bench.py, f32.onnx and int8.onnx are the graphs.
#   scripts/peers/onnxruntime.sh MINILM_FOLDER
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${NPU_BENCH_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/npu-bench}/peers
root="$cache/onnxruntime"
if [ ! -e "$root/int8.onnx" ]; then
  echo "onnxruntime: installing onnxruntime and torch, exporting the model (once)" >&2
  mkdir -p "$root"
  python3 -m venv "$root/venv"
  "$root/venv/bin/pip" install -q onnxruntime==1.32.0 onnx torch transformers > "$root/install.log" 2>&1 \
    || { echo "onnxruntime: pip failed; see $root/install.log." >&2; exit 1; }
  "$root/venv/bin/python" "$here/onnx_export.py" "$1" "$root" > "$root/export.log" 2>&1 \
    || { echo "onnxruntime: the export failed; see $root/export.log." >&2; exit 1; }
fi
echo "$root"

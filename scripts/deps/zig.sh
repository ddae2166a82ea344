#!/usr/bin/env bash
# Installs the pinned zig (its clang compiles the prebuilt binaries against an old glibc) from the Python package
# ziglang into the cache, once, and prints the path of the program. pip checks the wheel's hash.
set -euo pipefail

version=0.17.1
cache=${NPU_BENCH_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/npu-bench}/deps
folder="$cache/ziglang-$version"

if [ ! -x "$folder/ziglang/zig" ]; then
  echo "zig: installing ziglang $version (100 MB, once)" >&2
  rm -rf "$folder.part"
  mkdir -p "$cache"
  python3 -m pip install --quiet --no-deps --only-binary :all: --target "$folder.part" "ziglang==$version" >&2 || {
    echo "zig: ziglang $version could not be installed; check that pip reaches its package index, or set NPB_ZIG to a zig." >&2
    exit 1
  }
  mv "$folder.part" "$folder"
fi
echo "$folder/ziglang/zig"

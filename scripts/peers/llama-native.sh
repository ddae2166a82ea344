#!/usr/bin/env bash
# Provides llama.cpp built for exactly this processor, from the source package of PyPI's llama-cpp-python, and
# prints the folder with its llama-bench. The build takes several minutes, once.
set -euo pipefail

version=0.3.36
cache=${NPU_BENCH_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/npu-bench}/peers
root="$cache/llama-native-$version"
if [ ! -x "$root/bin/llama-bench" ]; then
  echo "llama-native: building llama.cpp from llama-cpp-python $version (about 8 minutes on 2 cores)" >&2
  rm -rf "$root.part"
  mkdir -p "$root.part"
  cd "$root.part"
  python3 -m pip download -q --no-deps --no-binary :all: "llama-cpp-python==$version" -d . > build.log 2>&1 \
    || { echo "llama-native: pip could not fetch the source; see $root.part/build.log." >&2; exit 1; }
  tar xzf llama_cpp_python-*.tar.gz
  cmake -S llama_cpp_python-*/vendor/llama.cpp -B build -G Ninja -DCMAKE_BUILD_TYPE=Release -DGGML_NATIVE=ON \
    -DBUILD_SHARED_LIBS=OFF -DLLAMA_CURL=OFF -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_SERVER=OFF >> build.log 2>&1
  cmake --build build --target llama-bench llama-completion >> build.log 2>&1 \
    || { echo "llama-native: the build failed; see $root.part/build.log." >&2; exit 1; }
  mkdir bin
  cp build/bin/llama-bench build/bin/llama-completion bin/
  rm -rf build llama_cpp_python-*
  rm -rf "$root"
  mv "$root.part" "$root"
fi
echo "$root/bin"

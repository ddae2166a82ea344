#!/usr/bin/env bash
# Provides Debian unstable's llama.cpp beside the system, without touching it, and prints the folder with a
# `llama-bench` (and llama-completion) that starts with its own libraries.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${NPU_BENCH_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/npu-bench}/peers
root="$cache/llama-debian"
triplet=$(dpkg-architecture -qDEB_HOST_MULTIARCH 2> /dev/null || gcc -dumpmachine)
case $triplet in
  x86_64-*) loader=ld-linux-x86-64.so.2 ;;
  aarch64-*) loader=ld-linux-aarch64.so.1 ;;
  *) echo "llama-debian: Debian's llama.cpp is not used on $triplet." >&2; exit 1 ;;
esac

if [ ! -x "$root/bin/llama-bench" ]; then
  echo "llama-debian: fetching Debian unstable's llama.cpp-tools and its libraries" >&2
  rm -rf "$root.part"
  mkdir -p "$root.part/packages" "$root.part/root" "$root.part/bin"
  cd "$root.part/packages"
  "$here/../deps/debian-apt.sh" "$cache/apt" sid "$(dpkg --print-architecture)" download \
    llama.cpp-tools libllama0 libggml0 libc6 libstdc++6 libgcc-s1 libgomp1 libssl3t64 zlib1g libzstd1 \
    > ../download.log 2>&1 \
    || { echo "llama-debian: the packages could not be fetched; see $root.part/download.log." >&2; exit 1; }
  # Whatever else libraries of the same suite need is named by the loader; these cover the command-line tools.
  for package in *.deb; do dpkg -x "$package" ../root; done
  cd ..
  for program in llama-bench llama-completion; do
    cat > "bin/$program" <<SCRIPT
#!/bin/sh
root="$root/root"
lib="\$root/usr/lib/$triplet"
exec "\$lib/$loader" --library-path "\$lib:\$lib/llama:\$lib/ggml/backends0:\$root/lib/$triplet" "\$root/usr/bin/$program" "\$@"
SCRIPT
    chmod +x "bin/$program"
  done
  rm -rf "$root" packages
  mv "$root.part" "$root"
fi

# ggml looks for its CPU backends in one fixed place; without them it has none at all.
backends=/usr/lib/$triplet/ggml/backends0
if [ ! -e "$backends" ]; then
  mkdir -p "$(dirname "$backends")" 2> /dev/null && ln -s "$root/root/usr/lib/$triplet/ggml/backends0" "$backends" \
    || { echo "llama-debian: ggml finds its CPU backends in $backends only: run this once as root." >&2; exit 1; }
fi
"$root/bin/llama-bench" --help > /dev/null 2>&1 \
  || { echo "llama-debian: llama-bench does not start: $("$root/bin/llama-bench" --help 2>&1 | tail -1)" >&2; exit 1; }
echo "$root/bin"

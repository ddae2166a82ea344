#!/usr/bin/env bash
# Provides Debian unstable's llama.cpp with its Vulkan backend beside the system, on the system's own Vulkan drivers,
# and prints the folder with its `llama-bench`.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${NPU_BENCH_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/npu-bench}/peers
base=$("$here/llama-debian.sh")
root=$(dirname "$base")/root
target="$cache/llama-vulkan"
triplet=$(dpkg-architecture -qDEB_HOST_MULTIARCH 2> /dev/null || gcc -dumpmachine)
case $triplet in
  x86_64-*) loader=ld-linux-x86-64.so.2 ;;
  *) loader=ld-linux-aarch64.so.1 ;;
esac

if [ ! -x "$target/bin/llama-bench" ]; then
  echo "llama-vulkan: fetching Debian unstable's Vulkan backend of ggml" >&2
  rm -rf "$target.part"
  mkdir -p "$target.part/packages" "$target.part/root" "$target.part/bin"
  cd "$target.part/packages"
  "$here/../deps/debian-apt.sh" "$cache/apt" sid "$(dpkg --print-architecture)" download \
    libggml0-backend-vulkan libvulkan1 > ../download.log 2>&1 \
    || { echo "llama-vulkan: the packages could not be fetched; see $target.part/download.log." >&2; exit 1; }
  for package in *.deb; do dpkg -x "$package" ../root; done
  cd ..
  # The working folder is where ggml looks for backends beside its own place. The system's libraries come last: its
  # Vulkan driver loads into this process and needs what the newer suite's files don't replace.
  cat > bin/llama-bench <<SCRIPT
#!/bin/sh
base="$root/usr/lib/$triplet"
own="$target/root/usr/lib/$triplet"
export GGML_VK_VISIBLE_DEVICES="\${GGML_VK_VISIBLE_DEVICES:-0}"
cd "\$own/ggml/backends0"
exec "\$base/$loader" --library-path "\$own:\$base:\$base/llama:\$base/ggml/backends0:/usr/lib/$triplet" "$root/usr/bin/llama-bench" "\$@"
SCRIPT
  chmod +x bin/llama-bench
  rm -rf "$target" packages
  mv "$target.part" "$target"
fi
echo "$target/bin"

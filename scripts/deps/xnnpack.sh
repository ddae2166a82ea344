#!/usr/bin/env bash
# Provides XNNPACK with pthreadpool and cpuinfo as static archives and prints the folder that holds them
# (include/, lib/, internal/ for XNNPACK's own headers, licenses/). Progress goes to stderr.
#
#   scripts/deps/xnnpack.sh [--source DIR] [--system NAME --processor NAME]
#   scripts/deps/xnnpack.sh --ship-sources     builds nothing: puts the sources into scripts/deps/sources, for the package
#
# CC, CXX, AR and RANLIB choose the tools (CC may hold several words, as in "zig cc -target x86_64-linux-gnu.2.28").
# --source DIR   build from DIR/{xnnpack,pthreadpool,cpuinfo,fxdiv} instead of the pinned archives, which are taken from
#                the cache, from scripts/deps/sources (the npm package has them), or from Debian's source packages
# --system, --processor   CMake's names of the target when it is not this machine
#
# Sources and archives stay in ${NPU_BENCH_CACHE:-${XDG_CACHE_HOME:-~/.cache}/npu-bench}/deps, keyed by everything that
# shapes them, so that any later build, in this checkout or another, finds them ready.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${NPU_BENCH_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/npu-bench}/deps
packages=(xnnpack pthreadpool cpuinfo fxdiv)

# name version sha256. The archives come from Debian's pool, whose signed index apt checks as well.
pins() {
  cat <<'PINS'
xnnpack     0.0~git20241108.4ea82e5 90bde2caef0f880f627bab0dc805a86c4b8070cd98e3243db3046ab3f3be1a99
pthreadpool 0.0~git20251020.0e6ca13 7a385b6585abe8f8658952c50b44a1dabe200de2c88eabe65d15168b8a82295c
cpuinfo     0.0~git20250905.877328f 557ca404a3836b9f335a3a06b65ff9fe9dbaaefab7fb5c0185f53d9f33615a10
fxdiv       0.0~git20200417.b408327 7953482badaf4cb34026c3487c257b8e4ab2df061c019bd6fabbbc12ad52c44b
PINS
}

# Changes with the way the archives are built, so that older cached ones are not taken.
recipe=1

say() { echo "xnnpack: $*" >&2; }
fail() { say "$*"; exit 1; }

source_dir='' system='' processor='' ship=no
while [ $# -gt 0 ]; do
  case $1 in
    --source) source_dir=$2; shift 2 ;;
    --system) system=$2; shift 2 ;;
    --processor) processor=$2; shift 2 ;;
    --ship-sources) ship=yes; shift ;;
    *) fail "unknown option $1: the options are --source, --system, --processor and --ship-sources." ;;
  esac
done

CC=${CC:-cc} CXX=${CXX:-c++}
if [ $ship = yes ]; then tools=(); else tools=("${CC%% *}" "${CXX%% *}" cmake ninja python3); fi
for tool in ${tools[@]+"${tools[@]}"}; do
  command -v "$tool" > /dev/null || fail "$tool is missing: run scripts/setup.sh, or install it (python3 writes XNNPACK's kernel list)."
done

pin() { pins | awk -v name="$1" -v field="$2" '$1 == name {print $field}'; }
archive() {
  local file="sources/$1.orig.tar.xz"
  if [ ! -e "$cache/$file" ] && [ -e "$here/$file" ]; then echo "$here/$file"; else echo "$cache/$file"; fi
}
sha256() { sha256sum "$1" | cut -d' ' -f1; }

# Fetches one source archive: the pinned one where Debian still has it, else the nearest, with a warning.
fetch() {
  local name=$1 suite got work
  command -v apt-get > /dev/null || fail "the source of $name is not here and this system has no apt-get: give it with \
-DNPB_XNNPACK_SOURCE=DIR (or --source DIR), or a built XNNPACK with -DNPB_XNNPACK_ROOT=DIR."
  work=$(mktemp -d "$cache/sources/fetch.XXXXXX")
  for suite in sid trixie; do
    say "fetching the source of $name from Debian $suite"
    if (cd "$work" && "$here/debian-apt.sh" "$cache/apt" "$suite" "$(dpkg --print-architecture)" \
      source --tar-only --download-only "$name") > "$work/log" 2>&1; then
      got=$(find "$work" -name '*.orig.tar.*' | head -n 1)
      if [ -n "$got" ]; then
        if [ "$(sha256 "$got")" != "$(pin "$name" 3)" ]; then
          # A newer XNNPACK would change kernels under tested code; the small helpers keep their interface.
          if [ "$name" = xnnpack ]; then continue; fi
          say "warning: $suite has $(basename "$got"), not the pinned $(pin "$name" 2)"
        fi
        mv "$got" "$(archive "$name")"
        rm -rf "$work"
        return
      fi
    fi
  done
  tail -n 2 "$work/log" >&2 || true
  rm -rf "$work"
  fail "the source of $name $(pin "$name" 2) could not be fetched: connect this machine to its Debian mirror, \
or give the source with -DNPB_XNNPACK_SOURCE=DIR (or --source DIR)."
}

# One at a time per lock file; another build of the same thing then finds it ready.
lock() {
  if ! command -v flock > /dev/null; then return; fi
  exec 9> "$cache/$1.lock"
  flock -n 9 || { say "waiting for another set-up of XNNPACK"; flock 9; }
}

mkdir -p "$cache/sources"
if [ -n "$source_dir" ]; then
  source_dir=$(cd "$source_dir" && pwd)
  for name in "${packages[@]}"; do
    [ -e "$source_dir/$name/CMakeLists.txt" ] || fail "$source_dir/$name/CMakeLists.txt does not exist: --source needs \
the folders ${packages[*]}."
  done
  sources_id="folder $(cd "$source_dir" && find "${packages[@]}" -type f -printf '%p %s %T@\n' | sort | sha256sum | cut -d' ' -f1)"
else
  sources_id=''
  lock sources
  for name in "${packages[@]}"; do
    [ -e "$(archive "$name")" ] || fetch "$name"
    sources_id+="$name $(sha256 "$(archive "$name")") "
  done
fi

if [ $ship = yes ]; then
  [ -z "$source_dir" ] || fail "--ship-sources ships the pinned archives; leave --source out."
  mkdir -p "$here/sources"
  for name in "${packages[@]}"; do
    [ "$(archive "$name")" = "$here/sources/$name.orig.tar.xz" ] || cp "$(archive "$name")" "$here/sources/"
  done
  say "${#packages[@]} source archives in $here/sources"
  exit
fi

# The compilers' versions, targets and extra words; not their names, as cc and /usr/bin/gcc are often one.
identity() { echo "$($1 --version | head -n 1 | sed 's/^[^ ]* //') $($1 -dumpmachine) $(echo "$1" | cut -s -d' ' -f2-)"; }
compiler_id="$(identity "$CC") $(identity "$CXX")"
key=$(echo "$recipe|$sources_id|$compiler_id|$system|$processor" | sha256sum | cut -c1-16)
target="${system:-$(uname -s)}-${processor:-$(uname -m)}"
root="$cache/xnnpack-${target,,}-$key"
if [ ! -e "$root/manifest.txt" ]; then lock "$key"; fi
if [ -e "$root/manifest.txt" ]; then
  echo "$root"
  exit
fi

build="$cache/build-$key"
rm -rf "$build" "$root"
mkdir -p "$build/src"
for name in "${packages[@]}"; do
  if [ -n "$source_dir" ]; then
    cp -r "$source_dir/$name" "$build/src/$name"
  else
    mkdir "$build/src/$name"
    # XNNPACK's archive has no top folder, the others have one. -m: ninja would trust the old file times.
    strip=1
    if [ "$name" = xnnpack ]; then strip=0; fi
    tar -xmf "$(archive "$name")" -C "$build/src/$name" --strip-components=$strip
  fi
done

# GGUF's Q4_0 blocks have negative and zero scales. The kernels compute them exactly; only the check at creation
# refuses them, so it is loosened to "finite" in its three places.
check='fp32_scale <= 0.0f || !isnormal(fp32_scale)'
file="$build/src/xnnpack/src/operators/fully-connected-nc.c"
count=$(grep -cF "$check" "$file" || true)
[ "$count" = 3 ] || fail "the scale check that has to be loosened was found $count times instead of 3 in $file: \
this XNNPACK is not the pinned $(pin xnnpack 2)."
sed -i 's/fp32_scale <= 0\.0f || !isnormal(fp32_scale)/!isfinite(fp32_scale)/' "$file"

# Windows with the mingw headers: cpuinfo takes max() from windows.h, yet is compiled with NOMINMAX; pthreadpool takes C11
# threads and alloca.h, which these headers lack, where their pthreads and malloc.h do.
if [ "$system" = Windows ]; then
  sed -i '1i #define max(a, b) ((a) > (b) ? (a) : (b))' "$build/src/cpuinfo/src/x86/windows/init.c"
  sed -i 's/^#if defined(_WIN32) || defined(__CYGWIN__)$/#if defined(_MSC_VER)/' \
    "$build/src/pthreadpool/src/threadpool-common.h"
  sed -i 's/^#include <alloca.h>$/#include <malloc.h>/' "$build/src/pthreadpool/src/pthreads.c"
fi

options=(-DCMAKE_BUILD_TYPE=Release -DCMAKE_POSITION_INDEPENDENT_CODE=ON
  -DXNNPACK_LIBRARY_TYPE=static -DCPUINFO_LIBRARY_TYPE=static -DPTHREADPOOL_LIBRARY_TYPE=static
  -DXNNPACK_BUILD_TESTS=OFF -DXNNPACK_BUILD_BENCHMARKS=OFF -DXNNPACK_BUILD_ALL_MICROKERNELS=OFF
  -DXNNPACK_ENABLE_KLEIDIAI=OFF -DCPUINFO_BUILD_TOOLS=OFF
  "-DCPUINFO_SOURCE_DIR=$build/src/cpuinfo" "-DPTHREADPOOL_SOURCE_DIR=$build/src/pthreadpool"
  "-DFXDIV_SOURCE_DIR=$build/src/fxdiv"
  "-DCMAKE_C_COMPILER=${CC// /;}" "-DCMAKE_CXX_COMPILER=${CXX// /;}" "-DCMAKE_ASM_COMPILER=${CC// /;}")
if [ -n "${AR:-}" ]; then options+=("-DCMAKE_AR=$(command -v "$AR")"); fi
if [ -n "${RANLIB:-}" ]; then options+=("-DCMAKE_RANLIB=$(command -v "$RANLIB")"); fi
if [ -n "$system" ]; then options+=("-DCMAKE_SYSTEM_NAME=$system" "-DCMAKE_SYSTEM_PROCESSOR=$processor"); fi

say "building for $target with ${CC} (a minute or two, once)"
start=$SECONDS
log="$build/build.log"
cmake -S "$build/src/xnnpack" -B "$build/out" -G Ninja "${options[@]}" > "$log" 2>&1 \
  && ninja -C "$build/out" XNNPACK microkernels-prod pthreadpool cpuinfo >> "$log" 2>&1 \
  || { tail -n 15 "$log" >&2; fail "the build failed; its whole log is $log."; }

staging="$root.part"
rm -rf "$staging"
mkdir -p "$staging/include" "$staging/lib" "$staging/internal" "$staging/licenses"
for library in XNNPACK microkernels-prod pthreadpool cpuinfo; do
  find "$build/out" -name "lib$library.a" -exec cp {} "$staging/lib/" \;
  [ -e "$staging/lib/lib$library.a" ] || fail "the build made no lib$library.a; its log is $log."
done
for name in "${packages[@]}"; do
  cp "$build/src/$name"/include/*.h "$staging/include/"
  cp "$build/src/$name/LICENSE" "$staging/licenses/$name.txt"
done
(cd "$build/src/xnnpack/src" && find . -name '*.h' -exec cp --parents {} "$staging/internal/" \;)
{
  echo "$sources_id"
  echo "$compiler_id"
} > "$staging/manifest.txt"
mv "$staging" "$root"
rm -rf "$build"
say "built in $((SECONDS - start)) s"
echo "$root"

#!/usr/bin/env bash
# From a fresh clone on Debian 12 with Node 20 to a working checkout.
#   ./scripts/setup.sh               install what is missing and build
#   ./scripts/setup.sh run [OPTIONS] the same, then measure a real model on this machine's CPU
#   ./scripts/setup.sh test          the same with what the tests need, then run every test
#   ./scripts/setup.sh vendor        the NPU backend against Qualcomm's simulator under wine (docs/npu.md): installs
#                                    wine and a cross compiler, fetches the simulator and SmolLM2
# Steps whose inputs have not changed are skipped.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { echo "setup: $*" >&2; }
fail() { say "$*"; exit 1; }

mode=${1:-build}
case $mode in
  build | run | test | vendor) if [ $# -gt 0 ]; then shift; fi ;;
  *) fail "unknown mode $mode: use run, test, vendor, or nothing." ;;
esac

# What a build needs; and what only the tests use: a software Vulkan and OpenCL, a browser and a spreadsheet program
# for the reports, an Arm emulator, shells for the completions.
build_packages=(g++ cmake ninja-build python3 python3-pip libvulkan-dev libvulkan-volk-dev glslc opencl-c-headers)
test_packages=(doctest-dev clang clang-format libvulkan1 mesa-vulkan-drivers vulkan-validationlayers spirv-tools
  ocl-icd-libopencl1 pocl-opencl-icd qemu-user g++-aarch64-linux-gnu
  chromium libreoffice-calc-nogui zsh fish)

vendor_packages=(cmake ninja-build python3 python3-pip wine64 g++-mingw-w64-x86-64)

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo > /dev/null; then
    sudo "$@"
  else
    fail "installing packages needs root: run this once as root, or install ${missing[*]} yourself."
  fi
}

install_packages() {
  local package
  missing=()
  for package in "$@"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2> /dev/null || true)" = installed ] || missing+=("$package")
  done
  if [ ${#missing[@]} = 0 ]; then return; fi
  say "installing the Debian packages ${missing[*]}"
  mkdir -p build
  as_root apt-get -q update > build/apt.log 2>&1 \
    || fail "apt-get update failed; see build/apt.log, and check /etc/apt and the network."
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends "${missing[@]}" \
    >> build/apt.log 2>&1 || fail "apt-get could not install ${missing[*]}; see build/apt.log."
}

# is_current STAMP PATHS…: whether the contents of the paths are those of the last `done_with STAMP PATHS…`.
# What packing puts into the tree (scripts/prepack.mjs) is no input.
content_hash() {
  find "$@" -type f -not -name '*.tsbuildinfo' -not -path native/backends/vulkan/spirv/'*' \
    -not -path scripts/deps/sources/'*' -print0 2> /dev/null | sort -z | xargs -0 sha256sum | sha256sum | cut -d' ' -f1
}
is_current() {
  local stamp="build/.stamps/$1"
  shift
  [ -e "$stamp" ] && [ "$(cat "$stamp")" = "$(node -v) $(content_hash "$@")" ]
}
done_with() {
  local stamp="build/.stamps/$1"
  shift
  mkdir -p build/.stamps
  echo "$(node -v) $(content_hash "$@")" > "$stamp"
}

command -v node > /dev/null || fail "Node is missing: install Node 20.17 or newer, with npm."
node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 17) ? 0 : 1)' \
  || fail "Node $(node -v) is too old: install Node 20.17 or newer."
command -v npm > /dev/null || fail "npm is missing: install it beside Node."

if command -v apt-get > /dev/null; then
  packages=("${build_packages[@]}")
  if [ "$mode" = test ]; then packages+=("${test_packages[@]}"); fi
  if [ "$mode" = vendor ]; then packages=("${vendor_packages[@]}"); fi
  install_packages "${packages[@]}"
else
  for tool in c++ cmake ninja python3; do
    command -v "$tool" > /dev/null || fail "$tool is missing and this system has no apt-get: install ${build_packages[*]}, under this system's names."
  done
fi

if [ "$mode" = vendor ]; then
  # Nothing of the addon or of the npm packages is used.
  model=$(node scripts/fetch-model.mjs smollm2)
  exec node scripts/vendor-suite.mjs --fetch --model "$model" "$@"
fi

if [ ! -d node_modules ] || ! is_current npm package-lock.json; then
  say "installing the npm packages"
  # The packages' own scripts are not needed, and ours would build before its dependencies are ready.
  npm ci --ignore-scripts --no-audit --no-fund --loglevel=error || fail "npm ci failed: check that npm reaches its registry."
  done_with npm package-lock.json
fi

native_inputs=(native CMakeLists.txt package.json scripts/build-native.cjs scripts/deps)
native_step=native native_options=()
if [ "$mode" = test ] || is_current native-and-tests "${native_inputs[@]}"; then
  native_step=native-and-tests native_options=(--tests)
fi
if [ ! -e build/Release/npu_bench.node ] || ! is_current "$native_step" "${native_inputs[@]}"; then
  say "building the native addon (the first time with XNNPACK: some minutes)"
  mkdir -p build
  node scripts/build-native.cjs ${native_options[@]+"${native_options[@]}"} > build/native.log 2>&1 \
    || { tail -n 25 build/native.log >&2; fail "the native build failed; its whole log is build/native.log."; }
  done_with "$native_step" "${native_inputs[@]}"
fi

if [ ! -e dist/cli/main.js ] || ! is_current typescript src tsconfig.json package-lock.json; then
  say "compiling the TypeScript sources"
  node_modules/.bin/tsc -p tsconfig.json || fail "tsc found the errors above."
  done_with typescript src tsconfig.json package-lock.json
fi

case $mode in
  build)
    say "ready: node dist/cli/main.js --help"
    ;;
  run)
    model=$(node scripts/fetch-model.mjs smollm2)
    say "measuring $(basename "$model") on the CPU"
    exec node dist/cli/main.js run --device cpu --model "$model" "$@"
    ;;
  test)
    for name in smollm2 minilm; do node scripts/fetch-model.mjs "$name" > /dev/null; done
    exec node scripts/test.mjs "$@"
    ;;
esac

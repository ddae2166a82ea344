#!/usr/bin/env bash
# A second OpenCL driver for the tests: Intel's runtime for processors, from PyPI. It has what PoCL 3.1 lacks (half
# precision, subgroups and their shuffles), so that these kernels are executed and not only compiled.
#   ./scripts/fetch-opencl-cpu.sh     asks for its licence to be accepted: Intel's End User License for Developer Tools
#   ./scripts/fetch-opencl-cpu.sh --accept-license
# 270 MB go to $NPU_BENCH_CACHE/opencl-cpu (~/.cache/npu-bench/opencl-cpu); `ctest -R gpu_opencl_cpu` uses them from
# there. Nothing of it is shipped.
set -euo pipefail
folder=${NPU_BENCH_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/npu-bench}/opencl-cpu
packages=(intel-opencl-rt==2026.2.0 intel-cmplr-lib-rt==2026.2.0 tbb==2023.2.0)

[ "$(uname -m)" = x86_64 ] || { echo "fetch-opencl-cpu: the runtime is for x86-64 alone." >&2; exit 2; }
if [ "${1:-}" != --accept-license ]; then
  read -r -p "Fetch Intel's OpenCL runtime under its End User License for Developer Tools? [y/N] " answer
  [ "$answer" = y ] || exit 2
fi
mkdir -p "$folder"
scratch=$(mktemp -d "$folder/fetch.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
python3 -m pip download --quiet --no-deps --only-binary :all: --dest "$scratch" "${packages[@]}"
for wheel in "$scratch"/*.whl; do python3 -m zipfile -e "$wheel" "$scratch/unpacked"; done
rm -rf "$folder/lib" "$folder/vendors"
mkdir -p "$folder/lib" "$folder/vendors"
for lib in "$scratch"/unpacked/*.data/data/lib; do mv "$lib"/* "$folder/lib/"; done
rm -f "$folder"/lib/libOpenCL.so*  # the system's loader stays the loader
echo "$folder/lib/libintelocl.so" > "$folder/vendors/intel.icd"
echo "fetch-opencl-cpu: in $folder"

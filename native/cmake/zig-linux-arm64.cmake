# Prebuilt binary for aarch64 Linux with glibc 2.28 or newer, the level of Node's own builds.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(npb_zig_target aarch64-linux-gnu.2.28)
include("${CMAKE_CURRENT_LIST_DIR}/zig.cmake")

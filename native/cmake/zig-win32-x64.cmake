# Prebuilt binary for x86-64 Windows, against the universal C runtime that Windows 10 and later have. Not mingw's gcc, as
# the vendor suite takes: it leaves the stack of Windows functions too little aligned for AVX registers (GCC bug 54412).
set(CMAKE_SYSTEM_NAME Windows)
set(CMAKE_SYSTEM_PROCESSOR x86_64)
set(npb_zig_target x86_64-windows-gnu)
include("${CMAKE_CURRENT_LIST_DIR}/zig.cmake")

# zig as compiler, archiver and C library for npb_zig_target; scripts/prebuild.mjs sets NPB_ZIG.
set(npb_zig "${CMAKE_CURRENT_LIST_DIR}/zig")
set(CMAKE_C_COMPILER "${npb_zig}/compile;cc;${npb_zig_target}")
set(CMAKE_CXX_COMPILER "${npb_zig}/compile;c++;${npb_zig_target}")
set(CMAKE_AR "${npb_zig}/ar" CACHE FILEPATH "")
set(CMAKE_RANLIB "${npb_zig}/ranlib" CACHE FILEPATH "")
include("${CMAKE_CURRENT_LIST_DIR}/host_headers.cmake")

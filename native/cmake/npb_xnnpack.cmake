# npb_require_xnnpack(): makes the targets
#   npb::xnnpack           public headers, static archives (or the system's libraries), pthread and m
#   npb::xnnpack_internal  the same plus XNNPACK's own headers, for calling micro-kernels directly
# from, in this order, NPB_XNNPACK_SYSTEM, NPB_XNNPACK_ROOT, or a cached build by scripts/deps/xnnpack.sh
# (of NPB_XNNPACK_SOURCE where given).
function(npb_require_xnnpack)
  if(TARGET npb::xnnpack)
    return()
  endif()

  add_library(npb_xnnpack_dependency INTERFACE)
  add_library(npb::xnnpack ALIAS npb_xnnpack_dependency)

  if(NPB_XNNPACK_SYSTEM)
    find_path(NPB_SYSTEM_XNNPACK_INCLUDE xnnpack.h)
    find_library(NPB_SYSTEM_XNNPACK XNNPACK)
    find_library(NPB_SYSTEM_PTHREADPOOL pthreadpool)
    find_library(NPB_SYSTEM_CPUINFO cpuinfo)
    if(NOT NPB_SYSTEM_XNNPACK_INCLUDE OR NOT NPB_SYSTEM_XNNPACK OR NOT NPB_SYSTEM_PTHREADPOOL OR NOT NPB_SYSTEM_CPUINFO)
      message(FATAL_ERROR "NPB_XNNPACK_SYSTEM is on, but xnnpack.h or the libraries XNNPACK, pthreadpool and cpuinfo were "
                          "not found: install them, or configure without NPB_XNNPACK_SYSTEM to build them.")
    endif()
    target_include_directories(npb_xnnpack_dependency SYSTEM INTERFACE "${NPB_SYSTEM_XNNPACK_INCLUDE}")
    target_link_libraries(npb_xnnpack_dependency INTERFACE
      "${NPB_SYSTEM_XNNPACK}" "${NPB_SYSTEM_PTHREADPOOL}" "${NPB_SYSTEM_CPUINFO}" Threads::Threads)
    return()
  endif()

  set(root "${NPB_XNNPACK_ROOT}")
  if(NOT root)
    npb_build_xnnpack(root)
    if(NOT NPB_XNNPACK_SOURCE)
      # What documents state as the runtime's version: the pin, where the archive is the pinned one.
      file(STRINGS "${PROJECT_SOURCE_DIR}/scripts/deps/xnnpack.sh" pin REGEX "^xnnpack +[^ ]+ [0-9a-f]+$")
      string(REGEX REPLACE "^xnnpack +([^ ]+) ([0-9a-f]+)$" "\\1;\\2" pin "${pin}")
      list(GET pin 0 version)
      list(GET pin 1 hash)
      file(STRINGS "${root}/manifest.txt" built REGEX "^xnnpack ${hash} ")
      if(built)
        set(NPB_XNNPACK_VERSION "${version}")
      endif()
    endif()
  endif()
  foreach(file IN ITEMS include/xnnpack.h include/pthreadpool.h lib/libXNNPACK.a)
    if(NOT EXISTS "${root}/${file}")
      message(FATAL_ERROR "${root}/${file} does not exist: NPB_XNNPACK_ROOT must name a folder made by scripts/deps/xnnpack.sh.")
    endif()
  endforeach()
  message(STATUS "XNNPACK: ${root}")

  set(archives "")
  foreach(name IN ITEMS XNNPACK microkernels-prod pthreadpool cpuinfo kleidiai)
    if(EXISTS "${root}/lib/lib${name}.a")
      list(APPEND archives "${root}/lib/lib${name}.a")
    endif()
  endforeach()
  target_include_directories(npb_xnnpack_dependency SYSTEM INTERFACE "${root}/include")
  if(NPB_XNNPACK_VERSION)
    target_compile_definitions(npb_xnnpack_dependency INTERFACE NPB_XNNPACK_VERSION="${NPB_XNNPACK_VERSION}")
  endif()
  target_link_libraries(npb_xnnpack_dependency INTERFACE
    -Wl,--start-group ${archives} -Wl,--end-group Threads::Threads m)

  if(EXISTS "${root}/internal")
    add_library(npb_xnnpack_internal_dependency INTERFACE)
    add_library(npb::xnnpack_internal ALIAS npb_xnnpack_internal_dependency)
    target_include_directories(npb_xnnpack_internal_dependency SYSTEM INTERFACE "${root}/internal")
    target_link_libraries(npb_xnnpack_internal_dependency INTERFACE npb::xnnpack)
  endif()
endfunction()

# Runs the build script with this build's own compilers; its last line is the folder.
function(npb_build_xnnpack result)
  find_program(NPB_BASH bash)
  if(NOT NPB_BASH)
    message(FATAL_ERROR "Building XNNPACK needs bash: install it, or give a built XNNPACK with -DNPB_XNNPACK_ROOT=DIR.")
  endif()
  set(arguments "")
  if(NPB_XNNPACK_SOURCE)
    list(APPEND arguments --source "${NPB_XNNPACK_SOURCE}")
  endif()
  if(CMAKE_CROSSCOMPILING)
    list(APPEND arguments --system "${CMAKE_SYSTEM_NAME}" --processor "${CMAKE_SYSTEM_PROCESSOR}")
  endif()
  # CMAKE_C_COMPILER_ARG1 is what a toolchain file put after the compiler's name.
  string(STRIP "${CMAKE_C_COMPILER} ${CMAKE_C_COMPILER_ARG1}" cc)
  string(STRIP "${CMAKE_CXX_COMPILER} ${CMAKE_CXX_COMPILER_ARG1}" cxx)
  execute_process(
    COMMAND "${CMAKE_COMMAND}" -E env "CC=${cc}" "CXX=${cxx}" "AR=${CMAKE_AR}" "RANLIB=${CMAKE_RANLIB}"
      "${NPB_BASH}" "${PROJECT_SOURCE_DIR}/scripts/deps/xnnpack.sh" ${arguments}
    OUTPUT_VARIABLE root
    OUTPUT_STRIP_TRAILING_WHITESPACE
    RESULT_VARIABLE status)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "XNNPACK is not available; the line before this one says why and what to do.")
  endif()
  set(${result} "${root}" PARENT_SCOPE)
endfunction()

# Compiler settings of our own code, as the interface target npb::options, and the two ways to declare a library.
add_library(npb_options INTERFACE)
add_library(npb::options ALIAS npb_options)
target_include_directories(npb_options INTERFACE "${PROJECT_SOURCE_DIR}/native")
target_compile_definitions(npb_options INTERFACE NPB_VERSION="${npb_version}")
target_link_libraries(npb_options INTERFACE Threads::Threads ${CMAKE_DL_LIBS})

if(MSVC)
  target_compile_options(npb_options INTERFACE /W4 /utf-8)
  target_compile_definitions(npb_options INTERFACE NOMINMAX WIN32_LEAN_AND_MEAN)
else()
  target_compile_options(npb_options INTERFACE -Wall -Wextra -ffunction-sections -fdata-sections)
  # RelWithDebInfo is what engineers measure with, so it must not differ from Release in speed.
  set(CMAKE_CXX_FLAGS_RELEASE "-O3 -DNDEBUG")
  set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O3 -g -DNDEBUG")
  set(CMAKE_C_FLAGS_RELEASE "-O3 -DNDEBUG")
  set(CMAKE_C_FLAGS_RELWITHDEBINFO "-O3 -g -DNDEBUG")
  if(NPB_WERROR)
    target_compile_options(npb_options INTERFACE -Werror)
  endif()
endif()

if(NPB_SANITIZE)
  add_compile_options(-fsanitize=${NPB_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${NPB_SANITIZE})
endif()
if(NPB_FUZZ)
  if(NOT CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    message(FATAL_ERROR "NPB_FUZZ needs clang, but the compiler is ${CMAKE_CXX_COMPILER_ID}: "
                        "configure with -DCMAKE_C_COMPILER=clang -DCMAKE_CXX_COMPILER=clang++.")
  endif()
  # Coverage feedback for the libraries; the fuzz targets themselves add libFuzzer's main.
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

# npb_add_library(name sources… LIBS libraries…): a static library linked into the addon and the tests.
function(npb_add_library name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "LIBS")
  add_library(${name} STATIC ${arg_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PUBLIC npb::options ${arg_LIBS})
endfunction()

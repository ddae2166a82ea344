# npb_add_addon(name sources… LIBS libraries…): the Node-API module. Only where scripts/build-native.cjs gives the headers
# (CMAKE_JS_INC: node-api-headers and node-addon-api) and, on Windows, the import library's definition.
include(npb_node_api)
set(NPB_EXPORTS "${CMAKE_CURRENT_LIST_DIR}/exports.map")

function(npb_add_addon name)
  if(NOT DEFINED CMAKE_JS_INC)
    return()
  endif()
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "LIBS")
  add_library(${name} MODULE ${arg_UNPARSED_ARGUMENTS} ${CMAKE_JS_SRC})
  set_target_properties(${name} PROPERTIES PREFIX "" SUFFIX ".node")
  target_include_directories(${name} SYSTEM PRIVATE ${CMAKE_JS_INC})
  target_compile_definitions(${name} PRIVATE
    NAPI_VERSION=${NPB_NAPI_VERSION}
    NAPI_CPP_EXCEPTIONS
    NPB_BUILD_TYPE="$<CONFIG>"
    NPB_COMPILER="${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}"
    $<$<CONFIG:Debug>:NODE_ADDON_API_ENABLE_TYPE_CHECK_ON_AS>)
  target_link_libraries(${name} PRIVATE ${arg_LIBS})

  if(WIN32 AND NOT MSVC)
    npb_node_api_source(node_api "${CMAKE_JS_NODELIB_DEF}")
    target_sources(${name} PRIVATE "${node_api}")
    target_compile_definitions(${name} PRIVATE NAPI_EXTERN=)
    # No library beside it: the compiler's own are linked in. Exported is what is marked so, Node's two entry points.
    target_link_options(${name} PRIVATE -static -Wl,--gc-sections $<$<CONFIG:Release>:-s>)
  elseif(WIN32)
    target_link_libraries(${name} PRIVATE ${CMAKE_JS_LIB})
    if(CMAKE_JS_NODELIB_DEF)
      if(NODE_ARCH STREQUAL "arm64")
        set(machine ARM64)
      else()
        set(machine X64)
      endif()
      execute_process(COMMAND "${CMAKE_AR}" /def:${CMAKE_JS_NODELIB_DEF} /out:${CMAKE_JS_NODELIB_TARGET} /machine:${machine}
                      COMMAND_ERROR_IS_FATAL ANY)
    endif()
  elseif(APPLE)
    target_link_options(${name} PRIVATE -undefined dynamic_lookup -Wl,-dead_strip)
  else()
    # Nothing of what is linked in may meet another copy in the host process: only Node's two entry points are exported.
    target_link_options(${name} PRIVATE
      -Wl,--version-script=${NPB_EXPORTS} -Wl,--gc-sections -Wl,-z,relro,-z,now
      $<$<CONFIG:Release>:-Wl,--strip-all>)
    set_property(TARGET ${name} APPEND PROPERTY LINK_DEPENDS "${NPB_EXPORTS}")
  endif()
endfunction()

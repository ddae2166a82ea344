# Runs a test program under Vulkan's validation layer with synchronisation checks, and fails on any of its messages.
#   cmake -DPROGRAM=gpu_test -DFOLDER=scratch -P validate.cmake
# The layer changes no exit code, so its output is searched; that it was there at all is read from the loader's own log.
cmake_minimum_required(VERSION 3.22)

set(layer VK_LAYER_KHRONOS_validation)
file(MAKE_DIRECTORY "${FOLDER}")
file(WRITE "${FOLDER}/vk_layer_settings.txt"
"khronos_validation.enables = VK_VALIDATION_FEATURE_ENABLE_SYNCHRONIZATION_VALIDATION_EXT
khronos_validation.report_flags = error,warn
khronos_validation.debug_action = VK_DBG_LAYER_ACTION_LOG_MSG
khronos_validation.log_filename = stdout
")
set(ENV{VK_INSTANCE_LAYERS} ${layer})
set(ENV{VK_LAYER_SETTINGS_PATH} "${FOLDER}/vk_layer_settings.txt")
set(ENV{VK_LOADER_DEBUG} layer)
set(ENV{NPB_TEST_GPU_API} vulkan)
# Faults are injected beneath the layer's feet, real models would take an hour, and the layer's own time is no overhead.
execute_process(COMMAND "${PROGRAM}" "--test-suite-exclude=faults,real models,overhead"
  OUTPUT_VARIABLE output ERROR_VARIABLE output RESULT_VARIABLE result)

string(REGEX MATCHALL "[^\n]*\\[doctest\\][^\n]*" summary "${output}")
string(REPLACE ";" "\n" summary "${summary}")
message("${summary}")
if(output MATCHES "skipped vulkan: ([^\n]*)")
  message("validation skipped: ${CMAKE_MATCH_1}")
  return()
endif()
if(NOT output MATCHES "[Ii]nsert[a-z]* [a-z]* ?layer[^\n]*${layer}")
  find_file(manifest VkLayer_khronos_validation.json
    PATHS /usr/share/vulkan/explicit_layer.d /usr/local/share/vulkan/explicit_layer.d /etc/vulkan/explicit_layer.d
    NO_DEFAULT_PATH)
  if(NOT manifest)
    message("validation skipped: ${layer} is not installed (package vulkan-validationlayers)")
    return()
  endif()
  message(FATAL_ERROR "${layer} is installed but the loader didn't load it:\n${output}")
endif()
string(REGEX MATCHALL "[^\n]*(VUID-|SYNC-HAZARD|UNASSIGNED-)[^\n]*" found "${output}")
list(LENGTH found count)
if(count GREATER 0)
  list(SUBLIST found 0 10 first)
  string(REPLACE ";" "\n" first "${first}")
  message(FATAL_ERROR "${count} messages of the validation layer, the first of them:\n${first}")
endif()
if(NOT result EQUAL 0)
  message(FATAL_ERROR "the tests failed under ${layer}:\n${output}")
endif()
message("validation: no message of ${layer}, synchronisation checks on")

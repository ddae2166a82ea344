# npb_node_api_source(result definition): writes a C source with every function that the definition file of Node-API
# lists, each a jump to the function of that name in the program that loaded the addon, whatever its name is (node.exe,
# an Electron application). For Windows compilers other than Microsoft's, which has delayed imports for this.
function(npb_node_api_source result definition)
  file(STRINGS "${definition}" names REGEX "^[a-z][a-z0-9_]+$")
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64|ARM64")
    # x16 is the scratch register that the calling convention leaves to such jumps.
    set(jump "adrp x16, npb_node_api\\n add x16, x16, :lo12:npb_node_api\\n ldr x16, [x16, #OFFSET]\\n br x16\\n")
  else()
    set(jump "jmp *npb_node_api+OFFSET(%rip)\\n")
  endif()
  set(table "")
  set(jumps "")
  set(offset 0)
  foreach(name IN LISTS names)
    string(APPEND table "  \"${name}\",\n")
    string(REPLACE "OFFSET" "${offset}" to "${jump}")
    string(APPEND jumps "__asm__(\".text\\n.balign 16\\n.globl ${name}\\n${name}:\\n ${to}\");\n")
    math(EXPR offset "${offset} + 8")
  endforeach()
  list(LENGTH names count)
  set(source "${CMAKE_CURRENT_BINARY_DIR}/node_api.c")
  file(CONFIGURE OUTPUT "${source}" @ONLY CONTENT [=[
#include <windows.h>

void* npb_node_api[@count@];
static const char* const kNames[@count@] = {
@table@};

/* Before any code of the addon runs. A function that this Node-API level has and an older host lacks stays null. */
__attribute__((constructor)) static void find_node_api(void) {
  const HMODULE host = GetModuleHandleW(0);
  for (int i = 0; i < @count@; ++i) npb_node_api[i] = (void*)GetProcAddress(host, kNames[i]);
}

@jumps@]=])
  set(${result} "${source}" PARENT_SCOPE)
endfunction()

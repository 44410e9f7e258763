# graftwork_embed(TARGET FUNCTION FILE): FUNCTION() of namespace graftwork::core returns the text of FILE, as it was when
# TARGET was configured; a change of the file configures again.
function(graftwork_embed target function file)
  get_filename_component(path ${file} ABSOLUTE)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${path})
  file(READ ${path} text)
  set(generated ${CMAKE_CURRENT_BINARY_DIR}/embedded/${function}.cpp)
  file(CONFIGURE OUTPUT ${generated} @ONLY CONTENT [[
#include <string_view>

namespace graftwork::core {

std::string_view @function@();
std::string_view @function@() { return R"gpat(@text@)gpat"; }

}  // namespace graftwork::core
]])
  target_sources(${target} PRIVATE ${generated})
endfunction()

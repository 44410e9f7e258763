// Recipes: the command's own reader checks what Python says.
#include <pybind11/stl.h>

#include "bindings/bindings.h"
#include "graftwork/place/quant_config_text.h"

namespace graftwork::python {

void bind_recipe(pybind11::module_& module) {
  module.def(
      "recipe_text", [](const std::string& json) { return core::quant_config_text(core::parse_quant_config(json)); },
      "A recipe with every key. Throws Error \"config.*\".");
  module.def(
      "recipe_text_of_file",
      [](const std::string& path) { return core::quant_config_text(core::read_quant_config(path)); },
      "The same of a file. Throws Error \"config.*\" and \"file.*\".");
}

}  // namespace graftwork::python

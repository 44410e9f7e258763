#include "bindings/bindings.h"

PYBIND11_MODULE(_C, module) {
  namespace bindings = graftwork::python;
  module.attr("version") = GRAFTWORK_VERSION;
  bindings::translate_errors();
  bindings::bind_network(module);
  bindings::bind_records(module);
  bindings::bind_patterns(module);
  bindings::bind_python_pattern(module);
  bindings::bind_transform(module);
  bindings::bind_fake_quant(module);
  bindings::bind_recipe(module);
  bindings::bind_quantize(module);
  bindings::bind_export(module);
}

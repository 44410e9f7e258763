// What the module graftwork._C is made of: one function for each topic.
#pragma once

#include <torch/csrc/utils/pybind.h>

namespace graftwork::python {

/// Our errors become graftwork.Error; those of torch and of Python stay what they are.
void translate_errors();
/// Captured programs, record by record, and the networks that are built of them.
void bind_records(pybind11::module_& module);
/// Networks: their text, what they consist of, and running them.
void bind_network(pybind11::module_& module);
/// Patterns, kinds and backends.
void bind_patterns(pybind11::module_& module);
/// Patterns whose change is a function of Python.
void bind_python_pattern(pybind11::module_& module);
/// Transformation, plans and explanations.
void bind_transform(pybind11::module_& module);

}  // namespace graftwork::python

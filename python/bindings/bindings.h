// What the module graftwork._C is made of: one function for each topic.
#pragma once

#include <torch/csrc/utils/pybind.h>

#include <memory>

namespace graftwork::python {

/// What Python raised below us, to be raised again as it is. No std::exception: the engine takes those for a match that
/// cannot be applied.
struct PassedOn {
  std::shared_ptr<pybind11::error_already_set> error;
};

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

/// Kernels of the operators in graftwork.fake_quant, and scales of weights.
void bind_fake_quant(pybind11::module_& module);
/// Recipes.
void bind_recipe(pybind11::module_& module);
/// Calibration, and networks that have been quantized.
void bind_quantize(pybind11::module_& module);
/// ONNX files.
void bind_export(pybind11::module_& module);

}  // namespace graftwork::python

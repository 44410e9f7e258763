// What a network consists of, as plain Python objects.
#pragma once

#include <torch/csrc/utils/pybind.h>

#include "graftwork/ir/graph_module.h"
#include "graftwork/ir/kind.h"

namespace graftwork::python {

/// None, bool, int, float, str, torch.dtype, lists of them, InputRef or RecordRef.
pybind11::object python_of(const core::Attribute& attribute);
/// ("leaf", name) or (operation, operands, numbers); of operators ("operator", operands, numbers, name, attributes).
pybind11::object python_of(const core::ParamExpr& expr);
/// Numbers, and texts for extents that are known at run time only; None where the type is no tensor's.
pybind11::object shape_of(const core::Type& type);
/// A torch.dtype; None where the type is no tensor's.
pybind11::object dtype_of(const core::Type& type);
/// By name.
pybind11::dict python_of(const core::AttrMap& attributes);
/// Kind, name, operator, module, inputs by name, attributes and, where there is one, the constant.
pybind11::list nodes_of(const core::Graph& graph, const core::ModuleTable* modules);
/// The record with the path of each of its parts.
pybind11::dict record_of(const core::ModuleTable& modules, core::ModuleId id);
/// What a kind is, with its body.
pybind11::dict kind_of(const core::Kind& kind);

}  // namespace graftwork::python

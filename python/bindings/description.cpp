#include "bindings/description.h"

#include <pybind11/stl.h>
#include <torch/csrc/DynamicTypes.h>

#include "bindings/bindings.h"
#include "graftwork/ir/body.h"
#include "graftwork/ir/text/kernel_text.h"
#include "graftwork/nn/dtypes.h"

namespace graftwork::python {
namespace py = pybind11;

namespace {

/// Turns the data of an attribute into a Python object.
struct ToPython {
  py::object operator()(std::monostate) const { return py::none(); }
  py::object operator()(core::DType type) const {
    return py::reinterpret_borrow<py::object>(reinterpret_cast<PyObject*>(torch::getTHPDtype(core::to_torch(type))));
  }
  py::object operator()(const core::Attribute::List& list) const {
    py::list made;
    for (const core::Attribute& element : list) made.append(python_of(element));
    return made;
  }
  py::object operator()(core::InputRef reference) const {
    return py::module_::import("graftwork.references").attr("InputRef")(reference.slot);
  }
  py::object operator()(core::RecordRef reference) const {
    return py::module_::import("graftwork.references").attr("RecordRef")(reference.name.str());
  }
  template <class T>
  py::object operator()(const T& value) const {
    return py::cast(value);
  }
};

const char* name_of(core::ParamExpr::Op op) {
  switch (op) {
    case core::ParamExpr::Op::kLeaf:
      return "leaf";
    case core::ParamExpr::Op::kView:
      return "view";
    case core::ParamExpr::Op::kPermute:
      return "permute";
    case core::ParamExpr::Op::kSlice:
      return "slice";
    case core::ParamExpr::Op::kConcat:
      return "concat";
    case core::ParamExpr::Op::kMultiply:
      return "multiply";
    case core::ParamExpr::Op::kOperator:
      break;
  }
  return "operator";
}

const char* name_of(core::NodeKind kind) {
  switch (kind) {
    case core::NodeKind::kInput:
      return "input";
    case core::NodeKind::kConstant:
      return "constant";
    case core::NodeKind::kCallModule:
      return "module";
    case core::NodeKind::kCallPart:
      return "part";
    case core::NodeKind::kCallFunction:
      return "operator";
    case core::NodeKind::kGetItem:
      return "item";
    case core::NodeKind::kOutput:
      break;
  }
  return "output";
}

const char* name_of(core::Family family) {
  switch (family) {
    case core::Family::kOperator:
      return "operator";
    case core::Family::kModule:
      return "module";
    case core::Family::kConverted:
      return "converted";
    case core::Family::kFused:
      return "fused";
    case core::Family::kQuant:
      break;
  }
  return "quantizer";
}

const char* name_of(core::PartCount count) {
  switch (count) {
    case core::PartCount::kOptional:
      return "?";
    case core::PartCount::kAny:
      return "*";
    case core::PartCount::kOne:
      break;
  }
  return "";
}

std::vector<std::string> texts_of(const std::vector<core::Symbol>& symbols) {
  std::vector<std::string> texts;
  for (const core::Symbol symbol : symbols) texts.push_back(symbol.str());
  return texts;
}

}  // namespace

py::object python_of(const core::Attribute& attribute) { return std::visit(ToPython{}, attribute.data()); }

py::dict python_of(const core::AttrMap& attributes) {
  py::dict made;
  for (const auto& [name, value] : attributes) made[py::str(name.str())] = python_of(value);
  return made;
}

py::object python_of(const core::ParamExpr& expr) {
  if (expr.op() == core::ParamExpr::Op::kLeaf) return py::make_tuple("leaf", expr.leaf_name().str());
  py::list operands;
  for (const core::ParamExpr& operand : expr.operands()) operands.append(python_of(operand));
  if (expr.op() != core::ParamExpr::Op::kOperator)
    return py::make_tuple(name_of(expr.op()), py::tuple(operands), expr.numbers());
  return py::make_tuple("operator", py::tuple(operands), expr.numbers(), expr.operator_name().str(),
                        python_of(expr.attrs()));
}

py::object shape_of(const core::Type& type) {
  const core::TensorType* tensor = type.tensor();
  if (!tensor) return py::none();
  py::list shape;
  for (const core::Dim& dim : tensor->dims) {
    const auto number = dim.maybe_value();
    shape.append(number ? py::object(py::int_(*number)) : py::object(py::str(dim.text())));
  }
  return py::tuple(shape);
}

py::object dtype_of(const core::Type& type) {
  const core::TensorType* tensor = type.tensor();
  return tensor ? python_of(core::Attribute(tensor->dtype)) : py::none();
}

py::list nodes_of(const core::Graph& graph, const core::ModuleTable* modules) {
  py::list nodes;
  for (const core::Node& node : graph.nodes()) {
    py::dict made;
    made["kind"] = name_of(node.kind());
    made["name"] = node.name().str();
    made["op"] = node.op().str();
    py::list inputs;
    for (const core::Use& use : node.inputs()) inputs.append(use.producer()->name().str());
    made["inputs"] = inputs;
    made["attrs"] = python_of(node.attrs());
    made["source"] = node.origin().source.str();
    if (node.kind() == core::NodeKind::kCallModule && modules) made["module"] = (*modules)[node.module()].path.str();
    if (node.kind() == core::NodeKind::kGetItem) made["item"] = node.item_index();
    if (node.kind() == core::NodeKind::kConstant) made["value"] = python_of(node.constant());
    if (node.kind() == core::NodeKind::kCallPart) {
      made["role"] = node.role().str();
      made["count"] = name_of(core::part_count(node));
    }
    if (node.kind() == core::NodeKind::kInput && !modules) made["optional"] = core::is_optional_input(node);
    nodes.append(made);
  }
  return nodes;
}

py::dict record_of(const core::ModuleTable& modules, core::ModuleId id) {
  const core::ModuleRecord& record = modules[id];
  py::dict made;
  made["path"] = record.path.str();
  made["kind"] = record.kind.str();
  py::dict attrs;
  for (const core::AttrSpec& spec : modules.kinds().at(record.kind).attrs) {
    if (const core::Attribute* attribute = core::attribute_of(record, spec.name, modules.kinds()))
      attrs[py::str(spec.name.str())] = python_of(*attribute);
  }
  made["attrs"] = attrs;
  py::dict params;
  for (const auto& [name, expr] : record.params) params[py::str(name.str())] = python_of(expr);
  made["params"] = params;
  py::dict children;
  for (const auto& [role, child] : record.children) children[py::str(role.str())] = modules[child].path.str();
  made["children"] = children;
  py::list layers, foldable;
  if (record.body) {
    for (const core::BodyLayer& layer : record.body->layers) {
      layers.append(py::make_tuple(layer.role.str(), layer.weight_quantizer.str()));
      if (layer.batch_norm) foldable.append(layer.batch_norm->role().str());
    }
  }
  made["layers"] = layers;
  made["foldable"] = foldable;
  return made;
}

py::dict kind_of(const core::Kind& kind) {
  py::dict made;
  made["name"] = kind.name.str();
  made["family"] = name_of(kind.family);
  made["inputs_to_quantize"] = kind.inputs_to_quantize;
  made["values_to_quantize"] = texts_of(kind.values_to_quantize);
  made["quantizable_values"] = texts_of(kind.quantizable_values);
  if (kind.body) {
    made["body"] = nodes_of(kind.body->graph(), nullptr);
    made["inner_values"] = texts_of(core::inner_values(kind));
    made["text"] = core::print_kernel(kind);
  }
  return made;
}

}  // namespace graftwork::python

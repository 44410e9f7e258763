// A captured program, record by record, as Python walks its fx graph.
#include <pybind11/stl.h>

#include "bindings/arguments.h"
#include "bindings/bindings.h"
#include "bindings/network.h"
#include "graftwork/base/error.h"
#include "graftwork/import/captured/build_network.h"
#include "graftwork/import/pt2/operator_name.h"
#include "graftwork/import/pt2/provenance.h"
#include "graftwork/import/pt2/result_names.h"
#include "graftwork/import/pt2/symbolic_dim.h"

namespace graftwork::python {
namespace {

namespace py = pybind11;
namespace captured = core::captured;
namespace pt2 = core::pt2;

std::vector<captured::Argument> arguments_of(const py::list& values) {
  std::vector<captured::Argument> made;
  made.reserve(values.size());
  for (const py::handle value : values) made.push_back(argument_of(value));
  return made;
}

/// A number, or sympy's srepr.
pt2::SymInt size_of(py::handle size) {
  if (PyUnicode_Check(size.ptr())) return pt2::SymbolicExpression{size.cast<std::string>(), {}};
  return size.cast<int64_t>();
}

/// `op`: the target's name; `inputs`: (schema name, value); `metadata`: what torch.export's files say of a node.
captured::Call call_of(const std::string& op, const py::list& inputs, const py::list& outputs, const std::string& name,
                       const std::map<std::string, std::string>& metadata) {
  captured::Call call;
  call.op = pt2::operator_name(op);
  for (const py::handle input : inputs) {
    const auto pair = py::reinterpret_borrow<py::tuple>(input);
    call.inputs.push_back({pair[0].cast<std::string>(), argument_of(pair[1])});
  }
  call.outputs = arguments_of(outputs);
  call.name = name;
  call.provenance = pt2::provenance_of({metadata.begin(), metadata.end()});
  return call;
}

captured::TensorMeta meta_of(py::handle dtype, const py::list& sizes, const py::list& strides) {
  captured::TensorMeta meta{.dtype = element_type_of(dtype), .sizes = {}, .strides = {}};
  for (const py::handle size : sizes) meta.sizes.push_back(pt2::dim_of(size_of(size)));
  for (const py::handle stride : strides) meta.strides.push_back(pt2::stride_of(size_of(stride)));
  return meta;
}

core::ScalarType scalar_of(const std::string& kind) {
  return kind == "float" ? core::ScalarType::kFloat : kind == "bool" ? core::ScalarType::kBool : core::ScalarType::kInt;
}

/// The names that files give to the results of a forward with this tree of results.
std::vector<std::string> result_names(const std::string& treespec, const std::vector<bool>& is_none,
                                      const std::map<std::string, std::vector<std::string>>& namedtuple_fields) {
  pt2::ExportedProgram program;
  for (const bool none : is_none) {
    pt2::OutputSpec spec;
    spec.kind = pt2::OutputSpec::Kind::kUserOutput;
    spec.arg = none ? pt2::Argument{pt2::None{}} : pt2::Argument{pt2::TensorName{}};
    program.signature.outputs.push_back(std::move(spec));
  }
  pt2::ModuleCallEntry model;
  model.signature.emplace().out_spec = treespec;
  program.module_call_graph.push_back(std::move(model));
  for (const auto& [type, fields] : namedtuple_fields) program.namedtuple_fields.emplace(type, fields);
  return pt2::result_names(program);
}

struct Captured {
  NetworkHandle network;
  std::vector<std::string> unsupported;
};

/// `stored`: (name, tensor) of what the inputs of kind kStored call stored.
Captured build(captured::Program& program, const std::vector<std::pair<std::string, at::Tensor>>& stored) {
  core::TensorStore tensors;
  size_t bytes = 0;
  for (const auto& [name, tensor] : stored) {
    bytes += tensor.nbytes();
    tensors.set(name, tensor);
  }
  const py::gil_scoped_release release;
  const c10::NoGradGuard no_grad;
  core::LoadedNetwork loaded = captured::build_network(std::move(program), std::move(tensors), bytes);
  return {std::make_shared<Network>(std::move(loaded.network)), std::move(loaded.unsupported)};
}

}  // namespace

void bind_records(py::module_& module) {
  py::class_<captured::TensorName>(module, "TensorName").def(py::init<std::string>());
  py::class_<captured::NumberName>(module, "NumberName").def(py::init([](std::string name, const std::string& kind) {
    return captured::NumberName{std::move(name), scalar_of(kind)};
  }));
  py::class_<captured::OperatorName>(module, "OperatorName").def(py::init([](const std::string& target) {
    return captured::OperatorName{pt2::operator_name(target)};
  }));
  py::class_<captured::SubGraph, std::shared_ptr<captured::SubGraph>>(module, "SubGraph")
      .def(py::init<>())
      .def("add_input", [](captured::SubGraph& graph, py::handle arg) { graph.inputs.push_back(argument_of(arg)); })
      .def("add_output", [](captured::SubGraph& graph, py::handle arg) { graph.outputs.push_back(argument_of(arg)); })
      .def("add_call",
           [](captured::SubGraph& graph, const std::string& op, const py::list& inputs, const py::list& outputs,
              const std::string& name, const std::map<std::string, std::string>& metadata) {
             graph.calls.push_back(call_of(op, inputs, outputs, name, metadata));
           })
      .def("add_tensor", [](captured::SubGraph& graph, const std::string& name, py::handle dtype, const py::list& sizes,
                            const py::list& strides) { graph.tensors.emplace(name, meta_of(dtype, sizes, strides)); });

  using In = captured::Input::Kind;
  py::enum_<In>(module, "InputKind")
      .value("USER", In::kUser)
      .value("STORED", In::kStored)
      .value("OBJECT", In::kObject)
      .value("FIXED", In::kFixed);
  using Out = captured::Output::Kind;
  py::enum_<Out>(module, "OutputKind")
      .value("RESULT", Out::kResult)
      .value("MUTATION", Out::kMutation)
      .value("INPUT_MUTATION", Out::kInputMutation)
      .value("OTHER", Out::kOther);
  py::class_<captured::Program>(module, "Program")
      .def(py::init<>())
      .def("add_input",
           [](captured::Program& program, In kind, py::handle arg, const std::string& name, const std::string& stored,
              bool trainable) { program.inputs.push_back({kind, argument_of(arg), name, stored, trainable}); })
      .def("add_output", [](captured::Program& program, Out kind, py::handle arg,
                            const std::string& name) { program.outputs.push_back({kind, argument_of(arg), name}); })
      .def("add_call",
           [](captured::Program& program, const std::string& op, const py::list& inputs, const py::list& outputs,
              const std::string& name, const std::map<std::string, std::string>& metadata) {
             program.calls.push_back(call_of(op, inputs, outputs, name, metadata));
           })
      .def("add_tensor",
           [](captured::Program& program, const std::string& name, py::handle dtype, const py::list& sizes,
              const py::list& strides) { program.tensors.emplace(name, meta_of(dtype, sizes, strides)); });
  py::class_<Captured>(module, "Captured")
      .def_readonly("network", &Captured::network)
      .def_readonly("unsupported", &Captured::unsupported);
  module.def("build_network", &build, py::arg("program"), py::arg("tensors"),
             "The network of a captured program, which is used up; `tensors` are (name, tensor).");
  module.def("result_names", &result_names, py::arg("treespec"), py::arg("is_none"), py::arg("namedtuple_fields"));
}

}  // namespace graftwork::python

#include "bindings/network.h"

#include <pybind11/stl.h>

#include "bindings/bindings.h"
#include "bindings/description.h"
#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/ir/text/parse.h"
#include "graftwork/ir/text/print.h"
#include "graftwork/nn/inference_runner.h"
#include "graftwork/patterns/backend.h"

namespace graftwork::python {
namespace py = pybind11;

Network::Network(core::Network network) : network_(std::move(network)) {
  for (const auto& [name, type] : network_.module.parameters()) names_.push_back(name);
}

core::TensorStore Network::with(const std::vector<at::Tensor>& tensors) const {
  if (tensors.size() != names_.size())
    throw Error("python.tensors", core::cat("the network reads ", names_.size(), " tensors, not ", tensors.size()));
  core::TensorStore store;
  for (size_t i = 0; i < tensors.size(); ++i) store.set(names_[i], tensors[i]);
  return store;
}

const core::Executor& Network::executor() const {
  std::call_once(once_, [this] { executor_ = std::make_unique<core::Executor>(network_.module); });
  return *executor_;
}

namespace {

std::map<std::string, at::Tensor> tensors_of(const Network& network) {
  std::map<std::string, at::Tensor> tensors;
  for (const auto& [name, tensor] : network.network().tensors) tensors.emplace(name, tensor);
  return tensors;
}

/// Every module that the graph calls and their parts, by path.
py::dict modules_of(const Network& network) {
  const core::ModuleTable& modules = network.module().modules();
  py::dict made;
  const auto add = [&](const auto& self, core::ModuleId id) -> void {
    const py::str path(modules[id].path.str());
    if (made.contains(path)) return;
    made[path] = record_of(modules, id);
    for (const auto& [role, child] : modules[id].children) self(self, child);
  };
  for (const core::Node& node : network.module().graph().nodes()) {
    if (node.kind() == core::NodeKind::kCallModule) add(add, node.module());
  }
  return made;
}

py::tuple described(const core::Symbol& name, const core::Type& type) {
  return py::make_tuple(name.str(), dtype_of(type), shape_of(type));
}

/// Name, dtype and shape of each, in the signature's order.
py::list inputs_of(const Network& network) {
  py::list made;
  for (const core::Node* input : network.module().graph().inputs())
    made.append(described(input->name(), input->type()));
  return made;
}

py::list outputs_of(const Network& network) {
  py::list made;
  size_t i = 0;
  for (const core::Use& result : network.module().graph().output()->inputs())
    made.append(described(network.module().signature().outputs[i++], result.producer()->type()));
  return made;
}

/// The kinds with a body that modules of the network are of, by name.
py::dict kinds_of(const Network& network) {
  const core::ModuleTable& modules = network.module().modules();
  py::dict made;
  for (uint32_t index = 0; index < modules.size(); ++index) {
    const core::Kind& kind = modules.kinds().at(modules[{index}].kind);
    if (kind.body && !made.contains(kind.name.str())) made[py::str(kind.name.str())] = kind_of(kind);
  }
  return made;
}

std::vector<at::Tensor> run(const Network& network, const std::vector<at::Tensor>& tensors,
                            const std::vector<at::Tensor>& inputs, bool training, bool any_batch) {
  core::RunOptions options;
  options.mode = training ? core::Mode::kTrain : core::Mode::kEval;
  options.any_batch = any_batch;
  return network.executor().run(network.with(tensors), inputs, options);
}

/// The network with these tensors, prepared for inference.
class Runner {
 public:
  Runner(const Network& network, const std::vector<at::Tensor>& tensors)
      : network_{network.module().clone(), network.with(tensors), {}}, runner_(network_) {}

  std::vector<at::Tensor> run(const std::vector<at::Tensor>& inputs) const { return runner_.run(inputs, {}, true); }

 private:
  core::Network network_;
  core::InferenceRunner runner_;
};

/// What `text` says, without tensors.
NetworkHandle network_of(const std::string& text) {
  return std::make_shared<Network>(core::Network{core::parse(text, "network", core::get_backend()->kinds), {}, {}});
}

}  // namespace

void bind_network(py::module_& module) {
  const auto release = py::call_guard<py::gil_scoped_release>();
  py::class_<Network, NetworkHandle>(module, "Network")
      .def_property_readonly("names", &Network::names)
      .def_property_readonly("tensors", &tensors_of)
      .def_property_readonly("fingerprint", [](const Network& network) { return core::fingerprint(network.module()); })
      .def(
          "text",
          [](const Network& network, bool types) {
            return core::print(network.module(), types ? core::ShowTypes::kAlways : core::ShowTypes::kNotInferred);
          },
          py::arg("types") = false)
      .def("inputs", &inputs_of)
      .def("outputs", &outputs_of)
      .def("nodes",
           [](const Network& network) { return nodes_of(network.module().graph(), &network.module().modules()); })
      .def("modules", &modules_of)
      .def("kinds", &kinds_of)
      .def("run", &run, py::arg("tensors"), py::arg("inputs"), py::arg("training") = false,
           py::arg("any_batch") = false, release)
      .def(py::pickle([](const Network& network) { return core::print(network.module()); }, &network_of));
  py::class_<Runner>(module, "Runner")
      .def(py::init<const Network&, const std::vector<at::Tensor>&>(), release)
      .def("run", &Runner::run, release);
}

}  // namespace graftwork::python

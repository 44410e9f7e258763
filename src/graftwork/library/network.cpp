#include <graftwork/executor.h>
#include <graftwork/network.h>

#include <algorithm>
#include <set>
#include <span>

#include "graftwork/base/first_of.h"
#include "graftwork/base/text.h"
#include "graftwork/ir/text/print.h"
#include "graftwork/library/state.h"

namespace graftwork {
namespace {

TensorInfo info_of(const std::string& name, const core::Type& type) {
  return detail::tensor_info(name, type)
      .value_or(TensorInfo{.name = name, .dtype = c10::ScalarType::Undefined, .shape = {}});
}

}  // namespace

Graph Network::graph() const { return Graph(state_); }

Module Network::module(std::string_view path) const {
  const core::ModuleTable& table = state_->module().modules();
  if (const core::ModuleId id = table.find(core::Symbol(std::string(path)))) return {state_, id.index};
  std::vector<std::string> called;
  for (const Module& module : modules()) called.push_back(module.path());
  throw Error("graph.module", core::cat("the network has no module ", core::quoted(path)),
              called.empty() ? "transform() first: this graph calls no modules" : "one of " + core::first_of(called));
}

std::vector<Module> Network::modules() const {
  std::set<uint32_t> seen;
  std::vector<Module> modules;
  for (const core::Node& node : state_->module().graph().nodes()) {
    if (node.kind() == core::NodeKind::kCallModule && seen.insert(node.module().index).second)
      modules.emplace_back(state_, node.module().index);
  }
  return modules;
}

std::vector<std::string> Network::input_names() const {
  std::vector<std::string> names;
  for (const core::Node* input : state_->module().graph().inputs()) names.push_back(input->name().str());
  return names;
}

std::vector<std::string> Network::output_names() const {
  return detail::strings_of(state_->module().signature().outputs);
}

std::vector<TensorInfo> Network::inputs() const {
  std::vector<TensorInfo> infos;
  for (const core::Node* input : state_->module().graph().inputs())
    infos.push_back(info_of(input->name().str(), input->type()));
  return infos;
}

std::vector<TensorInfo> Network::outputs() const {
  const std::span<const core::Use> results = state_->module().graph().output()->inputs();
  std::vector<TensorInfo> infos;
  for (size_t i = 0; i < results.size(); ++i)
    infos.push_back(info_of(state_->module().signature().outputs[i].str(), results[i].producer()->type()));
  return infos;
}

std::vector<std::pair<std::string, at::Tensor>> Network::named_tensors() const {
  return {state_->network().tensors.begin(), state_->network().tensors.end()};
}

std::vector<std::string> Network::unsupported() const { return state_->loaded.unsupported; }
std::vector<std::string> Network::warnings() const {
  std::vector<std::string> warnings = state_->loaded.warnings;
  for (const std::string& layer : state_->loaded.in_training)
    warnings.push_back("computes as in training, call eval() before: " + layer);
  return warnings;
}

std::vector<at::Tensor> Network::operator()(const std::vector<at::Tensor>& inputs) const {
  return Executor(*this).run(inputs);
}

at::Tensor Network::operator()(const at::Tensor& input) const { return Executor(*this)(input); }

std::string Network::print_readable() const { return core::print(state_->module(), core::ShowTypes::kAlways); }

}  // namespace graftwork

#include <graftwork/graph.h>

#include "graftwork/base/text.h"
#include "graftwork/ir/kind.h"
#include "graftwork/ir/text/print.h"
#include "graftwork/library/state.h"

namespace graftwork {
namespace {

const core::ModuleRecord& record_of(const detail::State& network, uint32_t index) {
  return network->module().modules()[core::ModuleId{index}];
}

const core::Node& node_of(const detail::State& network, uint32_t index) {
  return *network->module().graph().find(core::NodeId{index});
}

}  // namespace

Module::Module(detail::State network, uint32_t index) : network_(std::move(network)), index_(index) {}

std::string Module::path() const { return record_of(network_, index_).path.str(); }
std::string Module::kind() const { return record_of(network_, index_).kind.str(); }

std::vector<std::pair<std::string, Module>> Module::parts() const {
  std::vector<std::pair<std::string, Module>> parts;
  for (const auto& [role, child] : record_of(network_, index_).children)
    parts.emplace_back(role.str(), Module(network_, child.index));
  return parts;
}

Module Module::operator[](std::string_view role) const {
  std::vector<std::string> roles;
  for (const auto& [name, child] : record_of(network_, index_).children) {
    if (name.str() == role) return {network_, child.index};
    roles.push_back(name.str());
  }
  throw Error("graph.part", core::cat(path(), " has no part ", core::quoted(role)),
              roles.empty() ? "another module: this one has no parts" : "one of " + core::join(roles));
}

std::vector<int64_t> Module::inputs_to_quantize() const {
  return network_->module().modules().kinds().at(record_of(network_, index_).kind).inputs_to_quantize;
}

std::string Module::text() const { return core::print_record(network_->module().modules(), core::ModuleId{index_}); }

bool operator==(const Module& a, const Module& b) { return a.network_ == b.network_ && a.index_ == b.index_; }

Node::Node(detail::State network, uint32_t index) : network_(std::move(network)), index_(index) {}

std::string Node::name() const { return node_of(network_, index_).name().str(); }
std::string Node::op() const { return node_of(network_, index_).op().str(); }
std::string Node::type() const { return node_of(network_, index_).type().text(); }
size_t Node::use_count() const { return node_of(network_, index_).use_count(); }
std::string Node::module_path() const { return node_of(network_, index_).origin().module_path.str(); }

std::optional<Module> Node::module() const {
  const core::Node& node = node_of(network_, index_);
  if (node.kind() != core::NodeKind::kCallModule) return std::nullopt;
  return Module(network_, node.module().index);
}

std::optional<TensorInfo> Node::tensor() const {
  const core::Node& node = node_of(network_, index_);
  return detail::tensor_info(name(), node.type());
}

std::vector<Node> Node::inputs() const {
  std::vector<Node> inputs;
  for (const core::Use& use : node_of(network_, index_).inputs())
    inputs.emplace_back(network_, use.producer()->id().index);
  return inputs;
}

std::vector<Node> Graph::nodes() const {
  std::vector<Node> nodes;
  for (const core::Node& node : network_->module().graph().nodes()) {
    if (node.kind() != core::NodeKind::kOutput) nodes.emplace_back(network_, node.id().index);
  }
  return nodes;
}

Node Graph::node(std::string_view name) const {
  for (const core::Node& node : network_->module().graph().nodes()) {
    if (node.kind() != core::NodeKind::kOutput && node.name().str() == name) return {network_, node.id().index};
  }
  throw Error("graph.node", core::cat("the network has no value ", core::quoted(name)),
              "Graph::text(), which shows all");
}

size_t Graph::size() const { return network_->module().graph().size() - 1; }

std::string Graph::text() const { return core::print(network_->module()); }

}  // namespace graftwork

#include "graftwork/ir/graph_module.h"

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/ir/kind.h"

namespace graftwork::core {
namespace {

std::vector<Type> types_of(std::span<Node* const> nodes) {
  std::vector<Type> types;
  types.reserve(nodes.size());
  for (const Node* node : nodes) types.push_back(node->type());
  return types;
}

void collect(const ParamExpr& expr, std::map<std::string, TensorType>& into) {
  if (expr.op() == ParamExpr::Op::kLeaf) into.emplace(expr.leaf_name().str(), expr.type());
  for (const ParamExpr& operand : expr.operands()) collect(operand, into);
}

void collect(const ModuleTable& modules, ModuleId id, std::map<std::string, TensorType>& into) {
  for (const auto& [name, expr] : modules[id].params) collect(expr, into);
  for (const auto& [role, child] : modules[id].children) collect(modules, child, into);
}

}  // namespace

NodeSpec call_module_spec(const ModuleTable& modules, ModuleId module, std::span<Node* const> inputs) {
  NodeSpec spec;
  spec.kind = NodeKind::kCallModule;
  spec.op = modules[module].kind;
  spec.module = module;
  spec.type = infer_module(modules[module], types_of(inputs), modules);
  return spec;
}

NodeSpec call_function_spec(Symbol op, std::span<Node* const> inputs, AttrMap attrs, Type fallback) {
  NodeSpec spec;
  spec.kind = NodeKind::kCallFunction;
  spec.op = op;
  spec.type = fallback.is_known() ? std::move(fallback) : infer_function(op, types_of(inputs), attrs);
  spec.attrs = std::move(attrs);
  return spec;
}

NodeSpec get_item_spec(const Node& tuple, int64_t index) {
  NodeSpec spec;
  spec.kind = NodeKind::kGetItem;
  spec.op = "get_item";
  spec.attrs.set("index", Attribute(index));
  spec.type = item_type(tuple.type(), index);
  return spec;
}

Type item_type(const Type& tuple, int64_t index) {
  const std::vector<Type>* elements = tuple.elements();
  if (!elements && tuple.is_known()) refuse_shape(cat(tuple.text(), " has no elements"));
  if (!elements) return {};
  if (index < 0 || static_cast<size_t>(index) >= elements->size())
    refuse_shape(cat("element ", index, " of ", tuple.text(), " does not exist"));
  return (*elements)[static_cast<size_t>(index)];
}

NodeSpec constant_spec(ParamExpr value) {
  NodeSpec spec;
  spec.kind = NodeKind::kConstant;
  spec.op = "constant";
  spec.type = value.type();
  spec.constant = std::move(value);
  return spec;
}

Node& GraphModule::add_input(Symbol name, Type type) {
  NodeSpec spec;
  spec.kind = NodeKind::kInput;
  spec.op = "input";
  spec.name = name;
  spec.type = std::move(type);
  return graph_->append(std::move(spec), {});
}

Node& GraphModule::add_constant(Symbol name, ParamExpr value, Origin origin) {
  NodeSpec spec = constant_spec(std::move(value));
  spec.name = name;
  spec.origin = origin;
  return graph_->append(std::move(spec), {});
}

Node& GraphModule::add_call_module(Symbol name, ModuleId module, std::span<Node* const> inputs, Origin origin) {
  NodeSpec spec = call_module_spec(modules_, module, inputs);
  spec.name = name;
  spec.origin = origin;
  return graph_->append(std::move(spec), inputs);
}

namespace {

void check_operator(Symbol op, const ModuleTable& modules) {
  const Kind* kind = modules.kinds().find(op);
  if (!kind || kind->family == Family::kOperator) return;
  throw Error("ir.kind", cat(op.str(), " is a module, and stands without one"),
              cat("naming it, as in ", op.str(), " @name(%x)"));
}

}  // namespace

void GraphModule::use_kinds(std::shared_ptr<const KindTable> kinds) {
  modules_.use_kinds(std::move(kinds));
  for (const Node& node : graph_->nodes()) {
    if (node.kind() != NodeKind::kCallFunction) continue;
    try {
      check_operator(node.op(), modules_);
    } catch (Error& error) {
      throw error.at(place_of(node));
    }
  }
}

Node& GraphModule::add_call_function(Symbol op, Symbol name, std::span<Node* const> inputs, AttrMap attrs, Type type,
                                     Origin origin) {
  check_operator(op, modules_);
  NodeSpec spec = call_function_spec(op, inputs, std::move(attrs), std::move(type));
  spec.name = name;
  spec.origin = origin;
  return graph_->append(std::move(spec), inputs);
}

Node& GraphModule::add_untyped_call(Symbol op, Symbol name, std::span<Node* const> inputs, AttrMap attrs) {
  check_operator(op, modules_);
  NodeSpec spec;
  spec.kind = NodeKind::kCallFunction;
  spec.op = op;
  spec.name = name;
  spec.attrs = std::move(attrs);
  return graph_->append(std::move(spec), inputs);
}

Node& GraphModule::add_get_item(Symbol name, Node& tuple, int64_t index, Origin origin) {
  NodeSpec spec = get_item_spec(tuple, index);
  spec.name = name;
  spec.origin = origin;
  Node* const input = &tuple;
  return graph_->append(std::move(spec), std::span(&input, 1));
}

Node& GraphModule::add_output(std::span<Node* const> results, std::vector<Symbol> names) {
  GRAFTWORK_ASSERT(graph_->output() == nullptr && names.size() == results.size());
  signature_.outputs = std::move(names);
  NodeSpec spec;
  spec.kind = NodeKind::kOutput;
  spec.op = "output";
  return graph_->append(std::move(spec), results);
}

GraphModule GraphModule::clone() const {
  GraphModule copy(modules_.shared_kinds());
  copy.modules_ = modules_;
  copy.signature_ = signature_;
  std::vector<Node*> twin(graph_->capacity());  // by index of the id
  std::vector<Node*> inputs;
  for (const Node& node : graph_->nodes()) {
    inputs.clear();
    for (const Use& use : node.inputs()) inputs.push_back(twin[use.producer()->id().index]);
    NodeSpec spec;
    spec.kind = node.kind();
    spec.op = node.op();
    spec.name = node.name();
    spec.module = node.module();
    spec.attrs = node.attrs();
    spec.type = node.type();
    spec.origin = node.origin();
    if (node.kind() == NodeKind::kConstant) spec.constant = node.constant();
    twin[node.id().index] = &copy.graph_->append(std::move(spec), inputs);
  }
  return copy;
}

std::map<std::string, TensorType> GraphModule::parameters() const {
  std::map<std::string, TensorType> result;
  for (const Node& node : graph_->nodes()) {
    if (node.kind() == NodeKind::kCallModule) collect(modules_, node.module(), result);
    if (node.kind() == NodeKind::kConstant) collect(node.constant(), result);
  }
  return result;
}

}  // namespace graftwork::core

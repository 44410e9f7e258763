#include "graftwork/ir/body.h"

#include <algorithm>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/ir/kind.h"
#include "graftwork/ir/operator_name.h"

namespace graftwork::core {
namespace {

constexpr const char* kCount = "count";
constexpr const char* kWeightQuantizer = "weight_fake_quant";

bool is_batch_norm(Symbol kind) { return kind.str().starts_with("nn.BatchNorm"); }

/// How often a body calls the part.
size_t calls_of(const GraphModule& body, Symbol role) {
  const NodeRange nodes = body.graph().nodes();
  return static_cast<size_t>(std::count_if(nodes.begin(), nodes.end(), [&](const Node& node) {
    return node.kind() == NodeKind::kCallPart && node.role() == role;
  }));
}

class Resolver {
 public:
  Resolver(const Kind& kind, std::span<const std::pair<Symbol, Symbol>> parts, const KindTable& kinds)
      : kind_(kind), parts_(parts), kinds_(kinds), now_(kind.body->graph().capacity(), nullptr) {}

  std::shared_ptr<const ResolvedBody> run() {
    for (const Node& node : kind_.body->graph().nodes()) {
      if (node.kind() != NodeKind::kOutput && !is_absent(node)) now_[node.id().index] = &copy(node);
    }
    const Node& output = *kind_.body->graph().output();
    body_->module.add_output(inputs(output), kind_.body->signature().outputs);
    for (const Node* input : body_->module.graph().inputs()) body_->inputs.push_back(input);
    find_layers();
    return std::move(body_);
  }

 private:
  std::vector<Node*> inputs(const Node& node) const {
    std::vector<Node*> found;
    for (const Use& use : node.inputs()) found.push_back(now_[use.producer()->id().index]);
    return found;
  }

  /// Empty when there is no such part.
  Symbol kind_of(Symbol role) const {
    const auto found = std::find_if(parts_.begin(), parts_.end(), [&](const auto& part) { return part.first == role; });
    return found == parts_.end() ? Symbol() : found->second;
  }

  /// An input that only absent parts would read.
  bool is_absent(const Node& node) const {
    if (node.kind() != NodeKind::kInput || !is_optional_input(node)) return false;
    for (const Use* use = node.uses(); use; use = use->next()) {
      if (!kind_of(use->user()->role()).empty()) return false;
    }
    return true;
  }

  Node& copy(const Node& node) {
    switch (node.kind()) {
      case NodeKind::kInput:
        return body_->module.add_input(node.name(), {});
      case NodeKind::kCallPart:
        return copy_part(node);
      case NodeKind::kGetItem:
        return body_->module.add_get_item(node.name(), *inputs(node)[0], node.item_index());
      default:
        return body_->module.add_untyped_call(node.op(), node.name(), inputs(node), node.attrs());
    }
  }

  Node& copy_part(const Node& node) {
    const std::vector<Node*> operands = inputs(node);
    const PartCount count = part_count(node);
    if (count == PartCount::kAny) {
      Node* running = operands[0];
      for (size_t k = 0;; ++k) {
        const Symbol role = cat(node.role().str(), "_", k);
        const Symbol kind = kind_of(role);
        if (kind.empty()) return *running;
        running = &add_call_part(body_->module, cat(node.name().str(), "_", k), role, std::span(&running, 1),
                                 PartCount::kOne, kind);
      }
    }
    const Symbol kind = kind_of(node.role());
    if (!kind.empty()) return add_call_part(body_->module, node.name(), node.role(), operands, PartCount::kOne, kind);
    if (count == PartCount::kOptional) return *operands[0];
    throw Error("ir.parts", cat(kind_.name.str(), " needs the part ", node.role().str()));
  }

  void find_layers() {
    const GraphModule& body = body_->module;
    for (const Node& node : body.graph().nodes()) {
      const Kind* kind = node.kind() == NodeKind::kCallPart ? kinds_.find(node.op()) : nullptr;
      if (!kind || kind->output_channel_axis < 0 || calls_of(body, node.role()) > 1) continue;
      BodyLayer layer{node.role(), &node, nullptr};
      const Node* reader = node.use_count() == 1 ? node.uses()->user() : nullptr;
      const bool folds = reader && reader->kind() == NodeKind::kCallPart && is_batch_norm(reader->op()) &&
                         calls_of(body, reader->role()) == 1;
      if (folds) layer.batch_norm = reader;
      layer.weight_quantizer_attrs.set("axis", Attribute(kind->output_channel_axis));
      layer.may_read_quantized = may_be_quantized(node.input(0).name());
      body_->layers.push_back(layer);
    }
    for (BodyLayer& layer : body_->layers) {
      const bool alone = body_->layers.size() == 1;
      layer.weight_quantizer = alone ? Symbol(kWeightQuantizer) : Symbol(cat(layer.role.str(), "_", kWeightQuantizer));
    }
  }

  bool may_be_quantized(Symbol value) const {
    const auto among = [value](const std::vector<Symbol>& names) {
      return std::find(names.begin(), names.end(), value) != names.end();
    };
    const auto input = kind_.input(value);
    const bool declared = input && std::find(kind_.inputs_to_quantize.begin(), kind_.inputs_to_quantize.end(),
                                             static_cast<int64_t>(*input)) != kind_.inputs_to_quantize.end();
    return declared || among(kind_.values_to_quantize) || among(kind_.quantizable_values);
  }

  const Kind& kind_;
  std::span<const std::pair<Symbol, Symbol>> parts_;
  const KindTable& kinds_;
  std::shared_ptr<ResolvedBody> body_ = std::make_shared<ResolvedBody>();
  std::vector<Node*> now_;  // by index of the kind's node
};

bool holds_layers(const ModuleTable& modules, const ModuleRecord& record) {
  if (!record.body) return false;
  return !record.body->layers.empty() ||
         std::any_of(record.children.begin(), record.children.end(),
                     [&](const auto& child) { return holds_layers(modules, modules[child.second]); });
}

/// The name that operators of a body have in a network: that of the first part and their own, "conv1.add".
std::string path_of_operator(const Node& node, const std::string& prefix) {
  return cat(prefix, ".", operator_name(node.op()));
}

/// Types of the body's values in a module, by index of the node; of the output those of all results.
std::vector<Type> types_in(const ResolvedBody& body, const ModuleRecord& record, std::span<const Type> inputs,
                           const ModuleTable& modules) {
  std::vector<Type> types(body.module.graph().capacity());
  size_t next_input = 0;
  for (const Node& node : body.module.graph().nodes()) {
    Type& type = types[node.id().index];
    std::vector<Type> operands;
    for (const Use& use : node.inputs()) operands.push_back(types[use.producer()->id().index]);
    switch (node.kind()) {
      case NodeKind::kInput:
        type = inputs[next_input++];
        break;
      case NodeKind::kCallPart:
        type = infer_module(modules[record.child(node.role())], operands, modules);
        break;
      case NodeKind::kGetItem:
        type = item_type(operands[0], node.item_index());
        break;
      case NodeKind::kOutput:
        type = operands.size() == 1 ? operands[0] : Type::tuple(std::move(operands));
        break;
      default:
        type = infer_function(node.op(), operands, attributes_in(node, record, modules.kinds()));
    }
  }
  return types;
}

}  // namespace

PartCount part_count(const Node& call_part) {
  const Attribute* count = call_part.attrs().find(kCount);
  if (!count) return PartCount::kOne;
  return *count->get<std::string>() == "?" ? PartCount::kOptional : PartCount::kAny;
}

bool is_optional_input(const Node& input) {
  for (const Use* use = input.uses(); use; use = use->next()) {
    const Node& reader = *use->user();
    const bool may_lack = reader.kind() == NodeKind::kCallPart && part_count(reader) == PartCount::kOptional;
    if (!may_lack || use->slot() == 0) return false;
  }
  return input.uses() != nullptr;
}

Node& add_call_part(GraphModule& body, Symbol name, Symbol role, std::span<Node* const> inputs, PartCount count,
                    Symbol kind) {
  NodeSpec spec;
  spec.kind = NodeKind::kCallPart;
  spec.op = kind;
  spec.name = name;
  spec.origin.module_path = role;
  if (count != PartCount::kOne) spec.attrs.set(kCount, Attribute(count == PartCount::kOptional ? "?" : "*"));
  return body.graph().append(std::move(spec), inputs);
}

const Node* value_of(const GraphModule& body, Symbol name) {
  for (const Node& node : body.graph().nodes()) {
    if (node.name() == name && node.kind() != NodeKind::kOutput) return &node;
  }
  return nullptr;
}

std::shared_ptr<const ResolvedBody> resolve_body(const Kind& kind, std::span<const std::pair<Symbol, Symbol>> parts,
                                                 const KindTable& kinds) {
  return Resolver(kind, parts, kinds).run();
}

std::vector<Symbol> roles_of(const GraphModule& body) {
  std::vector<Symbol> roles;
  for (const Node& node : body.graph().nodes()) {
    if (node.kind() != NodeKind::kCallPart) continue;
    if (std::find(roles.begin(), roles.end(), node.role()) == roles.end()) roles.push_back(node.role());
  }
  return roles;
}

AttrMap attributes_in(const Node& body_node, const ModuleRecord& record, const KindTable& kinds) {
  AttrMap attrs;
  for (const auto& [name, value] : body_node.attrs()) {
    const RecordRef* reference = value.get<RecordRef>();
    const Attribute* meant = reference ? attribute_of(record, reference->name, kinds) : &value;
    if (!meant) throw Error("ir.attribute", cat("@", record.path.str(), " has no ", reference->name.str()));
    if (!reference || !meant->is_none()) attrs.set(name, *meant);
  }
  return attrs;
}

Type infer_body(const ResolvedBody& body, const ModuleRecord& record, std::span<const Type> inputs,
                const ModuleTable& modules) {
  return types_in(body, record, inputs, modules)[body.module.graph().output()->id().index];
}

BodyInstance::BodyInstance(const ModuleTable& modules, const Node& call) : graph_(std::make_unique<Graph>()) {
  const ModuleRecord& record = modules[call.module()];
  const GraphModule& body = record.body->module;
  twin_.resize(body.graph().capacity());
  std::vector<Type> inputs;
  for (const Use& use : call.inputs()) inputs.push_back(use.producer()->type());
  const std::vector<Symbol> roles = roles_of(body);
  const std::string prefix = roles.empty() ? record.path.str() : modules[record.child(roles.front())].path.str();
  std::vector<Type> types = types_in(*record.body, record, inputs, modules);
  for (const Node& node : body.graph().nodes()) {
    NodeSpec spec;
    spec.kind = node.kind();
    spec.op = node.op();
    spec.name = node.name();
    if (node.kind() != NodeKind::kOutput) spec.type = std::move(types[node.id().index]);
    std::vector<Node*> operands;
    for (const Use& use : node.inputs()) operands.push_back(twin_[use.producer()->id().index]);
    if (node.kind() == NodeKind::kCallPart) {
      spec.kind = NodeKind::kCallModule;
      spec.module = record.child(node.role());
      spec.name = spec.origin.module_path = modules[spec.module].path;
    } else if (node.kind() == NodeKind::kGetItem) {
      spec.attrs = node.attrs();
    } else if (node.kind() == NodeKind::kCallFunction) {
      spec.name = spec.origin.module_path = path_of_operator(node, prefix);
      spec.attrs = attributes_in(node, record, modules.kinds());
    }
    Node& twin = graph_->append(std::move(spec), operands);
    twin_[node.id().index] = &twin;
    origin_.push_back(&node);
  }
}

Outcome has_low_precision_kernel(const ModuleTable& modules, const ModuleRecord& record) {
  for (const auto& [role, part] : record.children) {
    if (holds_layers(modules, modules[part])) {
      return declined(
          cat("the layers in its part ", role.str(), " have no quantizers; a kernel has them as parts of its own"));
    }
    if (!modules[part].has_low_precision) return modules.kinds().has_low_precision_kernel(modules[part]);
  }
  return applied();
}

const BodyLayer* layer_at(const ModuleTable& modules, const ModuleRecord& owner, Symbol path) {
  if (!owner.body) return nullptr;
  for (const BodyLayer& layer : owner.body->layers) {
    if (modules[owner.child(layer.role)].path == path) return &layer;
  }
  return nullptr;
}

Symbol value_quantizer_role(Symbol value) { return cat(value.str(), "_quant"); }

std::vector<ModuleId> value_quantizers(const ModuleRecord& record) {
  std::vector<ModuleId> stubs;
  for (const Node& node : record.body->module.graph().nodes()) {
    if (node.kind() == NodeKind::kOutput) continue;
    if (const ModuleId stub = record.child(value_quantizer_role(node.name()))) stubs.push_back(stub);
  }
  return stubs;
}

std::vector<Symbol> inner_values(const Kind& kind) {
  std::vector<Symbol> values = kind.values_to_quantize;
  for (const Symbol value : kind.quantizable_values) {
    if (!kind.input(value)) values.push_back(value);
  }
  return values;
}

bool is_quantizer_role(const Kind& kind, Symbol role, Symbol quantizer_kind) {
  if (quantizer_kind == Symbol("WeightFakeQuantize")) {
    const std::vector<Symbol> layers = roles_of(*kind.body);
    return role == Symbol(kWeightQuantizer) || std::any_of(layers.begin(), layers.end(), [&](Symbol layer) {
             return role == Symbol(cat(layer.str(), "_", kWeightQuantizer));
           });
  }
  if (quantizer_kind != Symbol("QuantStub")) return false;
  const std::vector<Symbol> values = inner_values(kind);
  return std::any_of(values.begin(), values.end(), [&](Symbol value) { return role == value_quantizer_role(value); });
}

ModuleId weight_quantizer(const ModuleRecord& owner, const BodyLayer& layer) {
  return owner.child(layer.weight_quantizer);
}

ModuleId weight_quantizer(const ModuleRecord& layer) {
  static const Symbol kRole = kWeightQuantizer;
  return layer.children.empty() ? ModuleId() : layer.child(kRole);
}

}  // namespace graftwork::core

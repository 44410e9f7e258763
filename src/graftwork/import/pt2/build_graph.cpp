#include "graftwork/import/pt2/build_graph.h"

#include <nlohmann/json.hpp>
#include <unordered_map>
#include <unordered_set>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/import/pt2/aliases.h"
#include "graftwork/import/pt2/call.h"
#include "graftwork/import/pt2/constant_folding.h"
#include "graftwork/import/pt2/origin.h"
#include "graftwork/import/pt2/types.h"
#include "graftwork/nn/dtypes.h"
#include "graftwork/nn/operator_call.h"
#include "graftwork/nn/size_arithmetic.h"

namespace graftwork::pt2 {
namespace {

class Builder {
 public:
  Builder(const ExportedProgram& program, LoadedTensors& tensors, std::vector<std::string>& unsupported)
      : program_(program), tensors_(tensors), unsupported_(unsupported), folding_(tensors.archive_bytes) {}

  GraphModule run() {
    const graftwork::pt2::Graph& graph = program_.graph;
    std::vector<std::string> writes = writes_through_views(graph);
    if (!writes.empty()) {
      Error error("pt2.in_place",
                  cat(counted(writes.size(), "in-place write"), " through a view cannot be made functional"),
                  "writing the out-of-place form in the model");
      for (std::string& write : writes) error.at(std::move(write));
      throw error;
    }
    Scope scope;
    add_inputs(scope);
    add_nodes(graph, scope);
    add_outputs(scope);
    return std::move(module_);
  }

 private:
  Symbol unique_name(const std::string& wanted) {
    std::string name = wanted.empty() ? "v" : wanted;
    if (names_.insert(name).second) return name;
    // Counting goes on where it ended: a thousand values of one name are a thousand steps, not a million.
    for (size_t& k = next_suffix_[wanted];;) {
      name = cat(wanted, "_", ++k);
      if (names_.insert(name).second) return name;
    }
  }

  /// Each name stands for one value.
  static void define(Scope& scope, const std::string& name, Meaning meaning) {
    if (!scope.emplace(name, std::move(meaning)).second) contradiction("%" + name + " is made twice");
  }

  static void check_new(const Scope& scope, const std::vector<std::string>& names) {
    std::unordered_set<std::string> seen;
    for (const std::string& name : names) {
      if (name.empty()) continue;  // a result that is None
      if (scope.contains(name) || !seen.insert(name).second) contradiction("%" + name + " is made twice");
    }
  }

  void add_inputs(Scope& scope) {
    for (const InputSpec& spec : program_.signature.inputs) {
      const auto* name = spec.arg.get_if<TensorName>();
      Meaning meaning;
      switch (spec.kind) {
        case InputSpec::Kind::kParameter:
        case InputSpec::Kind::kBuffer:
        case InputSpec::Kind::kTensorConstant: {
          const auto stored = tensors_.canonical.find(spec.target);
          if (!name) contradiction("the signature's entry for " + spec.target + " names no tensor");
          if (stored == tensors_.canonical.end()) contradiction("the archive has no tensor " + spec.target);
          meaning.constant = tensors_.store.leaf(stored->second);
          meaning.trainable = spec.kind == InputSpec::Kind::kParameter;
          define(scope, name->name, std::move(meaning));
          break;
        }
        case InputSpec::Kind::kUserInput:
          add_user_input(spec, scope);
          break;
        case InputSpec::Kind::kConstantInput:
        case InputSpec::Kind::kToken:
          break;
        case InputSpec::Kind::kCustomObject:
          contradiction("the model takes a custom object, " + spec.target);
      }
    }
  }

  void add_user_input(const InputSpec& spec, Scope& scope) {
    if (const auto* tensor = spec.arg.get_if<TensorName>()) {
      Meaning meaning;
      meaning.node = &module_.add_input(unique_name(tensor->name), type_of(program_.graph, tensor->name));
      define(scope, tensor->name, meaning);
    } else if (const auto* symbol = spec.arg.get_if<SymIntArgument>()) {
      if (const auto* run_time = std::get_if<SymbolName>(symbol)) {
        Meaning meaning;
        meaning.node = &module_.add_input(unique_name(run_time->name), graftwork::ScalarType::kInt);
        define(scope, run_time->name, meaning);
      }
    }
    // Numbers, texts and None were fixed by the export.
  }

  static Type type_of(const graftwork::pt2::Graph& graph, const std::string& name) {
    if (const auto found = graph.tensor_values.find(name); found != graph.tensor_values.end())
      return pt2::type_of(found->second);
    if (graph.sym_int_values.contains(name)) return graftwork::ScalarType::kInt;
    if (graph.sym_float_values.contains(name)) return graftwork::ScalarType::kFloat;
    if (graph.sym_bool_values.contains(name)) return graftwork::ScalarType::kBool;
    return {};
  }

  void add_nodes(const graftwork::pt2::Graph& graph, Scope& scope) {
    for (const pt2::Node& node : graph.nodes) {
      try {
        if (!inline_subgraph(node, scope)) add_node(graph, node, scope);
      } catch (Error& error) {
        throw error.at(cat("%", node.name.value_or(""), " = ", node.target));
      }
    }
  }

  /// Wrappers that only switch autograd or autocast off around a subgraph are the subgraph.
  bool inline_subgraph(const pt2::Node& node, Scope& scope) {
    if (!node.target.starts_with("torch.ops.higher_order.wrap_with_")) return false;
    const SubGraph* sub = nullptr;
    std::vector<Meaning> arguments;
    for (const NamedArgument& input : node.inputs) {
      if (const auto* graph = input.arg.get_if<SubGraph>()) {
        sub = graph;
      } else if (sub) {
        if (const auto* tensor = input.arg.get_if<TensorName>()) arguments.push_back(meaning_of(scope, tensor->name));
        if (const auto* symbol = input.arg.get_if<SymIntArgument>()) {
          if (const auto* name = std::get_if<SymbolName>(symbol)) arguments.push_back(meaning_of(scope, name->name));
        }
      }
    }
    if (!sub || !sub->graph || sub->graph->inputs.size() != arguments.size()) return false;
    Scope inner;
    for (size_t i = 0; i < arguments.size(); ++i) {
      if (const auto* tensor = sub->graph->inputs[i].get_if<TensorName>()) inner[tensor->name] = arguments[i];
      if (const auto* symbol = sub->graph->inputs[i].get_if<SymIntArgument>()) {
        if (const auto* name = std::get_if<SymbolName>(symbol)) inner[name->name] = arguments[i];
      }
    }
    add_nodes(*sub->graph, inner);
    std::vector<std::string> outer_names;
    for (const Argument& output : node.outputs) {
      if (const auto* one = output.get_if<TensorName>()) outer_names.push_back(one->name);
      if (const auto* many = output.get_if<std::vector<TensorName>>()) {
        for (const TensorName& name : *many) outer_names.push_back(name.name);
      }
    }
    check_new(scope, outer_names);
    for (size_t i = 0; i < outer_names.size() && i < sub->graph->outputs.size(); ++i) {
      if (const auto* inside = sub->graph->outputs[i].get_if<TensorName>())
        scope[outer_names[i]] = meaning_of(inner, inside->name);
    }
    return true;
  }

  void add_node(const graftwork::pt2::Graph& graph, const pt2::Node& node, Scope& scope) {
    Symbol op = operator_name(node.target);
    const std::string name = node.name.value_or(node.outputs.empty() ? op.str() : "");
    std::string written;
    Call call;
    if (writes_in_place(op)) {
      const auto functional = functional_form(op);
      if (!functional) {
        call.problems.emplace_back("it writes in place and has no functional form");
      } else if (!node.inputs.empty()) {
        if (const auto* target = node.inputs[0].arg.get_if<TensorName>()) written = target->name;
        op = *functional;
      }
    }
    read_arguments(op, node, scope, call);
    const Origin origin = origin_of(node, name);
    Meaning result;
    const std::vector<std::string> outputs = output_names(node);
    check_new(scope, outputs);
    const std::optional<DType> kept = written.empty() ? std::nullopt : dtype_kept(call);
    const auto finish_write = [&] {
      if (written.empty() || outputs.empty()) return;
      if (kept) cast(outputs[0], *kept, type_of(graph, outputs[0]), origin, scope);
      scope[written] = scope[outputs[0]];
    };
    if (fold(op, name, call, outputs, scope)) return finish_write();
    if (!is_size_operator(op) && !find_operator(op)) call.problems.emplace_back("torch does not know it");
    std::vector<GraphNode*> inputs;
    for (Meaning* operand : call.operands) inputs.push_back(&materialise(*operand));
    const bool is_list = !node.outputs.empty() && node.outputs[0].is<std::vector<TensorName>>();
    const bool single = outputs.size() <= 1 && !is_list;
    Type type;
    if (single && !outputs.empty()) {
      type = type_of(graph, outputs[0]);
    } else if (!single) {
      std::vector<Type> elements;
      for (const std::string& output : outputs) elements.push_back(type_of(graph, output));
      type = Type::tuple(std::move(elements));
    }
    GraphNode& made = append(op, unique_name(single && !outputs.empty() ? outputs[0] : name), inputs,
                             std::move(call.attrs), type, origin);
    if (!call.problems.empty()) {
      unsupported_.push_back(cat("%", made.name().str(), " = ", op.str(), ": ", join(call.problems), " in ",
                                 origin.module_path.str(),
                                 origin.source.empty() ? "" : " (" + origin.source.str() + ")"));
    }
    for (size_t i = 0; i < outputs.size(); ++i) {
      Meaning meaning;
      if (single) {
        meaning.node = &made;
      } else {
        meaning.tuple = &made;
        meaning.index = static_cast<int64_t>(i);
      }
      scope[outputs[i]] = meaning;
    }
    if (kept) module_.graph().set_type(made, {});
    finish_write();
  }

  /// Writing keeps the element type of what is written; the functional form promotes to the wider one.
  static std::optional<DType> dtype_kept(const Call& call) {
    const auto type_of_operand = [](const Meaning& operand) -> const TensorType* {
      if (operand.constant) return &operand.constant->type();
      return operand.node ? operand.node->tensor() : nullptr;
    };
    const TensorType* target = call.operands.empty() ? nullptr : type_of_operand(*call.operands[0]);
    if (!target) return std::nullopt;
    for (const Meaning* operand : call.operands) {
      const TensorType* other = type_of_operand(*operand);
      if (!other || (other->rank() == 0 && target->rank() > 0)) continue;
      if (at::promoteTypes(to_torch(target->dtype), to_torch(other->dtype)) != to_torch(target->dtype)) {
        return target->dtype;
      }
    }
    return std::nullopt;
  }

  void cast(const std::string& value, DType dtype, const Type& type, const Origin& origin, Scope& scope) {
    Meaning before = scope.at(value);
    Call call;
    call.operands.push_back(&before);
    call.attrs.set("dtype", Attribute(dtype));
    if (fold("aten.to.dtype", value, call, {value}, scope)) return;
    Meaning after;
    after.node = &append("aten.to.dtype", unique_name(value + "_cast"), {&materialise(before)}, std::move(call.attrs),
                         type, origin);
    scope[value] = after;
  }

  GraphNode& append(Symbol op, Symbol name, const std::vector<GraphNode*>& inputs, AttrMap attrs, const Type& type,
                    Origin origin) {
    NodeSpec spec;
    spec.kind = NodeKind::kCallFunction;
    spec.op = op;
    spec.name = name;
    spec.attrs = std::move(attrs);
    spec.type = type;
    spec.origin = origin;
    return module_.graph().append(std::move(spec), inputs);
  }

  /// The node for a constant or an element of a tuple, made when something reads it at run time.
  GraphNode& materialise(Meaning& meaning) {
    if (meaning.node) return *meaning.node;
    if (meaning.tuple) {
      meaning.node = &module_.add_get_item(unique_name(cat(meaning.tuple->name().str(), "_", meaning.index)),
                                           *meaning.tuple, meaning.index, meaning.tuple->origin());
      return *meaning.node;
    }
    if (!meaning.constant) contradiction("a number stands where a tensor is read");
    const std::string text = meaning.constant->text();
    GraphNode*& node = constants_[text];
    if (!node) {
      const std::vector<Symbol> leaves = meaning.constant->leaves();
      std::string name = leaves.empty() ? "constant" : leaves[0].str();
      for (char& c : name) c = c == '.' ? '_' : c;
      node = &module_.add_constant(unique_name(name), *meaning.constant);
    }
    return *node;
  }

  // ---- constants ---------------------------------------------------------------------------------

  bool fold(Symbol op, const std::string& name, const Call& call, const std::vector<std::string>& outputs,
            Scope& scope) {
    if (outputs.empty() || !call.problems.empty()) return false;
    std::vector<ParamExpr> operands;
    bool trainable = false;
    for (const Meaning* operand : call.operands) {
      if (!operand->constant) return false;
      operands.push_back(*operand->constant);
      trainable |= operand->trainable;
    }
    if (const auto expr = as_expression(op, operands, call.attrs)) {
      Meaning meaning;
      meaning.constant = *expr;
      meaning.trainable = trainable;
      scope[outputs[0]] = meaning;
      return true;
    }
    if (trainable) return false;
    const auto results = run_constant(op, operands, call.attrs, tensors_.store, folding_);
    if (!results || results->size() < outputs.size()) return false;
    for (size_t i = 0; i < outputs.size(); ++i) {
      const Symbol leaf = cat("folded.", unique_name(outputs[i].empty() ? name : outputs[i]).str());
      tensors_.store.set(leaf, (*results)[i].contiguous());
      Meaning meaning;
      meaning.constant = tensors_.store.leaf(leaf);
      scope[outputs[i]] = meaning;
    }
    return true;
  }

  // ---- results -----------------------------------------------------------------------------------

  void add_outputs(Scope& scope) {
    std::vector<GraphNode*> results;
    for (const OutputSpec& spec : program_.signature.outputs) {
      if (spec.kind != OutputSpec::Kind::kUserOutput && spec.kind != OutputSpec::Kind::kLoss) continue;
      if (const auto* tensor = spec.arg.get_if<TensorName>()) {
        results.push_back(&materialise(meaning_of(scope, tensor->name)));
      } else if (!spec.arg.is<None>()) {
        throw Error("pt2.output", "the model returns something that is no tensor",
                    "a forward that returns tensors only");
      }
    }
    module_.add_output(results, result_names(results.size()));
  }

  /// Keys when the model returns a dict, else "output" or "output_0", "output_1", ...
  std::vector<Symbol> result_names(size_t count) const {
    std::vector<Symbol> names = dict_keys();
    if (names.size() == count) return names;
    names.clear();
    for (size_t i = 0; i < count; ++i) names.push_back(count == 1 ? Symbol("output") : Symbol(cat("output_", i)));
    return names;
  }

  std::vector<Symbol> dict_keys() const {
    std::vector<Symbol> names;
    for (const ModuleCallEntry& entry : program_.module_call_graph) {
      if (!entry.name.empty() || !entry.signature) continue;
      const auto spec = nlohmann::json::parse(entry.signature->out_spec, nullptr, false);
      if (!spec.is_array() || spec.size() != 2 || !spec[1].is_object() || !spec[1].contains("context")) continue;
      const auto& context = spec[1]["context"];
      const auto keys =
          context.is_string() ? nlohmann::json::parse(context.get<std::string>(), nullptr, false) : context;
      if (!keys.is_array()) continue;
      for (const auto& key : keys) {
        if (key.is_string()) names.emplace_back(key.get<std::string>());
      }
    }
    return names;
  }

  const ExportedProgram& program_;
  LoadedTensors& tensors_;
  std::vector<std::string>& unsupported_;
  FoldingBudget folding_;
  GraphModule module_;
  std::unordered_set<std::string> names_;
  std::unordered_map<std::string, size_t> next_suffix_;
  std::unordered_map<std::string, GraphNode*> constants_;
};

}  // namespace

GraphModule build_graph(const ExportedProgram& program, LoadedTensors& tensors, std::vector<std::string>& unsupported) {
  return Builder(program, tensors, unsupported).run();
}

}  // namespace graftwork::pt2

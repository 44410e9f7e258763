#include "graftwork/import/pt2/build_graph.h"

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/import/common/constants.h"
#include "graftwork/import/common/unique_names.h"
#include "graftwork/import/pt2/call.h"
#include "graftwork/import/pt2/operator_name.h"
#include "graftwork/import/pt2/origin.h"
#include "graftwork/import/pt2/result_names.h"
#include "graftwork/import/pt2/types.h"
#include "graftwork/nn/operator_call.h"
#include "graftwork/nn/size_arithmetic.h"

namespace graftwork::pt2 {
namespace {

class Builder {
 public:
  Builder(const ExportedProgram& program, LoadedTensors& tensors, std::vector<std::string>& unsupported)
      : program_(program), tensors_(tensors), unsupported_(unsupported) {}

  GraphModule run() {
    Scope scope;
    add_inputs(scope);
    add_nodes(program_.graph, scope);
    add_outputs(scope);
    return std::move(module_);
  }

 private:
  Symbol unique_name(const std::string& wanted) { return value_name(names_, wanted); }

  /// Each name stands for one value.
  static void define(Scope& scope, const std::string& name, Meaning meaning) {
    if (!scope.emplace(name, std::move(meaning)).second) contradiction("%" + name + " is made twice");
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
          meaning.constant = Constant{tensors_.store.leaf(stored->second), spec.kind == InputSpec::Kind::kParameter};
          check_stored(spec.target, meaning.constant->value.type(), type_of(program_.graph, name->name));
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
          unsupported_.push_back(
              cat(spec.target, ": it is an object of a class of its own (ScriptObject), not a tensor"));
          break;
      }
    }
  }

  static void check_stored(const std::string& name, const TensorType& stored, const Type& declared) {
    const TensorType* tensor = declared.tensor();
    if (tensor && *tensor != stored)
      contradiction(cat(name, " is ", stored.text(), " in the archive and ", tensor->text(), " in the program"));
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
        add_node(graph, node, scope);
      } catch (Error& error) {
        throw error.at(cat("%", node.name.value_or(""), " = ", node.target));
      }
    }
  }

  void add_node(const graftwork::pt2::Graph& graph, const pt2::Node& node, Scope& scope) {
    const Symbol op = operator_name(node.target);
    const std::string name = node.name.value_or(node.outputs.empty() ? op.str() : "");
    Call call;
    read_arguments(op, node, scope, call);
    const Origin origin = origin_of(node, name);
    const std::vector<std::string> outputs = output_names(node);
    if (fold(op, name, call, outputs, scope)) return;
    if (outputs.size() == 1 && call.problems.empty()) {
      if (const auto made = filled_like(op, call.attrs, type_of(graph, outputs[0]))) {
        scope[outputs[0]] = known(constants_.keep(outputs[0], *made));
        return;
      }
    }
    if (op.str().starts_with("higher_order.")) {
      call.problems = {why_higher_order(node)};
    } else if (!is_size_operator(op) && !find_operator(op)) {
      call.problems.emplace_back("torch does not know it");
    }
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
  }

  static std::string why_higher_order(const pt2::Node& node) {
    for (const NamedArgument& input : node.inputs) {
      if (input.arg.is<SubGraph>()) return "it runs a subgraph (control flow), which has no form in the graph";
      if (const auto* custom = input.arg.get_if<OperatorName>())
        return cat("it calls ", operator_name(custom->target).str(), ", which torch does not know");
    }
    return "it has no form in the graph";
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
    return constants_.node(*meaning.constant);
  }

  // ---- constants ---------------------------------------------------------------------------------

  static Meaning known(Constant constant) {
    Meaning meaning;
    meaning.constant = std::move(constant);
    return meaning;
  }

  /// Whether the call's results are known now.
  bool fold(Symbol op, const std::string& name, const Call& call, const std::vector<std::string>& outputs,
            Scope& scope) {
    if (outputs.empty() || !call.problems.empty()) return false;
    std::vector<const Constant*> operands;
    for (const Meaning* operand : call.operands) {
      if (!operand->constant) return false;
      operands.push_back(&*operand->constant);
    }
    std::vector<std::string> names;
    for (const std::string& output : outputs) names.push_back(output.empty() ? name : output);
    const auto results = constants_.fold(op, operands, call.attrs, names);
    if (!results) return false;
    for (size_t i = 0; i < results->size(); ++i) scope[names[i]] = known((*results)[i]);
    return true;
  }

  // ---- results -----------------------------------------------------------------------------------

  void add_outputs(Scope& scope) {
    const std::vector<std::string> names = result_names(program_);
    std::vector<GraphNode*> results;
    std::vector<Symbol> used;
    size_t next_name = 0;
    for (const OutputSpec& spec : program_.signature.outputs) {
      if (spec.kind != OutputSpec::Kind::kUserOutput && spec.kind != OutputSpec::Kind::kLoss) continue;
      const std::string& name = names[next_name++];
      if (const auto* tensor = spec.arg.get_if<TensorName>()) {
        results.push_back(&materialise(meaning_of(scope, tensor->name)));
        used.emplace_back(name);
      } else if (!spec.arg.is<None>()) {
        throw Error("pt2.output", cat("result ", name, " of the model is no tensor"),
                    "a forward that returns tensors only");
      }
    }
    module_.add_output(results, used);
  }

  const ExportedProgram& program_;
  LoadedTensors& tensors_;
  std::vector<std::string>& unsupported_;
  GraphModule module_;
  UniqueNames names_;
  Constants constants_{module_, tensors_.store, names_, tensors_.archive_bytes};
};

}  // namespace

GraphModule build_graph(const ExportedProgram& program, LoadedTensors& tensors, std::vector<std::string>& unsupported) {
  return Builder(program, tensors, unsupported).run();
}

}  // namespace graftwork::pt2

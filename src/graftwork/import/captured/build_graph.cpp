#include "graftwork/import/captured/build_graph.h"

#include <stdexcept>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/import/captured/bind_arguments.h"
#include "graftwork/import/captured/origin.h"
#include "graftwork/import/captured/simplify_calls.h"
#include "graftwork/import/captured/training.h"
#include "graftwork/import/captured/values.h"
#include "graftwork/ir/node_budget.h"
#include "graftwork/nn/operator_call.h"
#include "graftwork/nn/runnable_operators.h"
#include "graftwork/nn/size_arithmetic.h"

namespace graftwork::core::captured {
namespace {

class Builder {
 public:
  Builder(const Program& program, TensorStore& tensors, size_t bytes, std::vector<std::string>& unsupported)
      : program_(program),
        tensors_(tensors),
        unsupported_(unsupported),
        values_(tensors, bytes),
        simplifier_(values_) {}

  GraphModule run() {
    Scope scope;
    add_inputs(scope);
    for (const Call& call : program_.calls) add_call(call, scope);
    add_outputs(scope);
    simplifier_.remove_unused();
    return std::move(values_.module());
  }

 private:
  /// Each name stands for one value.
  static void define(Scope& scope, const std::string& name, Meaning meaning) {
    if (!scope.emplace(name, std::move(meaning)).second) contradiction("%" + name + " is made twice");
  }

  void add_inputs(Scope& scope) {
    for (const Input& input : program_.inputs) {
      switch (input.kind) {
        case Input::Kind::kStored:
          add_stored(input, scope);
          break;
        case Input::Kind::kUser:
          add_user_input(input.arg, scope);
          break;
        case Input::Kind::kFixed:
          break;
        case Input::Kind::kObject:
          unsupported_.push_back(
              cat(input.name, ": it is an object of a class of its own (ScriptObject), not a tensor"));
          break;
      }
    }
  }

  void add_stored(const Input& input, Scope& scope) {
    const auto* name = input.arg.get_if<TensorName>();
    if (!name) contradiction("the signature's entry for " + input.name + " names no tensor");
    define(scope, name->name, known({.value = tensors_.leaf(input.stored), .trainable = input.trainable}));
  }

  /// Numbers, texts and None were fixed by capturing.
  void add_user_input(const Argument& given, Scope& scope) {
    const auto* number = given.get_if<NumberName>();
    const std::string* name = nullptr;
    if (const auto* tensor = given.get_if<TensorName>()) name = &tensor->name;
    if (number && number->kind == ScalarType::kInt) name = &number->name;
    if (!name) return;
    Meaning meaning;
    meaning.node =
        &values_.module().add_input(values_.unique_name(*name), number ? Type(number->kind) : type_of(*name));
    define(scope, *name, meaning);
  }

  // ---- calls ---------------------------------------------------------------------------------------

  /// Of the tensor that is called so.
  Type type_of(const std::string& name) const {
    const auto found = program_.tensors.find(name);
    return found == program_.tensors.end() ? Type() : captured::type_of(found->second);
  }

  std::vector<PendingCall::Result> results_of(const Call& call) const {
    std::vector<PendingCall::Result> results;
    for (const Argument& output : call.outputs) {
      if (const auto* one = output.get_if<TensorName>()) results.push_back({one->name, type_of(one->name)});
      if (const auto* many = output.get_if<std::vector<TensorName>>()) {
        for (const TensorName& tensor : *many) results.push_back({tensor.name, type_of(tensor.name)});
      }
      if (const auto* number = output.get_if<NumberName>()) results.push_back({number->name, number->kind});
      if (output.is<None>()) results.emplace_back();
    }
    return results;
  }

  void add_call(const Call& call, Scope& scope) {
    try {
      add_node(call, scope);
      budget_.spend(values_.module());
    } catch (Error& error) {
      throw error.at(cat("%", call.name, " = ", call.op.str()));
    } catch (const std::out_of_range&) {
      throw Error("pt2.graph", "its arguments do not fit the shapes of what it reads", "exporting the network again")
          .at(cat("%", call.name, " = ", call.op.str()));
    }
  }

  void add_node(const Call& call, Scope& scope) {
    const std::string& name = call.name.empty() && call.outputs.empty() ? call.op.str() : call.name;
    PendingCall pending{call.op, name, bind_arguments(call, scope), results_of(call), origin_of(call, name)};
    if (const auto results = simplifier_.results_of(pending)) {
      for (size_t i = 0; i < results->size(); ++i) {
        const std::string& result = pending.results[i].name;
        scope[result.empty() ? name : result] = (*results)[i];
      }
      return;
    }
    simplifier_.simplify(pending);
    find_problems(call, pending);
    std::vector<Node*> inputs;
    for (Meaning* operand : pending.bound.operands) inputs.push_back(&values_.node(*operand));
    const std::vector<PendingCall::Result>& results = pending.results;
    const bool is_list = !call.outputs.empty() && call.outputs[0].is<std::vector<TensorName>>();
    const bool single = results.size() <= 1 && !is_list;
    Type type;
    if (single && !results.empty()) {
      type = results[0].type;
    } else if (!single) {
      std::vector<Type> elements;
      for (const PendingCall::Result& result : results) elements.push_back(result.type);
      type = Type::tuple(std::move(elements));
    }
    Node& made = values_.append(pending.op, values_.unique_name(single && !results.empty() ? results[0].name : name),
                                inputs, std::move(pending.bound.attrs), type, pending.origin);
    report_problems(made, pending);
    for (size_t i = 0; i < results.size(); ++i) {
      Meaning meaning;
      if (single) {
        meaning.node = &made;
      } else {
        meaning.tuple = &made;
        meaning.index = static_cast<int64_t>(i);
      }
      scope[results[i].name] = meaning;
    }
  }

  /// Why the graph cannot run the call.
  static void find_problems(const Call& call, PendingCall& pending) {
    std::vector<std::string>& problems = pending.bound.problems;
    if (pending.op.str().starts_with("higher_order.")) {
      problems = {why_higher_order(call)};
    } else if (!is_size_operator(pending.op) && !may_run(pending.op)) {
      problems.push_back(why_refused(pending.op));
    }
    if (drops_at_random(call)) {
      problems.emplace_back("the model was exported in training mode, call model.eval() before exporting it");
    }
  }

  void report_problems(const Node& made, const PendingCall& pending) {
    if (pending.bound.problems.empty()) return;
    const Origin& origin = pending.origin;
    unsupported_.push_back(cat("%", made.name().str(), " = ", pending.op.str(), ": ", join(pending.bound.problems),
                               " in ", origin.module_path.str(),
                               origin.source.empty() ? "" : " (" + origin.source.str() + ")"));
  }

  static std::string why_unknown(const std::string& op) {
    if (op.starts_with("graftwork."))
      return "the network is quantized already; graftwork.onnx.export_onnx writes the file of the model in Python";
    return "it is no operator of torch, and a network has no others";
  }

  static std::string why_refused(Symbol op) {
    return op.str().starts_with("aten.") || find_operator(op) ? why_it_does_not_run(op) : why_unknown(op.str());
  }

  static std::string why_higher_order(const Call& call) {
    for (const NamedArgument& input : call.inputs) {
      if (input.arg.is<std::shared_ptr<const SubGraph>>())
        return "it runs a subgraph (control flow), which has no form in the graph";
      if (const auto* custom = input.arg.get_if<OperatorName>())
        return cat("it calls ", custom->op.str(), ": ", why_refused(custom->op));
    }
    return "it has no form in the graph";
  }

  // ---- results -----------------------------------------------------------------------------------

  void add_outputs(Scope& scope) {
    std::vector<Node*> results;
    std::vector<Symbol> names;
    for (const Output& output : program_.outputs) {
      if (output.kind != Output::Kind::kResult) continue;
      if (const auto* tensor = output.arg.get_if<TensorName>()) {
        results.push_back(&values_.node(meaning_of(scope, tensor->name)));
        names.emplace_back(output.name);
      } else if (!output.arg.is<None>()) {
        throw Error("pt2.output", cat("result ", output.name, " of the model is no tensor"),
                    "a forward that returns tensors only");
      }
    }
    values_.module().add_output(results, names);
  }

  const Program& program_;
  TensorStore& tensors_;
  std::vector<std::string>& unsupported_;
  Values values_;
  NodeBudget budget_;
  CallSimplifier simplifier_;
};

}  // namespace

GraphModule build_graph(const Program& program, TensorStore& tensors, size_t bytes,
                        std::vector<std::string>& unsupported) {
  return Builder(program, tensors, bytes, unsupported).run();
}

}  // namespace graftwork::core::captured

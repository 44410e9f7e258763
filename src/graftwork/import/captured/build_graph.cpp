#include "graftwork/import/captured/build_graph.h"

#include <algorithm>
#include <array>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/import/captured/bind_arguments.h"
#include "graftwork/import/captured/origin.h"
#include "graftwork/import/captured/training.h"
#include "graftwork/import/common/constants.h"
#include "graftwork/import/common/unique_names.h"
#include "graftwork/ir/view_call.h"
#include "graftwork/nn/half.h"
#include "graftwork/nn/operator_call.h"
#include "graftwork/nn/size_arithmetic.h"
#include "graftwork/rewrite/graft.h"

namespace graftwork::captured {
namespace {

class Builder {
 public:
  Builder(const Program& program, TensorStore& tensors, size_t bytes, std::vector<std::string>& unsupported)
      : program_(program), tensors_(tensors), unsupported_(unsupported), constants_(module_, tensors, names_, bytes) {}

  GraphModule run() {
    Scope scope;
    add_inputs(scope);
    for (const Call& call : program_.calls) add_call(call, scope);
    add_outputs(scope);
    remove_unused();
    return std::move(module_);
  }

 private:
  Symbol unique_name(const std::string& wanted) { return value_name(names_, wanted); }

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
    meaning.node = &module_.add_input(unique_name(*name), number ? Type(number->kind) : type_of(*name));
    define(scope, *name, meaning);
  }

  // ---- calls ---------------------------------------------------------------------------------------

  /// A value that a call makes. Without a name where it is None.
  struct Result {
    std::string name;
    Type type;
  };

  /// Of the tensor that is called so.
  Type type_of(const std::string& name) const {
    const auto found = program_.tensors.find(name);
    return found == program_.tensors.end() ? Type() : captured::type_of(found->second);
  }

  std::vector<Result> results_of(const Call& call) const {
    std::vector<Result> results;
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
    } catch (Error& error) {
      throw error.at(cat("%", call.name, " = ", call.op.str()));
    }
  }

  void add_node(const Call& call, Scope& scope) {
    Symbol op = call.op;
    const std::string& name = call.name.empty() && call.outputs.empty() ? op.str() : call.name;
    BoundArguments bound = bind_arguments(call, scope);
    const Origin origin = origin_of(call, name);
    const std::vector<Result> results = results_of(call);
    if (pass_on(op, bound, results, scope, origin) || fold(op, name, bound, results, scope)) return;
    if (rotate(op, bound, results, origin, scope)) return;
    fill_in(op, bound, results, origin);
    if (results.size() == 1 && bound.problems.empty()) {
      if (const auto made = filled_like(op, bound.attrs, results[0].type)) {
        scope[results[0].name] = known(constants_.keep(results[0].name, *made));
        return;
      }
    }
    if (op.str().starts_with("higher_order.")) {
      bound.problems = {why_higher_order(call)};
    } else if (!is_size_operator(op) && !find_operator(op)) {
      bound.problems.emplace_back("torch does not know it");
    }
    if (drops_at_random(call)) {
      bound.problems.emplace_back("the model was exported in training mode, call model.eval() before exporting it");
    }
    if (has_sizes(op, bound) && results.size() == 1) {
      Meaning& x = *bound.operands[0];
      if (type_of(x) == results[0].type) {
        scope[results[0].name] = x;
        return;
      }
      leave_out_sizes(op, bound, type_of(x), results[0].type);
    }
    std::vector<Node*> inputs;
    for (Meaning* operand : bound.operands) inputs.push_back(&materialise(*operand));
    const bool is_list = !call.outputs.empty() && call.outputs[0].is<std::vector<TensorName>>();
    const bool single = results.size() <= 1 && !is_list;
    Type type;
    if (single && !results.empty()) {
      type = results[0].type;
    } else if (!single) {
      std::vector<Type> elements;
      for (const Result& result : results) elements.push_back(result.type);
      type = Type::tuple(std::move(elements));
    }
    Node& made = append(op, unique_name(single && !results.empty() ? results[0].name : name), inputs,
                        std::move(bound.attrs), type, origin);
    if (!bound.problems.empty()) {
      unsupported_.push_back(cat("%", made.name().str(), " = ", op.str(), ": ", join(bound.problems), " in ",
                                 origin.module_path.str(),
                                 origin.source.empty() ? "" : " (" + origin.source.str() + ")"));
    }
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

  static std::string why_higher_order(const Call& call) {
    for (const NamedArgument& input : call.inputs) {
      if (input.arg.is<std::shared_ptr<const SubGraph>>())
        return "it runs a subgraph (control flow), which has no form in the graph";
      if (const auto* custom = input.arg.get_if<OperatorName>())
        return cat("it calls ", custom->op.str(), ", which torch does not know");
    }
    return "it has no form in the graph";
  }

  Node& append(Symbol op, Symbol name, const std::vector<Node*>& inputs, AttrMap attrs, const Type& type,
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
  Node& materialise(Meaning& meaning) {
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
  bool fold(Symbol op, const std::string& name, const BoundArguments& bound, const std::vector<Result>& results,
            Scope& scope) {
    if (results.empty() || !bound.problems.empty()) return false;
    std::vector<const Constant*> operands;
    for (const Meaning* operand : bound.operands) {
      if (!operand->constant) return false;
      operands.push_back(&*operand->constant);
    }
    std::vector<std::string> names;
    for (const Result& result : results) names.push_back(result.name.empty() ? name : result.name);
    const auto folded = constants_.fold(op, operands, bound.attrs, names);
    if (!folded) return false;
    for (size_t i = 0; i < folded->size(); ++i) scope[names[i]] = known((*folded)[i]);
    return true;
  }

  /// Whether the call's result is one of its operands, or one that is expanded.
  bool pass_on(Symbol op, const BoundArguments& bound, const std::vector<Result>& results, Scope& scope,
               Origin origin) {
    if (results.size() != 1 || !bound.problems.empty()) return false;
    std::vector<const Constant*> operands;
    for (const Meaning* operand : bound.operands) operands.push_back(operand->constant ? &*operand->constant : nullptr);
    const auto passed = constants_.passed_on(op, operands, bound.attrs);
    if (!passed) return false;
    Meaning& same = *bound.operands[*passed];
    const Type type = same.constant ? Type(same.constant->value.type()) : materialise(same).type();
    if (type == results[0].type) {
      scope[results[0].name] = same;
      return true;
    }
    const auto sizes = same.constant ? std::nullopt : expanded_sizes(type, results[0].type);
    if (!sizes) return false;
    Meaning expanded;
    expanded.node = &append("aten.expand.default", unique_name(results[0].name), {same.node},
                            {{"size", Attribute(*sizes)}}, results[0].type, origin);
    scope[results[0].name] = expanded;
    return true;
  }

  /// What all elements of a value are, where that is known.
  std::optional<double> only_number(const Meaning& value) {
    if (value.constant) return constants_.only_number(*value.constant);
    if (!value.node || !value.node->tensor() || !is_floating(value.node->tensor()->dtype)) return std::nullopt;
    static const Symbol kFull = "aten.full_like.default", kZeros = "aten.zeros_like.default";
    if (value.node->op() == kZeros) return 0;
    const Attribute* fill = value.node->op() == kFull ? value.node->attrs().find("fill_value") : nullptr;
    return fill ? number_in(*fill) : std::nullopt;
  }

  /// Core ATen's form of roll, index_select by what is known now, becomes what roll becomes: the end of the dimension
  /// in front of its beginning.
  bool rotate(Symbol op, const BoundArguments& bound, const std::vector<Result>& results, Origin origin, Scope& scope) {
    if (op != Symbol("aten.index_select.default") || results.size() != 1 || bound.operands.size() != 2 ||
        !bound.problems.empty() || !bound.operands[1]->constant)
      return false;
    const TensorType* type = results[0].type.tensor();
    const Attribute* dim = bound.attrs.find("dim");
    const int64_t* given = dim ? dim->get<int64_t>() : nullptr;
    const auto rank = static_cast<int64_t>(type ? type->rank() : 0);
    if (!given || *given < -rank || *given >= rank) return false;
    const int64_t axis = *given < 0 ? *given + rank : *given;
    const auto extent = type->dims[static_cast<size_t>(axis)].maybe_value();
    Node& x = materialise(*bound.operands[0]);
    if (!extent || !(x.type() == results[0].type)) return false;
    const auto places = constants_.rotation_of(*bound.operands[1]->constant, *extent);
    if (!places || *places == 0) return false;
    const auto part = [&](int64_t start, int64_t end) {
      TensorType kept = *type;
      kept.dims[static_cast<size_t>(axis)] = Dim(end - start);
      return &append("aten.slice.Tensor", unique_name(results[0].name + "_slice"), {&x},
                     {{"dim", Attribute(axis)}, {"start", Attribute(start)}, {"end", Attribute(end)}}, kept, origin);
    };
    Node* const back = part(*places, *extent);
    Node* const front = part(0, *places);
    Meaning meaning;
    meaning.node = &append("aten.cat.default", unique_name(results[0].name), {back, front}, {{"dim", Attribute(axis)}},
                           results[0].type, origin);
    scope[results[0].name] = meaning;
    return true;
  }

  /// Nothing where `to` has another element type or sizes that are not known.
  static std::optional<std::vector<int64_t>> expanded_sizes(const Type& from, const Type& to) {
    const TensorType *tensor = from.tensor(), *wanted = to.tensor();
    if (!tensor || !wanted || tensor->dtype != wanted->dtype || !wanted->is_static()) return std::nullopt;
    std::vector<int64_t> sizes;
    for (const Dim& extent : wanted->dims) sizes.push_back(extent.value());
    return sizes;
  }

  /// where(mask, number, x) and where(mask, x, number) fill the number in.
  void fill_in(Symbol& op, BoundArguments& bound, const std::vector<Result>& results, Origin origin) {
    if (op != Symbol("aten.where.self") || results.size() != 1 || bound.operands.size() != 3 || !bound.problems.empty())
      return;
    for (const size_t chosen : {1, 2}) {
      Meaning& x = *bound.operands[3 - chosen];
      Meaning& numbers = *bound.operands[chosen];
      const std::optional<double> number = only_number(numbers);
      if (!number || !(materialise(x).type() == results[0].type)) continue;
      filled_in_.push_back(numbers.node);
      Meaning& mask = *bound.operands[0];
      if (chosen == 2) invert(mask, results[0].name + "_mask", origin);
      op = "aten.masked_fill.Scalar";
      bound.operands = {&x, chosen == 2 ? &inverted_ : &mask};
      bound.attrs = {{"value", Attribute(*number)}};
      return;
    }
  }

  /// Whether it is a view or an expansion with sizes that are computed at run time.
  static bool has_sizes(Symbol op, const BoundArguments& bound) {
    static const std::array<Symbol, 4> kOps{"aten.view.default", "aten._unsafe_view.default", "aten.reshape.default",
                                            "aten.expand.default"};
    return bound.operands.size() > 1 && bound.problems.empty() && std::find(kOps.begin(), kOps.end(), op) != kOps.end();
  }

  static Type type_of(const Meaning& value) {
    if (value.constant) return value.constant->value.type();
    if (value.node) return value.node->type();
    if (!value.tuple) return {};
    const auto* elements = value.tuple->type().elements();
    return elements ? (*elements)[static_cast<size_t>(value.index)] : Type();
  }

  /// Those of a view, where one of them is what is left.
  static void leave_out_sizes(Symbol& op, BoundArguments& bound, const Type& from, const Type& to) {
    static const Symbol kReshape = "aten.reshape.default";
    if (op == Symbol("aten.expand.default") || !from.tensor() || !to.tensor()) return;
    std::optional<ViewCall> view = view_call(from.tensor()->dims, to.tensor()->dims);
    if (!view) return;
    if (view->attrs.find("size") && op == kReshape) {
      bound.attrs = {{"shape", *view->attrs.find("size")}};
    } else {
      op = view->op;
      bound.attrs = std::move(view->attrs);
    }
    bound.operands.resize(1);
  }

  /// Sizes that nothing asks for any more, and tensors that were made to be filled in and serve nothing else.
  void remove_unused() {
    std::vector<Node*> unused = filled_in_;
    for (Node& node : module_.graph().nodes()) {
      const bool is_size = node.op() == Symbol("aten.sym_size.int") || is_size_operator(node.op());
      if (is_size) unused.push_back(&node);
    }
    for (Node* node : unused) {
      if (!node || !node->alive() || node->use_count() > 0) continue;
      Graft graft(module_);
      if (graft.remove(*node)) graft.apply();
    }
  }

  /// Into inverted_.
  void invert(Meaning& mask, const std::string& name, Origin origin) {
    static const Symbol kNot = "aten.logical_not.default";
    inverted_ = {};
    if (mask.constant) {
      if (const auto folded = constants_.fold(kNot, {&*mask.constant}, {}, {name})) {
        inverted_ = known((*folded)[0]);
        return;
      }
    }
    Node& node = materialise(mask);
    inverted_.node = &append(kNot, unique_name(name), {&node}, {}, node.type(), origin);
  }

  // ---- results -----------------------------------------------------------------------------------

  void add_outputs(Scope& scope) {
    std::vector<Node*> results;
    std::vector<Symbol> names;
    for (const Output& output : program_.outputs) {
      if (output.kind != Output::Kind::kResult) continue;
      if (const auto* tensor = output.arg.get_if<TensorName>()) {
        results.push_back(&materialise(meaning_of(scope, tensor->name)));
        names.emplace_back(output.name);
      } else if (!output.arg.is<None>()) {
        throw Error("pt2.output", cat("result ", output.name, " of the model is no tensor"),
                    "a forward that returns tensors only");
      }
    }
    module_.add_output(results, names);
  }

  const Program& program_;
  TensorStore& tensors_;
  std::vector<std::string>& unsupported_;
  GraphModule module_;
  UniqueNames names_;
  Constants constants_;
  std::vector<Node*> filled_in_;  // tensors of one number that something fills in
  Meaning inverted_;              // of the mask of the call that is being added
};

}  // namespace

GraphModule build_graph(const Program& program, TensorStore& tensors, size_t bytes,
                        std::vector<std::string>& unsupported) {
  return Builder(program, tensors, bytes, unsupported).run();
}

}  // namespace graftwork::captured

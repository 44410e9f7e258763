#include "graftwork/import/captured/simplify_calls.h"

#include <algorithm>
#include <array>
#include <ranges>
#include <utility>

#include "graftwork/ir/operator_name.h"
#include "graftwork/ir/view_call.h"
#include "graftwork/nn/half.h"
#include "graftwork/nn/operator_call.h"
#include "graftwork/nn/size_arithmetic.h"
#include "graftwork/rewrite/graft.h"

namespace graftwork::core::captured {
namespace {

/// Nothing where `to` has another element type or sizes that are not known.
std::optional<std::vector<int64_t>> expanded_sizes(const Type& from, const Type& to) {
  const TensorType *tensor = from.tensor(), *wanted = to.tensor();
  if (!tensor || !wanted || tensor->dtype != wanted->dtype || !wanted->is_static()) return std::nullopt;
  std::vector<int64_t> sizes;
  for (const Dim& extent : wanted->dims) sizes.push_back(extent.value());
  return sizes;
}

/// Whether it is a view or an expansion with sizes that are computed at run time.
bool has_sizes(const PendingCall& call) {
  static const std::array<Symbol, 4> kOps{"aten.view.default", "aten._unsafe_view.default", "aten.reshape.default",
                                          "aten.expand.default"};
  return call.bound.operands.size() > 1 && call.results.size() == 1 && is_one_of(call.op, kOps);
}

/// Those of a view, where one of them is what is left.
void leave_out_sizes(PendingCall& call) {
  static const Symbol kReshape = "aten.reshape.default", kExpand = "aten.expand.default";
  const Type from = Values::type(*call.bound.operands[0]);
  const Type& to = call.results[0].type;
  if (call.op == kExpand || !from.tensor() || !to.tensor()) return;
  std::optional<ViewCall> view = view_call(from.tensor()->dims, to.tensor()->dims);
  if (!view) return;
  if (view->attrs.find("size") && call.op == kReshape) {
    call.bound.attrs = {{"shape", *view->attrs.find("size")}};
  } else {
    call.op = view->op;
    call.bound.attrs = std::move(view->attrs);
  }
  call.bound.operands.resize(1);
}

bool is_empty(const Type& type) {
  const TensorType* tensor = type.tensor();
  return tensor && std::any_of(tensor->dims.begin(), tensor->dims.end(), [](const Dim& dim) { return dim == Dim(0); });
}

/// The operand of a concatenation that is all of it, as the first turn of a cache is: the others are empty.
std::optional<size_t> whole_of_cat(const PendingCall& call) {
  if (call.op != Symbol("aten.cat.default")) return std::nullopt;
  std::optional<size_t> whole;
  for (size_t i = 0; i < call.bound.operands.size(); ++i) {
    const Type type = Values::type(*call.bound.operands[i]);
    if (is_empty(type)) continue;
    if (whole || type != call.results[0].type) return std::nullopt;
    whole = i;
  }
  return whole;
}

Meaning computed(Node& node) {
  Meaning meaning;
  meaning.node = &node;
  return meaning;
}

std::vector<const Constant*> constants_among(const std::vector<Meaning*>& operands) {
  std::vector<const Constant*> constants;
  for (const Meaning* operand : operands) constants.push_back(operand->constant ? &*operand->constant : nullptr);
  return constants;
}

}  // namespace

std::optional<std::vector<Meaning>> CallSimplifier::results_of(const PendingCall& call) {
  if (!call.bound.problems.empty() || call.results.empty()) return std::nullopt;
  const auto one = [](std::optional<Meaning> meaning) {
    return meaning ? std::optional(std::vector<Meaning>{std::move(*meaning)}) : std::nullopt;
  };
  if (call.results.size() > 1) return folded(call);
  if (auto made = one(passed_on(call))) return made;
  if (auto made = folded(call)) return made;
  if (auto made = one(rotated(call))) return made;
  return one(filled(call));
}

void CallSimplifier::simplify(PendingCall& call) {
  if (!call.bound.problems.empty()) return;
  fill_in(call);
  if (has_sizes(call)) leave_out_sizes(call);
}

/// An operand, or one that is expanded.
std::optional<Meaning> CallSimplifier::passed_on(const PendingCall& call) {
  const PendingCall::Result& result = call.results[0];
  const std::vector<Meaning*>& operands = call.bound.operands;
  const bool is_idle_view = has_sizes(call) && Values::type(*operands[0]) == result.type;
  auto passed = is_idle_view ? std::optional<size_t>(0) : whole_of_cat(call);
  if (!passed) passed = values_.constants().passed_on(call.op, constants_among(operands), call.bound.attrs);
  if (!passed) return std::nullopt;
  Meaning& same = *operands[*passed];
  const Type type = same.constant ? Type(same.constant->value.type()) : values_.node(same).type();
  if (type == result.type) return same;
  const auto sizes = same.constant ? std::nullopt : expanded_sizes(type, result.type);
  if (!sizes) return std::nullopt;
  return computed(values_.append("aten.expand.default", values_.unique_name(result.name), {same.node},
                                 {{"size", Attribute(*sizes)}}, result.type, call.origin));
}

std::optional<std::vector<Meaning>> CallSimplifier::folded(const PendingCall& call) {
  const std::vector<const Constant*> operands = constants_among(call.bound.operands);
  if (std::find(operands.begin(), operands.end(), nullptr) != operands.end()) return std::nullopt;
  std::vector<std::string> names;
  for (const PendingCall::Result& result : call.results) names.push_back(result.name.empty() ? call.name : result.name);
  const auto constants = values_.constants().fold(call.op, operands, call.bound.attrs, names);
  if (!constants) return std::nullopt;
  std::vector<Meaning> results;
  for (const Constant& constant : *constants) results.push_back(known(constant));
  return results;
}

/// Core ATen's form of roll, index_select by what is known now, becomes what roll becomes: the end of the dimension
/// in front of its beginning.
std::optional<Meaning> CallSimplifier::rotated(const PendingCall& call) {
  const std::vector<Meaning*>& operands = call.bound.operands;
  if (call.op != Symbol("aten.index_select.default") || operands.size() != 2 || !operands[1]->constant)
    return std::nullopt;
  const PendingCall::Result& result = call.results[0];
  const TensorType* type = result.type.tensor();
  const Attribute* dim = call.bound.attrs.find("dim");
  const int64_t* given = dim ? dim->get<int64_t>() : nullptr;
  const auto rank = static_cast<int64_t>(type ? type->rank() : 0);
  if (!given || *given < -rank || *given >= rank) return std::nullopt;
  const int64_t axis = *given < 0 ? *given + rank : *given;
  const auto extent = type->dims[static_cast<size_t>(axis)].maybe_value();
  Node& x = values_.node(*operands[0]);
  if (!extent || !(x.type() == result.type)) return std::nullopt;
  const auto places = values_.constants().rotation_of(*operands[1]->constant, *extent);
  if (!places || *places == 0) return std::nullopt;
  const auto part = [&](int64_t start, int64_t end) {
    TensorType kept = *type;
    kept.dims[static_cast<size_t>(axis)] = Dim(end - start);
    return &values_.append("aten.slice.Tensor", values_.unique_name(result.name + "_slice"), {&x},
                           {{"dim", Attribute(axis)}, {"start", Attribute(start)}, {"end", Attribute(end)}}, kept,
                           call.origin);
  };
  Node* const back = part(*places, *extent);
  Node* const front = part(0, *places);
  return computed(values_.append("aten.cat.default", values_.unique_name(result.name), {back, front},
                                 {{"dim", Attribute(axis)}}, result.type, call.origin));
}

/// A tensor that is one number throughout.
std::optional<Meaning> CallSimplifier::filled(const PendingCall& call) {
  const PendingCall::Result& result = call.results[0];
  const auto made = values_.constants().filled(call.op, call.bound.attrs, result.name, result.type);
  return made ? std::optional(known(*made)) : std::nullopt;
}

/// where(mask, number, x) and where(mask, x, number) fill the number in.
void CallSimplifier::fill_in(PendingCall& call) {
  if (call.op != Symbol("aten.where.self") || call.results.size() != 1 || call.bound.operands.size() != 3) return;
  for (const size_t chosen : {1, 2}) {
    Meaning& x = *call.bound.operands[3 - chosen];
    Meaning& numbers = *call.bound.operands[chosen];
    const std::optional<double> number = only_number(numbers);
    if (!number || !(values_.node(x).type() == call.results[0].type)) continue;
    filled_in_.push_back(numbers.node);
    Meaning* mask = call.bound.operands[0];
    if (chosen == 2) {
      call.made = inverted(*mask, call.results[0].name + "_mask", call.origin);
      mask = &call.made;
    }
    call.op = "aten.masked_fill.Scalar";
    call.bound.operands = {&x, mask};
    call.bound.attrs = {{"value", Attribute(*number)}};
    return;
  }
}

Meaning CallSimplifier::inverted(Meaning& mask, const std::string& name, Origin origin) {
  static const Symbol kNot = "aten.logical_not.default";
  if (mask.constant) {
    if (const auto folded = values_.constants().fold(kNot, {&*mask.constant}, {}, {name})) return known((*folded)[0]);
  }
  Node& node = values_.node(mask);
  return computed(values_.append(kNot, values_.unique_name(name), {&node}, {}, node.type(), origin));
}

/// What all elements of a value are, where that is known.
std::optional<double> CallSimplifier::only_number(const Meaning& value) {
  if (value.constant) return values_.constants().only_number(*value.constant);
  if (!value.node || !value.node->tensor() || !is_floating(value.node->tensor()->dtype)) return std::nullopt;
  static const Symbol kFull = "aten.full_like.default", kZeros = "aten.zeros_like.default";
  if (value.node->op() == kZeros) return 0;
  const Attribute* fill = value.node->op() == kFull ? value.node->attrs().find("fill_value") : nullptr;
  return fill ? number_in(*fill) : std::nullopt;
}

void CallSimplifier::remove_unused() {
  GraphModule& module = values_.module();
  std::vector<Node*> unused;
  for (Node& node : module.graph().nodes()) {
    const bool is_size = node.op() == Symbol("aten.sym_size.int") || is_size_operator(node.op());
    if (is_size) unused.push_back(&node);
  }
  std::ranges::reverse(unused);  // a size is read by those behind it
  unused.insert(unused.end(), filled_in_.begin(), filled_in_.end());
  for (Node* node : unused) {
    if (!node || !node->alive() || node->use_count() > 0) continue;
    Graft graft(module);
    if (graft.remove(*node)) graft.apply();
  }
}

}  // namespace graftwork::core::captured

#include "graftwork/import/captured/functional/written_value.h"

#include <ATen/ATen.h>
#include <ATen/core/dispatch/Dispatcher.h>

#include <algorithm>
#include <array>
#include <map>

#include "graftwork/base/text.h"
#include "graftwork/import/captured/argument_names.h"
#include "graftwork/import/captured/functional/view.h"
#include "graftwork/nn/dtypes.h"
#include "graftwork/nn/operator_call.h"

namespace graftwork::core::captured {
namespace {

bool writes(const c10::Argument& argument) {
  return argument.alias_info() != nullptr && argument.alias_info()->isWrite();
}

const TensorMeta* meta_of(const Emitter& emitter, const Argument* argument) {
  const auto* name = argument != nullptr ? argument->get_if<TensorName>() : nullptr;
  if (name == nullptr) return nullptr;
  const auto found = emitter.tensors().find(name->name);
  return found == emitter.tensors().end() ? nullptr : &found->second;
}

std::string result_name(const Call& call) {
  std::string name = call.name.empty() ? "value" : call.name;
  for (const Argument& output : call.outputs) each_tensor_name(output, [&](const std::string& one) { name = one; });
  return name;
}

class Writer {
 public:
  Writer(Emitter& emitter, const Call& call, const TensorMeta& target)
      : emitter_(emitter), call_(call), target_(target), wanted_(result_name(call)) {}

  /// `source` in the shape and element type of what is written.
  std::string fitted(std::string source, const TensorMeta* meta) {
    if (meta == nullptr || meta->dtype != target_.dtype) source = cast(source, meta);
    if (meta != nullptr && meta->sizes == target_.sizes) return source;
    if (numbers_of(target_.sizes)) {
      return emitter_.call("aten.expand.default", {{"self", tensor(source)}, {"size", sizes()}}, &target_, call_,
                           wanted_);
    }
    return emitter_.call("aten.expand_as.default", {{"self", tensor(source)}, {"other", call_.inputs[0].arg}}, &target_,
                         call_, wanted_);
  }

  std::string cast(const std::string& source, const TensorMeta* meta) {
    TensorMeta type = meta != nullptr ? *meta : target_;
    type.dtype = target_.dtype;
    return emitter_.call("aten.to.dtype", {{"self", tensor(source)}, {"dtype", {target_.dtype}}}, &type, call_,
                         cat(wanted_, "_cast"));
  }

  std::string filled(const Argument& number) {
    if (numbers_of(target_.sizes)) {
      return emitter_.call("aten.full.default", {{"size", sizes()}, {"fill_value", number}, {"dtype", {target_.dtype}}},
                           &target_, call_, wanted_);
    }
    return emitter_.call("aten.full_like.default", {{"self", call_.inputs[0].arg}, {"fill_value", number}}, &target_,
                         call_, wanted_);
  }

  /// The functional operator's single result, brought back to the element type of what is
  /// written.
  std::string computed(Symbol op, std::vector<NamedArgument> inputs, bool promotes) {
    const std::string made = emitter_.call(op, std::move(inputs), promotes ? nullptr : &target_, call_, wanted_);
    return promotes ? cast(made, nullptr) : made;
  }

 private:
  Argument sizes() const { return {*numbers_of(target_.sizes)}; }

  Emitter& emitter_;
  const Call& call_;
  const TensorMeta& target_;
  std::string wanted_;
};

/// Results of these are booleans whatever they compare.
bool gives_booleans(std::string_view name) {
  static constexpr std::array<std::string_view, 15> kNames{
      "eq",        "ne",          "lt",         "le",          "gt",
      "ge",        "less",        "less_equal", "greater",     "greater_equal",
      "not_equal", "logical_and", "logical_or", "logical_xor", "logical_not"};
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

/// Whether the functional form may give another element type than that of what is written.
bool promotes(const Emitter& emitter, Symbol functional, const std::vector<NamedArgument>& inputs,
              const TensorMeta& target) {
  std::string_view name = functional.str();
  name.remove_prefix(name.find('.') + 1);
  name = name.substr(0, name.find('.'));
  const auto wanted = target.dtype.known;
  if (!wanted) return false;
  if (gives_booleans(name)) return *wanted != DType::kBool;
  for (const std::string_view keeps : {"index_", "scatter", "masked_", "put"}) {
    if (name.starts_with(keeps)) return false;
  }
  for (const NamedArgument& input : inputs) {
    const TensorMeta* other = meta_of(emitter, &input.arg);
    const auto dtype = other != nullptr ? other->dtype.known : std::nullopt;
    if (!dtype || (other->sizes.empty() && !target.sizes.empty())) continue;
    if (at::promoteTypes(to_torch(*wanted), to_torch(*dtype)) != to_torch(*wanted)) return true;
  }
  return false;
}

/// "aten.relu_.default" → "aten.relu.default", "aten.__iand__.Tensor" → "aten.__and__.Tensor"; nothing when this torch
/// has no functional form with the same arguments.
std::optional<Symbol> functional_form(Symbol op) {
  const std::string& text = op.str();
  const size_t dot = text.rfind('.');
  if (dot == std::string::npos || dot == 0) return std::nullopt;
  std::string name = text.substr(0, dot);
  if (name.starts_with("aten.__i") && name.ends_with("__")) {
    name = "aten.__" + name.substr(8);
  } else if (name.ends_with('_')) {
    name.pop_back();
  } else {
    return std::nullopt;
  }
  Symbol functional = name + text.substr(dot);
  if (!find_operator(functional)) functional = name + ".default";  // "aten.floor_divide_.Tensor"
  const auto in_place = find_operator(op);
  const auto found = find_operator(functional);
  if (!in_place || !found || found->schema().is_mutable()) return std::nullopt;
  const auto& arguments = in_place->schema().arguments();
  for (size_t i = 1; i < arguments.size(); ++i) {  // the written one has another name in dropout
    if (!found->schema().argumentIndexWithName(arguments[i].name())) return std::nullopt;
  }
  return functional;
}

/// "aten.add.out" → "aten.add.Tensor": the overload that takes the same and gives its results instead of writing them.
std::optional<Symbol> form_without_out(Symbol op) {
  const auto with_out = find_operator(op);
  if (!with_out) return std::nullopt;
  std::vector<std::string> wanted;
  for (const c10::Argument& argument : with_out->schema().arguments()) {
    if (!writes(argument)) wanted.push_back(cat(argument.name(), " ", argument.type()->str()));
  }
  const std::string& name = with_out->schema().name();
  for (const c10::OperatorName& candidate : c10::Dispatcher::singleton().getAllOpNames()) {
    if (candidate.name != name) continue;
    const auto found = c10::Dispatcher::singleton().findSchema(candidate);
    if (!found || found->schema().is_mutable()) continue;
    std::vector<std::string> given;
    for (const c10::Argument& argument : found->schema().arguments())
      given.push_back(cat(argument.name(), " ", argument.type()->str()));
    if (given != wanted) continue;
    const std::string& text = op.str();
    return Symbol(cat(text.substr(0, text.rfind('.')), ".",
                      candidate.overload_name.empty() ? std::string("default") : candidate.overload_name));
  }
  return std::nullopt;
}

std::optional<std::vector<std::string>> values_without_out(Emitter& emitter, const Call& call,
                                                           const std::vector<TensorMeta>& targets,
                                                           std::string& problem) {
  const Symbol op = call.op;
  const auto functional = form_without_out(op);
  const auto schema = find_operator(op);
  if (!functional || schema->schema().returns().size() != 1 || targets.size() != 1) {
    problem = "it has no form that gives its result instead of writing it";
    return std::nullopt;
  }
  std::vector<NamedArgument> inputs;
  const std::vector<std::string> outs = written_arguments(op);
  for (const NamedArgument& input : call.inputs) {
    if (std::find(outs.begin(), outs.end(), input.name) == outs.end()) inputs.push_back(input);
  }
  // A tensor given as `out` is resized to the result: only where it already has its shape is that
  // a plain write.
  const TensorMeta* result = nullptr;
  for (const Argument& output : call.outputs) result = meta_of(emitter, &output);
  if (result != nullptr && result->sizes != targets[0].sizes) {
    problem = "it changes the shape of what it writes to";
    return std::nullopt;
  }
  Writer writer(emitter, call, targets[0]);
  return std::vector{writer.computed(*functional, inputs, promotes(emitter, *functional, inputs, targets[0]))};
}

}  // namespace

std::vector<std::string> written_arguments(Symbol op) {
  std::vector<std::string> names;
  const auto handle = find_operator(op);
  if (!handle || !handle->schema().is_mutable()) return names;
  for (const c10::Argument& argument : handle->schema().arguments()) {
    if (writes(argument)) names.push_back(argument.name());
  }
  return names;
}

std::optional<std::vector<std::string>> written_values(Emitter& emitter, const Call& call,
                                                       const std::vector<TensorMeta>& targets, std::string& problem) {
  const Symbol op = call.op;
  const auto schema = find_operator(op);
  const std::vector<std::string> written = written_arguments(op);
  const bool writes_first = written.size() == 1 && !schema->schema().arguments().empty() &&
                            schema->schema().arguments()[0].name() == written[0];
  if (!writes_first) {
    if (op.str().find("out") != std::string::npos) return values_without_out(emitter, call, targets, problem);
    problem = "it writes to several of its arguments";
    return std::nullopt;
  }
  Writer writer(emitter, call, targets[0]);
  const auto argument_meta = [&](std::string_view name) { return meta_of(emitter, call.input(name)); };
  const auto argument_name = [&](std::string_view name) -> const std::string* {
    const Argument* given = call.input(name);
    const auto* one = given != nullptr ? given->get_if<TensorName>() : nullptr;
    return one != nullptr ? &one->name : nullptr;
  };
  if (op == Symbol("aten.copy_.default") && argument_name("src") != nullptr) {
    return std::vector{writer.fitted(*argument_name("src"), argument_meta("src"))};
  }
  if (op == Symbol("aten.fill_.Tensor") && argument_name("value") != nullptr) {
    return std::vector{writer.fitted(*argument_name("value"), argument_meta("value"))};
  }
  if (op == Symbol("aten.fill_.Tensor") || op == Symbol("aten.fill_.Scalar")) {
    const Argument* number = call.input("value");
    if (number != nullptr) return std::vector{writer.filled(*number)};
  }
  if (op == Symbol("aten.zero_.default")) return std::vector{writer.filled({int64_t{0}})};
  const auto functional = functional_form(op);
  if (!functional) {
    problem = "it writes in place and has no functional form";
    return std::nullopt;
  }
  std::vector<NamedArgument> inputs = call.inputs;
  if (!inputs.empty()) inputs[0].name = find_operator(*functional)->schema().arguments()[0].name();
  return std::vector{writer.computed(*functional, inputs, promotes(emitter, *functional, inputs, targets[0]))};
}

}  // namespace graftwork::core::captured

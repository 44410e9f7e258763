#include "graftwork/import/captured/explicit_types.h"

#include <ATen/ATen.h>
#include <ATen/native/TypeProperties.h>

#include <algorithm>
#include <optional>
#include <unordered_map>

#include "graftwork/base/text.h"
#include "graftwork/import/captured/argument_names.h"
#include "graftwork/import/captured/names_in_use.h"
#include "graftwork/ir/operator_name.h"
#include "graftwork/nn/dtypes.h"

namespace graftwork::core::captured {
namespace {

/// The element type that an operator computes in.
enum class Computes : uint8_t {
  kAsResult,    ///< that of its result; arithmetic on truth values is done with whole numbers
  kAsOperands,  ///< what its operands promote to; truth values are compared as whole numbers
  kTruth,       ///< truth values, whatever it reads
};

/// By the name without overload, with the operands that count.
struct Rule {
  Computes computes = Computes::kAsResult;
  std::vector<std::string_view> operands;
};

const std::unordered_map<std::string_view, Rule>& rules() {
  static const std::unordered_map<std::string_view, Rule> all = [] {
    std::unordered_map<std::string_view, Rule> made;
    const auto add = [&](const Rule& rule, std::initializer_list<std::string_view> names) {
      for (const std::string_view name : names) made.emplace(name, rule);
    };
    add({Computes::kAsResult, {"self", "other"}},
        {"add", "sub", "mul", "div", "maximum", "minimum", "fmod", "remainder", "rsub", "bitwise_and", "bitwise_or",
         "bitwise_xor", "dot"});
    add({Computes::kAsResult, {"self", "exponent"}}, {"pow"});
    add({Computes::kAsResult, {"self", "other"}}, {"where"});
    add({Computes::kAsResult, {"tensors"}}, {"cat", "stack", "concat"});
    add({Computes::kAsResult, {"self"}},
        {"acos",  "acosh",   "asin",  "asinh",       "atan",         "atanh",     "cos",  "cosh", "erf",
         "exp",   "log",     "log1p", "log_softmax", "_log_softmax", "logsumexp", "mean", "prod", "reciprocal",
         "rsqrt", "sigmoid", "sin",   "sinh",        "softmax",      "_softmax",  "sqrt", "sum",  "cumsum",
         "tan",   "tanh",    "clamp", "clamp_min",   "clamp_max",    "square"});
    // Layers in an autocast region.
    add({Computes::kAsResult, {"input", "weight", "bias"}},
        {"linear", "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d"});
    add({Computes::kAsResult, {"self", "other", "mat1", "mat2", "batch1", "batch2", "vec"}},
        {"matmul", "mm", "bmm", "addmm", "baddbmm"});
    add({Computes::kAsOperands, {"self", "other"}}, {"eq", "ne", "lt", "le", "gt", "ge"});
    add({Computes::kTruth, {"self", "other"}}, {"logical_and", "logical_or", "logical_xor", "logical_not"});
    return made;
  }();
  return all;
}

class Pass {
 public:
  explicit Pass(Program& program) : program_(program), names_(names_in_use(program)) {}

  void run() {
    std::vector<Call> calls = std::move(program_.calls);
    program_.calls.clear();
    for (Call& call : calls) add(std::move(call));
  }

 private:
  std::optional<DType> type_of(const std::string& name) const {
    const auto found = program_.tensors.find(name);
    return found == program_.tensors.end() ? std::nullopt : found->second.dtype.known;
  }

  void add(Call call) {
    const auto rule = call.op.str().starts_with("aten.") ? rules().find(operator_name(call.op)) : rules().end();
    if (rule == rules().end() || call.outputs.size() != 1 || !call.outputs[0].is<TensorName>()) {
      program_.calls.push_back(std::move(call));
      return;
    }
    std::optional<DType> type = computed_type(call, rule->second);
    if (!type) {
      program_.calls.push_back(std::move(call));
      return;
    }
    const bool by_number = *type == DType::kBool && rule->second.computes != Computes::kTruth && is_arithmetic(call);
    if (by_number) type = DType::kI32;
    for (NamedArgument& input : call.inputs) {
      const auto& counted = rule->second.operands;
      if (std::find(counted.begin(), counted.end(), input.name) == counted.end()) continue;
      each_tensor_name(input.arg, [&](std::string& name) { name = converted(name, *type, call); });
    }
    if (by_number && rule->second.computes == Computes::kAsResult) return add_as_truth(std::move(call));
    program_.calls.push_back(std::move(call));
  }

  /// Choosing and joining truth values is no arithmetic.
  static bool is_arithmetic(const Call& call) {
    static const std::vector<std::string_view> kNone{"where", "cat",         "stack",      "concat",     "eq",
                                                     "ne",    "bitwise_and", "bitwise_or", "bitwise_xor"};
    return std::find(kNone.begin(), kNone.end(), operator_name(call.op)) == kNone.end();
  }

  std::optional<DType> computed_type(const Call& call, const Rule& rule) const {
    if (rule.computes == Computes::kTruth) return DType::kBool;
    if (rule.computes == Computes::kAsResult) return type_of(call.outputs[0].get_if<TensorName>()->name);
    at::native::ResultTypeState state;
    bool any_whole = false;
    for (const NamedArgument& input : call.inputs) {
      if (std::find(rule.operands.begin(), rule.operands.end(), input.name) == rule.operands.end()) continue;
      if (const auto* tensor = input.arg.get_if<TensorName>()) {
        const auto found = program_.tensors.find(tensor->name);
        if (found == program_.tensors.end() || !found->second.dtype.known) return std::nullopt;
        // What torch promotes depends on whether there are dimensions, not on their sizes.
        const std::vector<int64_t> shape(found->second.sizes.size(), 1);
        const at::Tensor like = at::empty(shape, to_torch(*found->second.dtype.known));
        state = at::native::update_result_type_state(like, state);
        any_whole |= !is_floating(*found->second.dtype.known);
      } else if (const auto* number = input.arg.get_if<double>()) {
        state = at::native::update_result_type_state(c10::Scalar(*number), state);
      } else if (const auto* whole = input.arg.get_if<int64_t>()) {
        state = at::native::update_result_type_state(c10::Scalar(*whole), state);
      } else if (const auto* truth = input.arg.get_if<bool>()) {
        state = at::native::update_result_type_state(c10::Scalar(*truth), state);
      } else {
        return std::nullopt;
      }
    }
    const auto type = from_torch(at::native::result_type(state));
    // Whole numbers beside floats stay: a file in half precision has to compare them in single.
    return type && is_floating(*type) && any_whole ? std::nullopt : type;
  }

  static NamedArgument as_type(DType type) { return {"dtype", {ElementType{.known = type, .other = {}}}}; }

  std::string converted(const std::string& name, DType type, const Call& reader) {
    const auto given = type_of(name);
    if (!given || *given == type) return name;
    std::string& known = converted_[cat(name, " ", static_cast<int>(type))];
    if (!known.empty()) return known;
    known = names_.make(cat(name, "_", dtype_name(type)));
    TensorMeta meta = program_.tensors.at(name);
    meta.dtype = {.known = type, .other = {}};
    program_.tensors[known] = std::move(meta);
    program_.calls.push_back({.op = "aten.to.dtype",
                              .inputs = {{"self", tensor(name)}, as_type(type)},
                              .outputs = {tensor(known)},
                              .name = known,
                              .provenance = reader.provenance});
    return known;
  }

  /// The operator gives whole numbers, of which those that are not 0 are true.
  void add_as_truth(Call call) {
    const std::string result = call.outputs[0].get_if<TensorName>()->name;
    const std::string number = names_.make(result + "_number");
    TensorMeta meta = program_.tensors.at(result);
    meta.dtype = {.known = DType::kI32, .other = {}};
    program_.tensors[number] = std::move(meta);
    Call back{.op = "aten.to.dtype",
              .inputs = {{"self", tensor(number)}, as_type(DType::kBool)},
              .outputs = {tensor(result)},
              .name = call.name,
              .provenance = call.provenance};
    call.outputs = {tensor(number)};
    call.name = number;
    program_.calls.push_back(std::move(call));
    program_.calls.push_back(std::move(back));
  }

  Program& program_;
  UniqueNames names_;
  std::unordered_map<std::string, std::string> converted_;  // by name and type
};

}  // namespace

void make_types_explicit(Program& program) { Pass(program).run(); }

}  // namespace graftwork::core::captured

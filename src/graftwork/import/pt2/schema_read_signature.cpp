// The signature: what each input and output of the graph is.
#include <array>

#include "graftwork/import/pt2/schema_read.h"

namespace graftwork::core::pt2 {
namespace {

using In = InputSpec::Kind;
using Out = OutputSpec::Kind;

/// What the `arg` of a spec holds.
enum class Holds { kArgument, kTensor, kObject, kToken };

template <class Kind>
struct SpecTag {
  std::string_view tag;
  Kind kind;
  Holds holds;
  /// The key of the spec's target; empty when it has none.
  std::string_view target;
};

constexpr std::array<SpecTag<In>, 6> kInputs{{
    {"parameter", In::kParameter, Holds::kTensor, "parameter_name"},
    {"buffer", In::kBuffer, Holds::kTensor, "buffer_name"},
    {"user_input", In::kUserInput, Holds::kArgument, ""},
    {"tensor_constant", In::kTensorConstant, Holds::kTensor, "tensor_constant_name"},
    {"custom_obj", In::kCustomObject, Holds::kObject, "custom_obj_name"},
    {"token", In::kToken, Holds::kToken, ""},
}};

constexpr std::array<SpecTag<Out>, 8> kOutputs{{
    {"user_output", Out::kUserOutput, Holds::kArgument, ""},
    {"loss_output", Out::kLoss, Holds::kTensor, ""},
    {"buffer_mutation", Out::kBufferMutation, Holds::kTensor, "buffer_name"},
    {"parameter_mutation", Out::kParameterMutation, Holds::kTensor, "parameter_name"},
    {"user_input_mutation", Out::kUserInputMutation, Holds::kTensor, "user_input_name"},
    {"gradient_to_parameter", Out::kGradientToParameter, Holds::kTensor, "parameter_name"},
    {"gradient_to_user_input", Out::kGradientToUserInput, Holds::kTensor, "user_input_name"},
    {"token", Out::kToken, Holds::kToken, ""},
}};

Argument read_held(const Cursor& at, Holds holds) {
  switch (holds) {
    case Holds::kArgument:
      return read_argument(at);
    case Holds::kObject:
      return {read_custom_object(at)};
    case Holds::kTensor:
    case Holds::kToken:
      break;
  }
  return {read_tensor_name(at)};
}

template <class Spec, class Kind>
Spec read_spec(const Cursor& content, const SpecTag<Kind>& row) {
  Spec spec;
  spec.kind = row.kind;
  spec.arg = read_held(content.at("arg"), row.holds);
  if (!row.target.empty()) spec.target = content.at(row.target).text();
  return spec;
}

/// A number, text or None given as an argument while exporting; its tags are a part of Argument's.
InputSpec read_constant_input(const Cursor& content) {
  InputSpec spec;
  spec.kind = In::kConstantInput;
  spec.arg = read_argument(content.at("value"));
  spec.target = content.at("name").text();
  return spec;
}

InputSpec read_input_spec(const Cursor& at) {
  const auto [tag, content] = at.tagged();
  if (tag == "constant_input") return read_constant_input(content);
  for (const SpecTag<In>& row : kInputs) {
    if (row.tag != tag) continue;
    auto spec = read_spec<InputSpec>(content, row);
    if (row.kind == In::kBuffer) spec.persistent = content.at("persistent").boolean();
    return spec;
  }
  at.fail_tag("input", tag);
}

OutputSpec read_output_spec(const Cursor& at) {
  const auto [tag, content] = at.tagged();
  for (const SpecTag<Out>& row : kOutputs) {
    if (row.tag == tag) return read_spec<OutputSpec>(content, row);
  }
  at.fail_tag("output", tag);
}

}  // namespace

GraphSignature read_signature(const Cursor& at) {
  return {.inputs = at.at("input_specs").list(read_input_spec),
          .outputs = at.at("output_specs").list(read_output_spec)};
}

}  // namespace graftwork::core::pt2

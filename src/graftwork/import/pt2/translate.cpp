#include "graftwork/import/pt2/translate.h"

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/import/pt2/operator_name.h"
#include "graftwork/import/pt2/provenance.h"
#include "graftwork/import/pt2/result_names.h"
#include "graftwork/import/pt2/symbolic_dim.h"
#include "graftwork/import/pt2/translate_argument.h"

namespace graftwork::core::pt2 {
namespace {

captured::TensorMeta meta_of(const TensorMeta& meta) {
  captured::TensorMeta made{.dtype = element_type_of(meta.dtype), .sizes = {}, .strides = {}};
  made.sizes.reserve(meta.sizes.size());
  made.strides.reserve(meta.strides.size());
  for (const SymInt& size : meta.sizes) made.sizes.push_back(dim_of(size));
  for (const SymInt& stride : meta.strides) made.strides.push_back(stride_of(stride));
  return made;
}

captured::NameMap<captured::TensorMeta> tensors_of(const NameMap<TensorMeta>& tensors) {
  captured::NameMap<captured::TensorMeta> made;
  made.reserve(tensors.size());
  for (const auto& [name, meta] : tensors) {
    try {
      made.emplace(name, meta_of(meta));
    } catch (Error& error) {
      throw error.at("%" + name);
    }
  }
  return made;
}

std::vector<captured::Argument> arguments_of(std::vector<Argument> arguments) {
  std::vector<captured::Argument> made;
  made.reserve(arguments.size());
  for (Argument& argument : arguments) made.push_back(argument_of(std::move(argument)));
  return made;
}

captured::Call call_of(Node node) {
  captured::Call call;
  call.op = operator_name(node.target);
  call.inputs.reserve(node.inputs.size());
  for (NamedArgument& input : node.inputs)
    call.inputs.push_back({std::move(input.name), argument_of(std::move(input.arg))});
  call.outputs = arguments_of(std::move(node.outputs));
  call.name = std::move(node.name).value_or("");
  call.provenance = provenance_of(node.metadata);
  return call;
}

/// Each node goes when it has been translated: the texts of its metadata are most of a program.
std::vector<captured::Call> calls_of(std::vector<Node> nodes) {
  std::vector<captured::Call> calls;
  calls.reserve(nodes.size());
  for (Node& node : nodes) calls.push_back(call_of(std::move(node)));
  return calls;
}

/// Throws Error "pt2.graph" when the program declares the tensor with another type.
void check_stored(const InputSpec& spec, const captured::NameMap<captured::TensorMeta>& declared,
                  const TensorType& stored) {
  const auto* name = spec.arg.get_if<TensorName>();
  const auto meta = name != nullptr ? declared.find(name->name) : declared.end();
  if (meta == declared.end()) return;
  const Type type = type_of(meta->second);
  if (type.tensor() != nullptr && *type.tensor() != stored) {
    captured::contradiction(
        cat(spec.target, " is ", stored.text(), " in the archive and ", type.text(), " in the program"));
  }
}

/// `declared` is what the program says of its tensors.
captured::Input stored_input(InputSpec spec, const captured::NameMap<captured::TensorMeta>& declared,
                             const LoadedTensors& tensors) {
  const auto stored = tensors.canonical.find(spec.target);
  if (stored == tensors.canonical.end()) captured::contradiction("the archive has no tensor " + spec.target);
  check_stored(spec, declared, tensors.store.leaf(stored->second).type());
  return {.kind = captured::Input::Kind::kStored,
          .arg = argument_of(std::move(spec.arg)),
          .name = std::move(spec.target),
          .stored = stored->second,
          .trainable = spec.kind == InputSpec::Kind::kParameter};
}

captured::Input::Kind kind_of(InputSpec::Kind kind) {
  using In = InputSpec::Kind;
  switch (kind) {
    case In::kUserInput:
      return captured::Input::Kind::kUser;
    case In::kParameter:
    case In::kBuffer:
    case In::kTensorConstant:
      return captured::Input::Kind::kStored;
    case In::kCustomObject:
      return captured::Input::Kind::kObject;
    case In::kConstantInput:
    case In::kToken:
      break;
  }
  return captured::Input::Kind::kFixed;
}

captured::Output::Kind kind_of(OutputSpec::Kind kind) {
  using Out = OutputSpec::Kind;
  switch (kind) {
    case Out::kUserOutput:
    case Out::kLoss:
      return captured::Output::Kind::kResult;
    case Out::kBufferMutation:
    case Out::kParameterMutation:
      return captured::Output::Kind::kMutation;
    case Out::kUserInputMutation:
      return captured::Output::Kind::kInputMutation;
    case Out::kGradientToParameter:
    case Out::kGradientToUserInput:
    case Out::kToken:
      break;
  }
  return captured::Output::Kind::kOther;
}

}  // namespace

captured::SubGraph sub_graph_of(Graph graph) {
  return {.inputs = arguments_of(std::move(graph.inputs)),
          .calls = calls_of(std::move(graph.nodes)),
          .tensors = tensors_of(graph.tensor_values),
          .outputs = arguments_of(std::move(graph.outputs))};
}

captured::Program translate(ExportedProgram exported, const LoadedTensors& tensors) {
  captured::Program program;
  std::vector<std::string> names = result_names(exported);
  program.tensors = tensors_of(exported.graph.tensor_values);
  program.calls = calls_of(std::move(exported.graph.nodes));
  for (InputSpec& spec : exported.signature.inputs) {
    const auto kind = kind_of(spec.kind);
    if (kind == captured::Input::Kind::kStored) {
      program.inputs.push_back(stored_input(std::move(spec), program.tensors, tensors));
    } else {
      program.inputs.push_back({.kind = kind,
                                .arg = argument_of(std::move(spec.arg)),
                                .name = std::move(spec.target),
                                .stored = {},
                                .trainable = false});
    }
  }
  size_t next_name = 0;
  for (OutputSpec& spec : exported.signature.outputs) {
    const auto kind = kind_of(spec.kind);
    const bool is_result = kind == captured::Output::Kind::kResult;
    program.outputs.push_back({.kind = kind,
                               .arg = argument_of(std::move(spec.arg)),
                               .name = std::move(is_result ? names[next_name++] : spec.target)});
  }
  return program;
}

}  // namespace graftwork::core::pt2

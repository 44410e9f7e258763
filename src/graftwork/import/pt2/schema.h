// The records of a .pt2 file: torch.export's ExportedProgram, schema 8, as plain structs, and the reader from
// JSON. Nothing here knows libtorch or our graph; the importer turns these records into both.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "graftwork/import/pt2/schema_argument.h"

namespace graftwork::core::pt2 {

/// A number known by an expression over symbols: sympy's srepr text (sympy_expr.h reads it).
struct SymbolicExpression {
  std::string text;
  /// The value seen while exporting, if it was noted.
  std::variant<std::monostate, int64_t, double, bool> hint;
};

using SymInt = std::variant<int64_t, SymbolicExpression>;
using SymFloat = std::variant<double, SymbolicExpression>;
using SymBool = std::variant<bool, SymbolicExpression>;

/// Strides and offset count elements.
struct TensorMeta {
  ScalarType dtype = ScalarType::kUnknown;
  std::vector<SymInt> sizes;
  std::vector<SymInt> strides;
  SymInt storage_offset = int64_t{0};
  bool requires_grad = false;
  Device device;
  Layout layout = Layout::kStrided;
};

enum class ArgumentKind : int32_t { kUnknown = 0, kPositional = 1, kKeyword = 2 };

struct NamedArgument {
  /// The parameter's name in the operator's schema; empty for higher-order operators.
  std::string name;
  Argument arg;
  ArgumentKind kind = ArgumentKind::kUnknown;
};

/// One call. Arguments left at their default are not listed.
struct Node {
  /// "torch.ops.aten.conv2d.default", "_operator.mul", ...
  std::string target;
  std::vector<NamedArgument> inputs;
  std::vector<Argument> outputs;
  /// "stack_trace", "nn_module_stack" and other hints.
  std::map<std::string, std::string, std::less<>> metadata;
  std::optional<std::string> name;
  std::optional<bool> is_hop_single_tensor_return;
};

template <class T>
using NameMap = std::map<std::string, T, std::less<>>;

struct Graph {
  std::vector<Argument> inputs;
  std::vector<Argument> outputs;
  /// In topological order.
  std::vector<Node> nodes;
  NameMap<TensorMeta> tensor_values;
  NameMap<SymInt> sym_int_values;
  NameMap<SymFloat> sym_float_values;
  NameMap<SymBool> sym_bool_values;
  NameMap<CustomObject> custom_object_values;
  bool is_single_tensor_return = false;
};

/// What one input of the graph is; the specs stand in the order of Graph::inputs.
struct InputSpec {
  enum class Kind { kUserInput, kParameter, kBuffer, kTensorConstant, kCustomObject, kToken, kConstantInput };
  Kind kind = Kind::kUserInput;
  /// The graph input. A TensorName for parameters, buffers and tensor constants, the value for constant inputs.
  Argument arg;
  /// The fully qualified name of the parameter, buffer, constant or object; the argument's name for constant inputs.
  std::string target;
  /// Buffers: part of the state dict.
  bool persistent = false;
};

/// What one output of the graph is; the specs stand in the order of Graph::outputs.
struct OutputSpec {
  enum class Kind {
    kUserOutput,
    kLoss,
    kBufferMutation,
    kParameterMutation,
    kUserInputMutation,
    kGradientToParameter,
    kGradientToUserInput,
    kToken
  };
  Kind kind = Kind::kUserOutput;
  Argument arg;
  /// The buffer, parameter or user input that is changed or that the gradient belongs to.
  std::string target;
};

struct GraphSignature {
  std::vector<InputSpec> inputs;
  std::vector<OutputSpec> outputs;
};

struct ModuleCallSignature {
  std::vector<Argument> inputs;
  std::vector<Argument> outputs;
  /// How arguments and results nest: torch's treespec, JSON text.
  std::string in_spec;
  std::string out_spec;
  std::vector<std::string> forward_arg_names;
};

struct ModuleCallEntry {
  /// "" is the model itself.
  std::string name;
  std::optional<ModuleCallSignature> signature;
};

struct RangeConstraint {
  std::optional<int64_t> min;
  std::optional<int64_t> max;
};

struct SchemaVersion {
  int64_t major = 0;
  int64_t minor = 0;
};

struct ExportedProgram {
  SchemaVersion schema_version;
  std::string torch_version;
  Graph graph;
  GraphSignature signature;
  std::vector<ModuleCallEntry> module_call_graph;
  NameMap<std::string> metadata;
  /// Field names of namedtuple types that the treespecs mention.
  NameMap<std::vector<std::string>> namedtuple_fields;
  /// Keys are printed expressions ("s77", "4*s34").
  NameMap<RangeConstraint> range_constraints;
  NameMap<int64_t> opset_version;
  std::vector<std::string> verifiers;
  std::vector<std::string> guards_code;
};

/// Where one parameter, buffer or constant lies in the archive.
struct PayloadMeta {
  /// The record's file name, such as "weight_0": the whole storage, which tied tensors share.
  std::string path_name;
  bool is_parameter = false;
  /// A tensor subclass or custom object, pickled.
  bool use_pickle = false;
  /// Absent for custom objects.
  std::optional<TensorMeta> tensor;
};

/// By fully qualified name.
using PayloadConfig = NameMap<PayloadMeta>;

/// Reads `models/<name>.json`. Unknown keys are ignored and missing ones take their defaults, as torch does.
/// Throws Error "pt2.json" (not JSON, or nested deeper than 512), "pt2.version" (another major version than 8), or
/// "pt2.schema" (an unknown union tag, enum number, missing key that has no default, or wrong type), with the path
/// ("graph_module.graph.nodes[41].inputs[2].arg") as context.
ExportedProgram read_exported_program(std::string_view json);

/// Reads `data/weights/<name>_weights_config.json` or its counterpart for constants. Throws as above.
PayloadConfig read_payload_config(std::string_view json);

}  // namespace graftwork::core::pt2

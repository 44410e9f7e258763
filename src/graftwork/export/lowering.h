// The desk at which a graph is lowered: names, initializers, Q/DQ, casts.
#pragma once

#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "graftwork/export/lower.h"
#include "graftwork/onnx/opset_range.h"

namespace graftwork {

/// Collects one ONNX graph. Value names are node names where they can be; node names follow module paths.
class Lowering {
 public:
  Lowering(const Network& network, const ExportOptions& options);

  const Network& network() const { return network_; }
  const ExportOptions& options() const { return options_; }
  /// Float values take the type of the float regions, and so do UINT8 numbers where an engine only casts those
  /// (FileRules::only_casts_uint8); others keep theirs.
  DType exported_dtype(DType type) const {
    const bool stands_in = type == DType::kU8 && options_.backend->file.only_casts_uint8;
    return is_floating(type) || stands_in ? options_.float_type : type;
  }
  const ModuleTable& modules() const { return network_.module.modules(); }

  // ---- values ------------------------------------------------------------------------------------
  /// The ONNX value of a graph node's input.
  const std::string& operand(const Node& node, size_t slot) const { return values_.at(&node.input(slot)); }
  /// The value has the type of the node, unless it was declared to have another.
  void bind(const Node& node, std::string value);
  /// The type of a value as torch has it; the first that is declared or bound for it holds.
  void declare(const std::string& value, const Type& type) { types_.try_emplace(value, type); }
  /// Forgets the nodes of a graph that goes.
  void forget(const Graph& graph);
  bool is_bound(const Node& node) const { return values_.contains(&node); }
  /// The ONNX value of a node that is bound.
  const std::string& value(const Node& node) const { return values_.at(&node); }
  /// A value name that nothing else has.
  std::string fresh_value(const std::string& wanted);
  /// Results must keep their names: the value that `node` is to produce.
  std::string result_name(const Node& node);
  /// The name that was given to it; empty when none was.
  std::string given_name(const Node& node) const;
  void give_name(const Node& node, std::string name) { results_[&node] = std::move(name); }

  // ---- nodes -------------------------------------------------------------------------------------
  /// Appends a node named after `name` (made unique) and returns its output, `output` when given.
  std::string add(const std::string& op_type, const std::string& name, std::vector<std::string> inputs,
                  std::vector<std::pair<std::string, onnx::AttributeValue>> attributes = {}, std::string output = {});
  /// Several outputs.
  void add_multi(const std::string& op_type, const std::string& name, std::vector<std::string> inputs,
                 std::vector<std::string> outputs,
                 std::vector<std::pair<std::string, onnx::AttributeValue>> attributes = {});
  /// The graph needs at least this opset.
  void need_opset(int64_t opset) { opset_ = std::max(opset_, opset); }
  int64_t opset() const { return opset_; }

  // ---- constants ---------------------------------------------------------------------------------
  /// An initializer with the tensor's own type; the same name and content is stored once.
  std::string constant(const std::string& name, const at::Tensor& tensor);
  /// A float tensor in the type of the float regions. Throws Error "export.fp16" when it does not fit.
  std::string float_constant(const std::string& name, const at::Tensor& tensor);
  std::string float_scalar(const std::string& name, double value);
  std::string integers(const std::string& name, const std::vector<int64_t>& values);

  // ---- quantization ------------------------------------------------------------------------------
  /// Q and DQ on an activation: `<name>_codes` behind Q, `<name>` behind DQ.
  std::string quantize_dequantize(const std::string& value, const std::string& name, float scale);
  /// The same for a value inside a body. A stub of that scale that stands on it outside is the same pair then.
  std::string quantize_inner_value(const std::string& value, const std::string& name, float scale);
  /// Codes and DQ per channel; or, in the float form, the numbers that the codes stand for with Q and DQ.
  std::string quantized_weight(const std::string& name, const at::Tensor& codes, const at::Tensor& scales,
                               int64_t axis);

 private:
  std::string unique_node_name(const std::string& wanted);
  /// Lists the values between inputs and results with the types that they are known to have, in the file's elements.
  void list_types();
  std::string zero_point(const std::string& name, const std::vector<int64_t>& shape);
  /// DQ with its Cast where the scale stays FP32 in an FP16 region.
  std::string dequantize(const std::string& name, const std::string& codes, const at::Tensor& scales, int64_t axis,
                         const std::string& output);

  const Network& network_;
  ExportOptions options_;
  onnx::Model model_;
  int64_t opset_ = onnx::kWrittenOpsets.lowest;
  std::unordered_map<const Node*, std::string> values_;
  std::unordered_map<const Node*, std::string> results_;
  std::unordered_map<std::string, Type> types_;                       // in torch's types
  std::map<std::pair<std::string, float>, std::string> inner_pairs_;  // value and scale → behind DQ
  std::set<std::string> value_names_;
  std::set<std::string> node_names_;
  std::map<std::string, at::Tensor> constants_;
  friend onnx::Model lower(const Network& network, const ExportOptions& options);
};

}  // namespace graftwork

// The desk at which a graph is lowered: names, initializers, Q/DQ, casts.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "graftwork/export/code_type.h"
#include "graftwork/export/lower.h"
#include "graftwork/nn/mask_values.h"
#include "graftwork/onnx/opset_range.h"

namespace graftwork::core {

/// Collects one ONNX graph. Value names are node names where they can be; node names follow module paths.
class Lowering {
 public:
  Lowering(const Network& network, const ExportOptions& options);

  const Network& network() const { return network_; }
  /// Those of the file, with the float type of the region that the node which is being lowered stands in.
  const ExportOptions& options() const { return options_; }
  /// What follows is lowered for `node`, a node of the network.
  void enter(const Node& node);
  /// Type of a node's float values: FP32 where the network says so (Network::wide), else that of the float regions.
  DType float_type_of(const Node& node) const;
  /// Element type of a node's value in the file; it has to be a tensor.
  DType file_dtype_of(const Node& node) const;
  /// Floats are, and so are UINT8 numbers where an engine only casts those (FileRules::only_casts_uint8).
  bool is_written_as_float(DType type) const {
    return is_floating(type) || (type == DType::kU8 && options_.backend->file.only_casts_uint8);
  }
  /// Float values take the type of the region that is being lowered, others keep theirs.
  DType exported_dtype(DType type) const { return is_written_as_float(type) ? options_.float_type : type; }
  const ModuleTable& modules() const { return network_.module.modules(); }

  /// Of the network; null where the float regions are FP32.
  const MaskValues* masks() const { return masks_ ? &*masks_ : nullptr; }
  /// Masks among the values of a body too.
  void look_into(const Graph& body, const Node& call) {
    if (masks_) masks_->look_into(body, call);
  }
  /// What follows is for this node of a body, in the float type of the node that calls it.
  void enter_inside(const Node& node) { current_ = &node; }

  // ---- values ------------------------------------------------------------------------------------
  /// The ONNX value of a graph node's input; a float one in the type of the region that is being lowered, behind one
  /// Cast for all who read it so.
  const std::string& operand(const Node& node, size_t slot);
  /// The value has the type of the node, unless it was declared to have another.
  void bind(const Node& node, std::string value);
  /// A value of the type of the float regions that comes from one of another type.
  void bind_cast(const Node& node, std::string value, std::string source, DType source_type);
  /// The type of a value as torch has it, in the region that is being lowered; the first that is declared or bound for
  /// it holds.
  void declare(const std::string& value, const Type& type);
  /// Forgets the nodes of a graph that goes.
  void forget(const Graph& graph);
  bool is_bound(const Node& node) const { return values_.contains(&node); }
  /// The ONNX value of a node that is bound.
  const std::string& value(const Node& node) const { return values_.at(&node).name; }
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

  /// What whoever asks for the file should know of it.
  void warn(std::string text) { warnings_.push_back(std::move(text)); }

  // ---- constants ---------------------------------------------------------------------------------
  /// An initializer with the tensor's own type; the same name and content is stored once.
  std::string constant(const std::string& name, const at::Tensor& tensor);
  /// A float tensor in the type of the region. Throws Error "export.fp16" when it does not fit and is neither mask nor
  /// bound.
  std::string float_constant(const std::string& name, const at::Tensor& tensor);
  std::string float_scalar(const std::string& name, double value);
  std::string integers(const std::string& name, const std::vector<int64_t>& values);

  // ---- quantization ------------------------------------------------------------------------------
  /// Q and DQ on an activation: `<name>_codes` behind Q, which takes the value as it is, and `<name>` behind DQ, in the
  /// type of the region.
  std::string quantize_dequantize(const std::string& value, const std::string& name, float scale, CodeType type);
  /// The type of the codes that a value stands for; nothing where it does not come right from DQ.
  std::optional<CodeType> codes_behind(const std::string& value) const;
  /// Q and DQ on a value inside a body. A stub of that scale that stands on it outside is the same pair then.
  std::string quantize_inner_value(const std::string& value, const std::string& name, float scale, CodeType type);
  /// Codes and DQ; or, in the float form, the numbers that codes of INT8 stand for with Q and DQ.
  std::string quantized_weight(const std::string& name, const WeightCodes& weight);

 private:
  std::string unique_node_name(const std::string& wanted);
  /// Lists the values between inputs and results with the types that they are known to have, in the file's elements.
  void list_types();
  std::string stored(const std::string& name, const at::Tensor& tensor, bool is_int4);
  std::string codes_constant(const std::string& name, const at::Tensor& codes, CodeType type);
  std::string zero_point(const std::string& name, const at::Tensor& scales, CodeType type);
  /// DQ with its Cast where the scale stays FP32 in an FP16 region; of `weight` all but the codes.
  std::string dequantize(const std::string& name, const std::string& codes, const WeightCodes& weight,
                         const std::string& output);

  struct Bound {
    std::string name;
    DType float_type = DType::kF32;
  };
  struct Pair {
    std::string name;
    float scale = 1;
    CodeType type = CodeType::kInt8;
  };
  struct Stored {
    at::Tensor tensor;
    bool is_int4 = false;
  };
  const std::string& cast(const std::string& value, DType type);
  bool takes_any_low_number() const;

  const Network& network_;
  ExportOptions options_;
  DType file_type_;  // of the float regions
  const Node* current_ = nullptr;
  std::optional<MaskValues> masks_;
  onnx::Model model_;
  int64_t opset_ = onnx::kWrittenOpsets.lowest;
  std::unordered_map<const Node*, Bound> values_;
  std::unordered_map<std::string, DType> float_types_;          // of bound values, by name
  std::map<std::pair<std::string, DType>, std::string> casts_;  // the same value in another type
  std::map<std::string, Bound> sources_;                        // what a value was cast from
  std::unordered_map<const Node*, std::string> results_;
  std::unordered_map<std::string, Type> types_;  // as the file has them
  std::map<std::tuple<std::string, float, CodeType, DType>, std::string>
      inner_pairs_;                    // value, scale, types → behind DQ
  std::map<std::string, Pair> pairs_;  // of values behind DQ, by name
  std::set<std::string> value_names_;
  std::set<std::string> node_names_;
  std::map<std::string, Stored> constants_;
  std::vector<std::string> warnings_;
  friend onnx::Model lower(const Network& network, const ExportOptions& options, std::vector<std::string>* warnings);
};

}  // namespace graftwork::core

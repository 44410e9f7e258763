// Constants of a network while its graph is built.
#pragma once

#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "graftwork/import/common/constant_folding.h"
#include "graftwork/import/common/unique_names.h"
#include "graftwork/ir/graph_module.h"
#include "graftwork/nn/tensor_store.h"

namespace graftwork::core {

/// A value that is known while the graph is built.
struct Constant {
  ParamExpr value;
  bool trainable = false;  ///< Training changes it: its numbers are never looked at while the graph is built.
};

/// Operators on constants become constants, and a constant becomes a node of `module` when something reads it at run
/// time. What is computed lies in `tensors` as "folded.<name>".
class Constants {
 public:
  /// `file_bytes`: of the file that the network comes from, see FoldingBudget.
  Constants(GraphModule& module, TensorStore& tensors, UniqueNames& names, size_t file_bytes)
      : module_(module), tensors_(tensors), names_(names), budget_(file_bytes) {}

  /// The first results of an operator, as many as are asked for: one for a view, which stays an expression, or one for
  /// each of `results`, their names. Nothing when the operator has to run with the network.
  std::optional<std::vector<Constant>> fold(Symbol op, const std::vector<const Constant*>& operands,
                                            const AttrMap& attrs, const std::vector<std::string>& results);

  /// The operand that the operator gives on unchanged (idle_masks.h); those that training changes are not known, nor
  /// are null ones.
  std::optional<size_t> passed_on(Symbol op, const std::vector<const Constant*>& operands, const AttrMap& attrs);

  /// idle_masks.h; nothing where training changes the constant.
  std::optional<double> only_number(const Constant& constant);

  /// rotations.h; nothing where training changes the constant.
  std::optional<int64_t> rotation_of(const Constant& index, int64_t extent);

  /// The result `name`, of this type, of an operator that fills it with one number (filled_like); nothing where it does
  /// not.
  std::optional<Constant> filled(Symbol op, const AttrMap& attrs, const std::string& name, const Type& type);

  /// A tensor that was made while the graph is built.
  Constant keep(const std::string& name, const at::Tensor& tensor);

  /// The node that holds the constant; equal expressions share one.
  Node& node(const Constant& constant);

 private:
  GraphModule& module_;
  TensorStore& tensors_;
  UniqueNames& names_;
  FoldingBudget budget_;
  std::unordered_map<std::string, Node*> nodes_;  // by the expression's text
};

}  // namespace graftwork::core

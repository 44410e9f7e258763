// The tensors that parameter expressions name.
#pragma once

#include <ATen/ATen.h>

#include <map>
#include <set>
#include <string>

#include "graftwork/ir/graph_module.h"

namespace graftwork::core {

/// Tensors by leaf name, in name order. Copies share the tensors.
class TensorStore {
 public:
  /// Adds or replaces.
  void set(Symbol name, at::Tensor tensor);
  /// The same, of one whose elements lie in a mapped file.
  void set_mapped(Symbol name, at::Tensor tensor);
  bool contains(Symbol name) const { return tensors_.contains(name.str()); }
  /// Throws Error "nn.parameter" when there is no such tensor.
  const at::Tensor& at(Symbol name) const;
  /// What was mapped leaves memory until somebody reads it again: for whoever has read a large tensor for the last
  /// time. Nothing happens to others.
  void let_go(Symbol name) const;
  /// A leaf expression for a stored tensor.
  ParamExpr leaf(Symbol name) const;

  auto begin() const { return tensors_.begin(); }
  auto end() const { return tensors_.end(); }
  size_t size() const { return tensors_.size(); }

 private:
  std::map<std::string, at::Tensor> tensors_;
  std::set<Symbol> mapped_;
};

/// Bytes of the elements, not of the memory behind them; the largest number where there are more.
int64_t bytes_of(const at::Tensor& tensor);

/// The value of an expression. Gradients reach the stored leaves.
at::Tensor evaluate(const ParamExpr& expr, const TensorStore& tensors);

/// Nodes of a network that compute in FP32 where the float regions of its file are FP16: by name, each with the reason.
using WideNodes = std::map<std::string, std::string>;

/// A network with its tensors.
struct Network {
  GraphModule module;
  TensorStore tensors;
  WideNodes wide = {};

  /// A copy with its own graph; tensors are shared.
  Network clone() const { return {module.clone(), tensors, wide}; }
};

/// Whether the node computes in FP32 whatever the type of the float regions; for an element of a tuple, the node that
/// makes the tuple.
bool is_wide(const WideNodes& wide, const Node& node);

}  // namespace graftwork::core

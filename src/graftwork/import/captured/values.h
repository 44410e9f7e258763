// The values of a program as nodes of the graph that is built of it.
#pragma once

#include <string>
#include <vector>

#include "graftwork/import/captured/bind_arguments.h"
#include "graftwork/import/common/constants.h"
#include "graftwork/import/common/unique_names.h"
#include "graftwork/ir/graph_module.h"
#include "graftwork/nn/tensor_store.h"

namespace graftwork::core::captured {

Meaning known(Constant constant);

/// Owns the graph while it is built. Nodes for constants and for elements of tuples are made when something reads them
/// at run time.
class Values {
 public:
  /// `file_bytes`: of the file that the network comes from, see FoldingBudget.
  Values(TensorStore& tensors, size_t file_bytes) : constants_(module_, tensors, names_, file_bytes) {}

  GraphModule& module() { return module_; }
  Constants& constants() { return constants_; }
  Symbol unique_name(const std::string& wanted) { return value_name(names_, wanted); }

  /// A call of an operator. `name` is one of unique_name().
  Node& append(Symbol op, Symbol name, const std::vector<Node*>& inputs, AttrMap attrs, const Type& type,
               Origin origin);

  /// The node of the value. Throws Error "pt2.graph" where a number stands in its place.
  Node& node(Meaning& meaning);

  static Type type(const Meaning& meaning);

 private:
  GraphModule module_;
  UniqueNames names_;
  Constants constants_;
};

}  // namespace graftwork::core::captured

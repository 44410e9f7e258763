// The activations: one row each, from which their shape, raising them from operators, and fusing them derive.
#pragma once

#include <string>
#include <vector>

#include "graftwork/ir/kind.h"

namespace graftwork::core {

/// An operator that is the activation, where these of its attributes have these values.
struct ActivationOperator {
  struct Required {
    Symbol attr;
    double value;
    double when_absent;
  };
  Symbol op;
  std::vector<Required> required = {};
  std::string otherwise = {};  ///< Why it is none else: "its range is not 0 to 6".
};

struct Activation {
  Symbol kind;
  /// Of the module; an operator's attributes of these names become the module's.
  std::vector<AttrSpec> attrs = {};
  /// Of the module; further inputs of the operators, in their order.
  std::vector<ParamSpec> params = {};
  std::vector<ActivationOperator> operators = {};
  /// Whether a kernel in front may take it in: the set `activation` of pattern files.
  bool fusible = true;
};

/// All of them.
const std::vector<Activation>& activations();

/// Kinds of those that are fusible.
std::vector<Symbol> fusible_activations();

}  // namespace graftwork::core

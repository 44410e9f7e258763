// What an engine does with Q and DQ between its kernels, as data.
#pragma once

#include <string>
#include <vector>

#include "graftwork/base/outcome.h"
#include "graftwork/ir/graph.h"
#include "graftwork/ir/module_table.h"

namespace graftwork::core {

struct PlacementRules {
  /// Operators that give the elements of their one input another order or shape: a stub behind one is the stub in front
  /// of it.
  std::vector<Symbol> moves_data = {};
  /// Further ones that can write codes of the scale that they read: parts, concatenation, maxima.
  std::vector<Symbol> keeps_codes = {};
  /// Those that fill in their attribute `value`, which has to be 0: the code 0 of every scale.
  std::vector<Symbol> fills_zeros = {};
  /// Operators that DQ does not cross: the stub of their reader has to stand behind them.
  std::vector<Symbol> stops_dq = {};

  /// Why the engine has no FP8 kernel for a layer, or that it has one; null: it has one for each that INT8 has one for.
  Outcome (*fp8_kernel)(const ModuleRecord& layer) = nullptr;

  /// Why a kernel's input has a stub, where INT8 stands for the stub's precision: behind the kernel's name, for the
  /// first input of one with a layer, ...
  std::string layer_reads = "reads INT8";
  /// ... and of one without.
  std::string elementwise_reads = "reads INT8";
  /// A whole sentence, for further inputs of one with a layer.
  std::string residual_reads = "the residual operand decides the precision of the sum";
  std::string weight_is_quantized = "per output channel";
  /// Rule that each of these follows, in front of the sentence's end: " (rule W1)", or nothing.
  std::string both_sides_rule = {};   ///< A layer is quantized on both sides or not at all.
  std::string weight_only_rule = {};  ///< A weight in blocks is read with a float activation.
  std::string stops_dq_rule = {};
  std::string shared_scale_rule = {};

  bool moves(Symbol op) const;
  /// Moves data, keeps codes or fills in zeros.
  bool keeps(const Node& node) const;
  bool stops(Symbol op) const;
};

/// The value behind which nothing but data movement leads to `value`.
Node& before_data_movement(Node& value, const PlacementRules& rules);

/// The tensor that the stub of a reader of `value` belongs to: in front of data movement that nobody else reads.
Node& quantized_tensor(Node& value, const PlacementRules& rules);

}  // namespace graftwork::core

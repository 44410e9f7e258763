// The network of a captured program: what importers of such programs end with.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "graftwork/import/captured/program.h"
#include "graftwork/nn/tensor_store.h"

namespace graftwork::core {

struct LoadedNetwork {
  Network network;
  /// Operators that cannot be run or exported, each with its place. The network still loads and prints.
  std::vector<std::string> unsupported;
  /// Layers that compute as they do while they are trained.
  std::vector<std::string> in_training = {};
  /// Whether training changes a tensor that the model stores, by its name in `network.tensors`: a parameter, or a
  /// buffer.
  std::map<std::string, bool> trainable = {};
  /// Of a network that was recorded while it ran: what is fixed as it was then, each with its place.
  std::vector<std::string> warnings = {};
  /// Likewise, whether it drew random numbers.
  bool draws = false;
};

namespace captured {

/// Wrappers are inlined, in-place writes made functional, dead calls removed; then the graph is built and constants are
/// folded. `tensors` has what the program's inputs call stored; `bytes` is the size of what it comes from, which bounds
/// folding. Throws Error "pt2.in_place", "pt2.graph" (also where values are of other ranks than they are said to be),
/// "pt2.output".
LoadedNetwork build_network(Program program, TensorStore tensors, size_t bytes);

}  // namespace captured
}  // namespace graftwork::core

// What an optimiser of torch has gathered, as tensors with names.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "graftwork/train/qat_network.h"

namespace torch::optim {
class Optimizer;
}

namespace graftwork::core {

struct OptimizerState {
  std::string kind;                           ///< "SGD", "Adam", "AdamW".
  std::vector<double> learning_rates;         ///< Of its parameter groups: a schedule may have changed them.
  std::map<std::string, at::Tensor> tensors;  ///< "<parameter>/<what>", "conv.weight/exp_avg"; shared, not copied.
};

/// Throws Error "train.optimizer" for an optimiser of another kind, or one with a parameter that is none of
/// `parameters`.
OptimizerState state_of(const torch::optim::Optimizer& optimizer, std::span<const NamedTensor> parameters);

/// Gives the optimiser copies of the tensors. Throws Error "train.optimizer", before it changes anything, where kind,
/// groups, names or shapes are not those of the optimiser and its parameters.
void restore(torch::optim::Optimizer& optimizer, const OptimizerState& state, std::span<const NamedTensor> parameters);

}  // namespace graftwork::core

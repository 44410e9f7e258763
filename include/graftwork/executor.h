// Running networks.
#pragma once

#include <graftwork/network.h>

#include <cstdint>
#include <memory>
#include <vector>

namespace graftwork {

enum class Speed {
  REFERENCE,  ///< What the network means: every kernel part by part, under autograd where that is on.
  FAST,       ///< Batch norm folded, weights packed as they are now, oneDNN's fused operators; without gradients.
};

/// A network, ready to run in evaluation, from many threads.
class GRAFTWORK_API Executor {
 public:
  /// `memory_limit`: bytes that a run may take on top of what the process has; 0: what the machine has left.
  explicit Executor(const Network& network, Speed speed = Speed::REFERENCE, int64_t memory_limit = 0);

  /// Tensors in the order of Network::input_names(), of any batch where the graph holds for any; results in the order
  /// of output_names(). Throws Error "nn.input" when they do not fit, "memory.limit" before it runs where there is not
  /// enough memory, "nn.run" with the node's place when torch fails.
  std::vector<at::Tensor> run(const std::vector<at::Tensor>& inputs) const;
  /// Of a network with one input and one result.
  at::Tensor operator()(const at::Tensor& input) const;

 private:
  struct State;
  detail::Held<const State> state_;
};

}  // namespace graftwork

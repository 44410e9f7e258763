// Fast inference on the CPU.
#pragma once

#include "graftwork/nn/program.h"

namespace graftwork::core {

/// Runs a network with the parameters that it has when this is made: what a body can compute at once is prepared
/// (prepared_conv.h, prepared_linear.h), batch norm folded, weights packed. It computes what the reference
/// executor computes in evaluation, to rounding. For another table of parameters, for training, and for gradients there
/// is the Executor. Safe to run from many threads.
class InferenceRunner {
 public:
  /// Keeps a reference to the network's graph, which must stay as it is, and shares its tensors. Throws as Program
  /// does.
  explicit InferenceRunner(const Network& network, std::vector<ValueRef> watched = {});

  /// Results in signature order. Throws as Program::run does; Error "nn.inference" when autograd would record.
  std::vector<at::Tensor> run(std::span<const at::Tensor> inputs, const Watcher& watcher = {},
                              bool any_batch = false) const;

  /// As run(), step by step.
  Program::Run start(std::span<const at::Tensor> inputs, const Watcher& watcher, bool any_batch) const;

  /// Program::run_node, with the same bits as run().
  c10::IValue run_node(const Node& node, std::span<const c10::IValue> operands) const;

 private:
  TensorStore tensors_;
  Program program_;
};

}  // namespace graftwork::core

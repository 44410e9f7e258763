// What Python holds of a network: graph, module records and the tensors that they name.
#pragma once

#include <torch/csrc/utils/pybind.h>

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "graftwork/nn/executor.h"
#include "graftwork/nn/tensor_store.h"

namespace graftwork::python {

/// A network that nobody changes any more, with its executor. The tensors in it are those of the capture; runs take
/// whatever tensors the caller gives.
class Network {
 public:
  explicit Network(core::Network network);
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  const core::GraphModule& module() const { return network_.module; }
  const core::Network& network() const { return network_; }
  /// Names of the stored tensors that the graph reads, in order: what `run` takes tensors for.
  const std::vector<std::string>& names() const { return names_; }
  /// The same graph with these tensors, in the order of names(). Throws Error "python.tensors" when the count differs.
  core::TensorStore with(const std::vector<at::Tensor>& tensors) const;
  /// Made when it is first asked for. Throws Error "nn.unsupported". Thread-safe.
  const core::Executor& executor() const;

 private:
  core::Network network_;
  std::vector<std::string> names_;
  mutable std::once_flag once_;
  mutable std::unique_ptr<core::Executor> executor_;
};

using NetworkHandle = std::shared_ptr<Network>;

}  // namespace graftwork::python

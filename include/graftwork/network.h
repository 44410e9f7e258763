// A network: graph, modules and tensors.
#pragma once

#include <ATen/core/Tensor.h>
#include <graftwork/graph.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace graftwork {

/// A value that nothing changes: what transforms or quantizes gives another one. Copies are cheap and share everything;
/// all networks that were made of one share its tensors.
class GRAFTWORK_API Network {
 public:
  Graph graph() const;
  /// By path, of kernels and of the layers in them. Throws Error "graph.module" with paths that are like it.
  Module module(std::string_view path) const;
  Module operator[](std::string_view path) const { return module(path); }
  /// What nodes call, in the graph's order, each once.
  std::vector<Module> modules() const;

  std::vector<std::string> input_names() const;
  std::vector<std::string> output_names() const;
  /// What it takes and gives, in the same order and by the same names. What is no tensor, or of no known type, has the
  /// dtype Undefined.
  std::vector<TensorInfo> inputs() const;
  std::vector<TensorInfo> outputs() const;
  /// Parameters, buffers and constants by name, in the order of names: the very tensors.
  std::vector<std::pair<std::string, at::Tensor>> named_tensors() const;

  /// Operators that can neither be run nor exported, each with its place. Empty for most networks.
  std::vector<std::string> unsupported() const;
  /// What whoever loaded or captured it should know.
  std::vector<std::string> warnings() const;

  /// What it computes in evaluation, results in the order of output_names(); differentiable. Tensors in the order of
  /// input_names(), with any batch where the graph holds for any. Throws Error "nn.input", "nn.run". Keep an Executor
  /// to run it often.
  std::vector<at::Tensor> operator()(const std::vector<at::Tensor>& inputs) const;
  /// Of a network with one input and one result.
  at::Tensor operator()(const at::Tensor& input) const;

  /// The graph for people: one node a line, with the type of every value.
  std::string print_readable() const;

  explicit Network(detail::State state) : state_(std::move(state)) {}
  const detail::State& state() const { return state_; }

 private:
  detail::State state_;
};

}  // namespace graftwork

// Runs a graph on tensors.
#pragma once

#include <ATen/ATen.h>

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "graftwork/nn/module_kernels.h"
#include "graftwork/nn/operator_call.h"
#include "graftwork/nn/tensor_store.h"

namespace graftwork {

/// A call prepared for inference in another way than the reference kernel; see fast_modules.h.
class PreparedModule {
 public:
  virtual ~PreparedModule() = default;
  virtual at::Tensor run(std::span<const at::Tensor> inputs) const = 0;
};

/// Prepares a call_module node, or gives null: the reference kernel runs then.
using Preparer = std::function<std::unique_ptr<PreparedModule>(const GraphModule&, const Node&)>;

/// Sees the value of a watched node and may put another in its place.
using Watcher = std::function<void(const Node&, at::Tensor& value)>;

struct RunOptions {
  Mode mode = Mode::kEval;
  /// Called for watched nodes (Executor::watch), in graph order.
  Watcher watcher;
  /// The first extent of an input may differ from the declared one: for graphs that hold for any batch.
  bool any_batch = false;
};

/// A graph made ready to run: operators looked up, constants bound, last uses known. Refers to the graph,
/// which must stay as it is. Parameters are arguments of each run: training, functional calls and copies need
/// that. Runs under autograd when it is on. Safe to run from many threads.
class Executor {
 public:
  /// Throws Error "nn.unsupported" that lists every operator which torch does not know, with its place.
  explicit Executor(const GraphModule& module, const Preparer& prepare = {});
  ~Executor();
  Executor(Executor&&) noexcept;

  /// Values of these nodes go through RunOptions::watcher.
  void watch(std::span<const Node* const> nodes);

  /// Results in signature order. A value is freed after its last use. Throws Error "nn.input" when the
  /// inputs do not fit the signature, and "nn.run" with the node's place when torch fails.
  std::vector<at::Tensor> run(const TensorStore& tensors, std::span<const at::Tensor> inputs,
                              const RunOptions& options = {}) const;

 private:
  struct Step;
  at::Tensor call_module(const Step& step, std::span<c10::IValue> values, const TensorStore& tensors,
                         const RunOptions& options) const;
  void run_step(const Step& step, std::span<c10::IValue> values, const TensorStore& tensors, const RunOptions& options,
                c10::Device device) const;

  const GraphModule& module_;
  std::vector<Step> steps_;
  std::vector<const Node*> inputs_;
  size_t value_count_ = 0;
  std::vector<size_t> results_;
};

/// Checks one tensor against an input's declared type: element type, rank and static extents (but the first, with
/// `any_batch`). Throws Error "nn.input" that names the input.
void check_input(const Node& input, const at::Tensor& tensor, bool any_batch = false);

}  // namespace graftwork

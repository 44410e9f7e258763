// The reference executor: what a network means.
#pragma once

#include "graftwork/nn/program.h"

namespace graftwork::core {

struct RunOptions {
  Mode mode = Mode::kEval;
  /// The mode of each module, by its index in the table, in the place of `mode`; none: `mode` is every module's.
  std::span<const Mode> modes = {};
  /// Called for watched values, in the order in which they are computed.
  Watcher watcher;
  /// The first extent of an input may differ from the declared one: for graphs that hold for any batch.
  bool any_batch = false;
  /// Polled before each step; true stops with Error "interrupted".
  std::function<bool()> interrupted = {};
};

/// Runs a graph by the reference kernels, bodies node by node, every fake-quantize as it stands. Parameters are
/// arguments of each run: training, functional calls and copies need that. Runs under autograd when it is on, in every
/// mode, and reads no tensor's values. Refers to the graph, which must stay as it is. Safe to run from many threads.
class Executor {
 public:
  /// With `half` as a file with FP16 regions computes. Throws as Program does.
  explicit Executor(const GraphModule& module, std::vector<ValueRef> watched = {}, const HalfRegions* half = nullptr)
      : program_(module, std::move(watched), {}, half) {}

  /// Results in signature order. Throws as Program::run does.
  std::vector<at::Tensor> run(const TensorStore& tensors, std::span<const at::Tensor> inputs,
                              const RunOptions& options = {}) const {
    return program_.run(inputs, environment(tensors, options));
  }

  /// As run(), step by step.
  Program::Run start(const TensorStore& tensors, std::span<const at::Tensor> inputs, const RunOptions& options) const {
    return program_.start(inputs, environment(tensors, options));
  }

 private:
  static Program::Environment environment(const TensorStore& tensors, const RunOptions& options) {
    return {tensors, options.mode, options.watcher, options.any_batch, options.modes, &options.interrupted};
  }

  Program program_;
};

}  // namespace graftwork::core

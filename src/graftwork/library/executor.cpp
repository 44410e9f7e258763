#include "graftwork/nn/executor.h"

#include <graftwork/executor.h>

#include <mutex>
#include <optional>
#include <utility>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/library/state.h"
#include "graftwork/nn/inference_runner.h"
#include "graftwork/nn/run_memory.h"
#include "graftwork/patterns/transform.h"
#include "graftwork/quant/micro_batch.h"

namespace graftwork {

namespace {

/// Whether samples may be as many as the caller has. What operators do with a batch is known of the modules that they
/// make up.
bool takes_any_batch(const core::GraphModule& module) {
  if (core::holds_for_any_batch(module)) return true;
  core::GraphModule raised = module.clone();
  core::prepare_graph(raised);
  return core::holds_for_any_batch(raised);
}

}  // namespace

struct Executor::State {
  State(const Network& given, Speed speed, int64_t limit)
      : network(given), any_batch(takes_any_batch(given.state()->module())), memory_limit(limit) {
    if (speed == Speed::FAST) {
      fast.emplace(network.state()->network());
    } else {
      reference.emplace(network.state()->module());
    }
  }

  Network network;  // keeps the graph alive
  /// Inputs of the shapes that have fitted before fit again: small networks run in less time than the question takes.
  void check_memory(const std::vector<at::Tensor>& inputs) const {
    std::vector<std::vector<int64_t>> shapes;
    for (const at::Tensor& input : inputs) {
      if (!input.defined() || input.layout() != at::kStrided) return;
      shapes.push_back(input.sizes().vec());
    }
    const std::scoped_lock lock(mutex);
    if (shapes == fitting) return;
    core::check_memory(network.state()->module(), inputs, memory_limit);
    fitting = std::move(shapes);
  }

  bool any_batch;
  int64_t memory_limit;
  mutable std::mutex mutex;
  mutable std::vector<std::vector<int64_t>> fitting;
  std::optional<core::Executor> reference;
  std::optional<core::InferenceRunner> fast;
};

Executor::Executor(const Network& network, Speed speed, int64_t memory_limit)
    : state_(std::make_shared<const State>(network, speed, memory_limit)) {}

std::vector<at::Tensor> Executor::run(const std::vector<at::Tensor>& inputs) const {
  state_->check_memory(inputs);
  if (state_->fast) {
    const at::NoGradGuard no_grad;
    return state_->fast->run(inputs, {}, state_->any_batch);
  }
  core::RunOptions options;
  options.any_batch = state_->any_batch;
  return state_->reference->run(state_->network.state()->network().tensors, inputs, options);
}

at::Tensor Executor::operator()(const at::Tensor& input) const {
  const std::vector<at::Tensor> results = run({input});
  if (results.size() == 1) return results.front();
  throw Error("nn.output", core::cat("the network has ", results.size(), " results, not one"), "Executor::run");
}

}  // namespace graftwork

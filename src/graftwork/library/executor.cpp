#include "graftwork/nn/executor.h"

#include <graftwork/executor.h>

#include <optional>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/library/state.h"
#include "graftwork/nn/inference_runner.h"
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
  State(const Network& given, Speed speed) : network(given), any_batch(takes_any_batch(given.state()->module())) {
    if (speed == Speed::FAST) {
      fast.emplace(network.state()->network());
    } else {
      reference.emplace(network.state()->module());
    }
  }

  Network network;  // keeps the graph alive
  bool any_batch;
  std::optional<core::Executor> reference;
  std::optional<core::InferenceRunner> fast;
};

Executor::Executor(const Network& network, Speed speed) : state_(std::make_shared<const State>(network, speed)) {}

std::vector<at::Tensor> Executor::run(const std::vector<at::Tensor>& inputs) const {
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

#include "graftwork/nn/inference_runner.h"

#include "graftwork/base/error.h"
#include "graftwork/nn/prepared_conv.h"
#include "graftwork/nn/prepared_linear.h"

namespace graftwork::core {
namespace {

bool records_gradients(const TensorStore& tensors, std::span<const at::Tensor> inputs) {
  if (!at::GradMode::is_enabled()) return false;
  const auto requires_grad = [](const at::Tensor& tensor) { return tensor.requires_grad(); };
  return std::any_of(inputs.begin(), inputs.end(), requires_grad) ||
         std::any_of(tensors.begin(), tensors.end(), [&](const auto& entry) { return requires_grad(entry.second); });
}

Preparer prepared_layers(const TensorStore& tensors) {
  return [convolutions = prepared_convolutions(tensors), linears = prepared_linears(tensors)](const GraphModule& module,
                                                                                              const Node& call) {
    Prepared prepared = convolutions(module, call);
    return prepared.module ? std::move(prepared) : linears(module, call);
  };
}

}  // namespace

InferenceRunner::InferenceRunner(const Network& network, std::vector<ValueRef> watched)
    : tensors_(network.tensors), program_(network.module, std::move(watched), prepared_layers(network.tensors)) {}

Program::Run InferenceRunner::start(std::span<const at::Tensor> inputs, const Watcher& watcher, bool any_batch) const {
  if (records_gradients(tensors_, inputs)) {
    throw Error("nn.inference", "the inference runner gives no gradients",
                "the Executor, or at::NoGradGuard where none are wanted");
  }
  return program_.start(inputs, {tensors_, Mode::kEval, watcher, any_batch});
}

std::vector<at::Tensor> InferenceRunner::run(std::span<const at::Tensor> inputs, const Watcher& watcher,
                                             bool any_batch) const {
  Program::Run run = start(inputs, watcher, any_batch);
  while (run.advance()) {
  }
  return run.results();
}

c10::IValue InferenceRunner::run_node(const Node& node, std::span<const c10::IValue> operands) const {
  return program_.run_node(node, operands, {tensors_, Mode::kEval, {}, true});
}

}  // namespace graftwork::core

#include "graftwork/nn/executor.h"

#include <unordered_map>
#include <unordered_set>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/nn/dtypes.h"
#include "graftwork/nn/size_arithmetic.h"

namespace graftwork {

struct Executor::Step {
  const Node* node = nullptr;
  size_t value = 0;  // where the result goes
  std::vector<size_t> operands;
  std::vector<size_t> last_uses;       // values that nobody reads after this step
  std::unique_ptr<OperatorCall> call;  // call_function on tensors
  std::unique_ptr<PreparedModule> prepared;
  bool watched = false;
};

namespace {

/// MKL's vector functions choose their code on their first call. Two threads that do so at once were seen to compute
/// exp with an error of 1e-4 in one of them; so the first call is made here, by one thread.
void choose_vector_code() { [[maybe_unused]] static const at::Tensor once = at::exp(at::zeros({1})); }

}  // namespace

Executor::Executor(const GraphModule& module, const Preparer& prepare) : module_(module) {
  choose_vector_code();
  std::unordered_map<const Node*, size_t> index;
  std::vector<std::string> unknown;
  for (const Node& node : module.graph().nodes()) {
    Step step;
    step.node = &node;
    step.value = index.size();
    index.emplace(&node, step.value);
    for (const Use& use : node.inputs()) step.operands.push_back(index.at(use.producer()));
    if (node.kind() == NodeKind::kInput) inputs_.push_back(&node);
    if (node.kind() == NodeKind::kOutput) results_ = step.operands;
    if (node.kind() == NodeKind::kCallModule && prepare) step.prepared = prepare(module, node);
    if (node.kind() == NodeKind::kCallFunction && !is_size_operator(node.op())) {
      try {
        step.call = std::make_unique<OperatorCall>(node.op(), node.attrs(), node.input_count());
      } catch (const Error& error) {
        unknown.push_back(place_of(node) + ": " + error.message());
      }
    }
    steps_.push_back(std::move(step));
  }
  value_count_ = index.size();
  if (!unknown.empty()) {
    Error error("nn.unsupported", cat(counted(unknown.size(), "operator"), " cannot be run"));
    for (std::string& place : unknown) error.at(std::move(place));
    throw error;
  }
  std::vector<bool> read_later(value_count_, false);
  for (const size_t result : results_) read_later[result] = true;
  for (auto step = steps_.rbegin(); step != steps_.rend(); ++step) {
    for (const size_t operand : step->operands) {
      if (!read_later[operand]) step->last_uses.push_back(operand);
      read_later[operand] = true;
    }
    if (!read_later[step->value]) step->last_uses.push_back(step->value);
  }
}

Executor::~Executor() = default;
Executor::Executor(Executor&&) noexcept = default;

void Executor::watch(std::span<const Node* const> nodes) {
  const std::unordered_set<const Node*> wanted(nodes.begin(), nodes.end());
  for (Step& step : steps_) step.watched = wanted.contains(step.node);
}

void check_input(const Node& input, const at::Tensor& tensor, bool any_batch) {
  const TensorType* type = input.tensor();
  if (!type) return;
  const TensorType given = type_of(tensor);
  bool fits = given.dtype == type->dtype && given.rank() == type->rank();
  for (size_t i = any_batch ? 1 : 0; fits && i < given.rank(); ++i)
    fits = !type->dims[i].is_static() || type->dims[i] == given.dims[i];
  if (!fits)
    throw Error("nn.input", cat("input ", input.name().str(), " is ", type->text(), ", the data is ", given.text()));
}

std::vector<at::Tensor> Executor::run(const TensorStore& tensors, std::span<const at::Tensor> inputs,
                                      const RunOptions& options) const {
  if (inputs.size() != inputs_.size()) {
    throw Error("nn.input", cat("the network takes ", counted(inputs_.size(), "input"), ", not ", inputs.size()));
  }
  std::vector<c10::IValue> values(value_count_);
  const c10::Device device = inputs.empty() ? c10::Device(c10::kCPU) : inputs[0].device();
  size_t next_input = 0;
  for (const Step& step : steps_) {
    if (step.node->kind() == NodeKind::kInput) {
      check_input(*step.node, inputs[next_input], options.any_batch);
      values[step.value] = inputs[next_input++];
    } else {
      run_step(step, values, tensors, options, device);
    }
    if (step.watched && options.watcher && values[step.value].isTensor()) {
      at::Tensor value = values[step.value].toTensor();
      options.watcher(*step.node, value);
      values[step.value] = std::move(value);
    }
    for (const size_t dead : step.last_uses) values[dead] = c10::IValue();
  }
  std::vector<at::Tensor> results;
  for (const size_t result : results_) {
    const c10::IValue& value = values[result];
    if (!value.isTensor()) throw Error("nn.output", "a result of the network is no tensor");
    results.push_back(value.toTensor());
  }
  return results;
}

at::Tensor Executor::call_module(const Step& step, std::span<c10::IValue> values, const TensorStore& tensors,
                                 const RunOptions& options) const {
  std::vector<at::Tensor> inputs;
  for (const size_t operand : step.operands) inputs.push_back(values[operand].toTensor());
  if (step.prepared) return step.prepared->run(inputs);
  return run_module(module_.record(*step.node), inputs, {module_.modules(), tensors, options.mode});
}

void Executor::run_step(const Step& step, std::span<c10::IValue> values, const TensorStore& tensors,
                        const RunOptions& options, c10::Device device) const {
  const Node& node = *step.node;
  try {
    switch (node.kind()) {
      case NodeKind::kInput:
      case NodeKind::kOutput:
        return;
      case NodeKind::kConstant:
        values[step.value] = evaluate(node.constant(), tensors);
        return;
      case NodeKind::kCallModule:
        values[step.value] = call_module(step, values, tensors, options);
        return;
      case NodeKind::kGetItem:
        values[step.value] =
            values[step.operands[0]].toTupleRef().elements().at(static_cast<size_t>(node.item_index()));
        return;
      case NodeKind::kCallFunction:
        break;
    }
    if (!step.call) {
      std::vector<c10::IValue> operands;
      for (const auto& [name, attr] : node.attrs()) {
        if (const InputRef* ref = attr.get<InputRef>()) {
          operands.push_back(values[step.operands[ref->slot]]);
        } else if (const int64_t* whole = attr.get<int64_t>()) {
          operands.emplace_back(*whole);
        } else if (const double* real = attr.get<double>()) {
          operands.emplace_back(*real);
        }
      }
      values[step.value] = run_size_operator(node.op(), operands);
      return;
    }
    std::vector<const c10::IValue*> operands;
    for (const size_t operand : step.operands) operands.push_back(&values[operand]);
    values[step.value] = step.call->run(operands, device);
  } catch (Error& error) {
    throw error.at(place_of(node));
  } catch (const c10::Error& error) {
    throw Error("nn.run", error.what_without_backtrace()).at(place_of(node));
  }
}

}  // namespace graftwork

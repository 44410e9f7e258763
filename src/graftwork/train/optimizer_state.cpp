#include "graftwork/train/optimizer_state.h"

#include <torch/optim/adam.h>
#include <torch/optim/adamw.h>
#include <torch/optim/sgd.h>

#include <algorithm>
#include <memory>
#include <unordered_map>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"

namespace graftwork::core {
namespace {

using torch::optim::Optimizer;
using torch::optim::OptimizerParamState;

/// The state of one parameter; tensors that the optimiser has not made yet are absent.
using Fields = std::map<std::string, at::Tensor>;

/// How one kind of optimiser keeps it.
struct Form {
  std::string kind;
  bool (*is)(const Optimizer&);
  Fields (*read)(const OptimizerParamState&);
  std::unique_ptr<OptimizerParamState> (*make)(const Fields&);
};

void add(Fields& fields, const std::string& name, const at::Tensor& value) {
  if (value.defined()) fields[name] = value;
}

at::Tensor copy_of(const Fields& fields, const std::string& name) {
  const auto found = fields.find(name);
  return found == fields.end() ? at::Tensor() : found->second.detach().clone();
}

template <class Kind>
bool is(const Optimizer& optimizer) {
  return dynamic_cast<const Kind*>(&optimizer) != nullptr;
}

Fields read_momentum(const OptimizerParamState& state) {
  Fields fields;
  add(fields, "momentum_buffer", static_cast<const torch::optim::SGDParamState&>(state).momentum_buffer());
  return fields;
}

std::unique_ptr<OptimizerParamState> make_momentum(const Fields& fields) {
  auto state = std::make_unique<torch::optim::SGDParamState>();
  state->momentum_buffer(copy_of(fields, "momentum_buffer"));
  return state;
}

template <class State>
Fields read_moments(const OptimizerParamState& any) {
  const auto& state = static_cast<const State&>(any);
  Fields fields;
  add(fields, "step", at::scalar_tensor(state.step(), at::kLong));
  add(fields, "exp_avg", state.exp_avg());
  add(fields, "exp_avg_sq", state.exp_avg_sq());
  add(fields, "max_exp_avg_sq", state.max_exp_avg_sq());
  return fields;
}

template <class State>
std::unique_ptr<OptimizerParamState> make_moments(const Fields& fields) {
  auto state = std::make_unique<State>();
  const auto step = fields.find("step");
  if (step == fields.end()) throw Error("train.optimizer", "a parameter has no count of steps");
  state->step(step->second.item<int64_t>());
  state->exp_avg(copy_of(fields, "exp_avg"));
  state->exp_avg_sq(copy_of(fields, "exp_avg_sq"));
  state->max_exp_avg_sq(copy_of(fields, "max_exp_avg_sq"));
  return state;
}

const Form& form_of(const Optimizer& optimizer) {
  using namespace torch::optim;
  static const std::vector<Form> forms{
      {"SGD", is<SGD>, read_momentum, make_momentum},
      {"Adam", is<Adam>, read_moments<AdamParamState>, make_moments<AdamParamState>},
      {"AdamW", is<AdamW>, read_moments<AdamWParamState>, make_moments<AdamWParamState>}};
  for (const Form& form : forms) {
    if (form.is(optimizer)) return form;
  }
  throw Error("train.optimizer", "the state of this kind of optimiser is not known", "SGD, Adam or AdamW");
}

/// Names by the address that optimisers know parameters by.
std::unordered_map<const void*, std::string> names_of(std::span<const NamedTensor> parameters) {
  std::unordered_map<const void*, std::string> names;
  for (const auto& [name, tensor] : parameters) names[tensor.unsafeGetTensorImpl()] = name;
  return names;
}

/// The fields of each parameter.
std::map<std::string, Fields> by_parameter(const std::map<std::string, at::Tensor>& tensors) {
  std::map<std::string, Fields> result;
  for (const auto& [name, tensor] : tensors) {
    const size_t slash = name.rfind('/');
    if (slash == std::string::npos) throw Error("train.optimizer", cat(quoted(name), " names no parameter"));
    result[name.substr(0, slash)][name.substr(slash + 1)] = tensor;
  }
  return result;
}

}  // namespace

OptimizerState state_of(const Optimizer& optimizer, std::span<const NamedTensor> parameters) {
  const Form& form = form_of(optimizer);
  const auto names = names_of(parameters);
  OptimizerState result{form.kind, {}, {}};
  for (const torch::optim::OptimizerParamGroup& group : optimizer.param_groups()) {
    result.learning_rates.push_back(group.options().get_lr());
    for (const at::Tensor& parameter : group.params()) {
      const auto name = names.find(parameter.unsafeGetTensorImpl());
      if (name == names.end())
        throw Error("train.optimizer", "the optimiser has a parameter that is none of the network's");
      const auto state = optimizer.state().find(parameter.unsafeGetTensorImpl());
      if (state == optimizer.state().end()) continue;  // it had no gradient yet
      for (const auto& [field, tensor] : form.read(*state->second))
        result.tensors[cat(name->second, "/", field)] = tensor;
    }
  }
  return result;
}

void restore(Optimizer& optimizer, const OptimizerState& state, std::span<const NamedTensor> parameters) {
  const Form& form = form_of(optimizer);
  if (state.kind != form.kind)
    throw Error("train.optimizer", cat("the state is that of ", state.kind, ", the optimiser is ", form.kind));
  const size_t groups = optimizer.param_groups().size();
  if (state.learning_rates.size() != groups)
    throw Error("train.optimizer", cat("the state has ", counted(state.learning_rates.size(), "parameter group"),
                                       ", the optimiser ", groups));
  std::map<std::string, Fields> fields = by_parameter(state.tensors);
  const auto names = names_of(parameters);
  std::vector<std::pair<void*, std::unique_ptr<OptimizerParamState>>> made;
  for (const torch::optim::OptimizerParamGroup& group : optimizer.param_groups()) {
    for (const at::Tensor& parameter : group.params()) {
      const auto name = names.find(parameter.unsafeGetTensorImpl());
      const auto found = name == names.end() ? fields.end() : fields.find(name->second);
      if (found == fields.end()) continue;
      for (const auto& [field, tensor] : found->second) {
        if (field != "step" && tensor.sizes() != parameter.sizes())
          throw Error("train.optimizer",
                      cat(field, " of ", name->second, " has the shape ", tensor.sizes(), ", not ", parameter.sizes()));
      }
      made.emplace_back(parameter.unsafeGetTensorImpl(), form.make(found->second));
      fields.erase(found);
    }
  }
  if (!fields.empty())
    throw Error("train.optimizer", cat("the optimiser has no parameter ", quoted(fields.begin()->first)));
  optimizer.state().clear();
  for (auto& [parameter, own] : made) optimizer.state()[parameter] = std::move(own);
  for (size_t i = 0; i < groups; ++i) optimizer.param_groups()[i].options().set_lr(state.learning_rates[i]);
}

}  // namespace graftwork::core

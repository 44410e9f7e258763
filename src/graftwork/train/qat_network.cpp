#include "graftwork/train/qat_network.h"

#include <array>
#include <functional>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/ir/kinds/quant.h"
#include "graftwork/quant/content_hash.h"
#include "graftwork/quant/micro_batch.h"

namespace graftwork::core {
namespace {

const std::array<Symbol, 2> kStatistics{"running_mean", "running_var"};

bool is_statistic(Symbol param) { return param == kStatistics[0] || param == kStatistics[1]; }

/// Records that the graph calls, and their parts.
void visit_records(const GraphModule& module, const std::function<void(ModuleId, const ModuleRecord&)>& visit) {
  const ModuleTable& modules = module.modules();
  std::vector<bool> seen(modules.size(), false);
  const std::function<void(ModuleId)> walk = [&](ModuleId id) {
    if (seen[id.index]) return;
    seen[id.index] = true;
    visit(id, modules[id]);
    for (const auto& [role, child] : modules[id].children) walk(child);
  };
  for (const Node& node : module.graph().nodes()) {
    if (node.kind() == NodeKind::kCallModule) walk(node.module());
  }
}

/// Names of the leaves that training changes by gradients; `constants` are none.
std::set<std::string> trained_leaves(const Network& network, const std::map<std::string, bool>& trainable,
                                     const std::set<std::string>& constants) {
  std::set<std::string> of_modules, statistics;
  visit_records(network.module, [&](ModuleId, const ModuleRecord& record) {
    if (is_quantizer(record.kind)) return;
    for (const auto& [name, expr] : record.params) {
      for (const Symbol leaf : expr.leaves()) (is_statistic(name) ? statistics : of_modules).insert(leaf.str());
    }
  });
  std::set<std::string> trained;
  for (const auto& [name, type] : network.module.parameters()) {
    const auto known = trainable.find(name);
    const bool is_models = known != trainable.end() ? known->second : of_modules.contains(name);
    if (constants.contains(name) || statistics.contains(name)) continue;
    if (is_floating(type.dtype) && (is_models || is_log_scale(name))) trained.insert(name);
  }
  return trained;
}

/// Whether what is written to the value of an expression is written to its only leaf, which is contiguous.
bool is_written_through(const ParamExpr& expr) {
  switch (expr.op()) {
    case ParamExpr::Op::kLeaf:
      return true;
    case ParamExpr::Op::kSlice:
    case ParamExpr::Op::kPermute:
      return is_written_through(expr.operands()[0]);
    case ParamExpr::Op::kView:
      return expr.operands()[0].op() == ParamExpr::Op::kLeaf;
    default:
      return false;
  }
}

/// What the module reads and nothing else, each tensor a copy.
TensorStore copied(const Network& network) {
  const at::NoGradGuard no_grad;
  TensorStore tensors;
  for (const auto& [name, type] : network.module.parameters())
    tensors.set(name, network.tensors.at(name).detach().clone(at::MemoryFormat::Contiguous));
  return tensors;
}

Network trainable(const QuantizationResult& calibrated, LearnedScales scales) {
  Network network = calibrated.network.clone();
  learn_scales(network, calibrated.plan, scales);
  network.tensors = copied(network);
  return network;
}

}  // namespace

QatNetwork::QatNetwork(const QuantizationResult& calibrated, QatOptions options)
    : network_(trainable(calibrated, options.learned_scales)),
      origin_(content_hash(network_)),
      plan_(calibrated.plan),
      trained_(trained_leaves(network_, options.trainable, calibrated.factors)),
      modes_(network_.module.modules()),
      executor_(network_.module),
      any_batch_(holds_for_any_batch(network_.module)) {
  for (const std::string& name : trained_) network_.tensors.at(name).requires_grad_();
  // Statistics that are put together of several tensors cannot be written to.
  visit_records(network_.module, [&](ModuleId id, const ModuleRecord& record) {
    for (const Symbol name : kStatistics) {
      const ParamExpr* expr = record.param(name);
      if (expr && !is_written_through(*expr)) modes_.freeze(id);
    }
  });
}

std::vector<NamedTensor> QatNetwork::named_parameters() const {
  std::vector<NamedTensor> found;
  for (const std::string& name : trained_) found.emplace_back(name, network_.tensors.at(name));
  return found;
}

std::vector<at::Tensor> QatNetwork::parameters() const {
  std::vector<at::Tensor> found;
  for (const std::string& name : trained_) found.push_back(network_.tensors.at(name));
  return found;
}

std::vector<at::Tensor> QatNetwork::model_parameters() const {
  std::vector<at::Tensor> found;
  for (const std::string& name : trained_) {
    if (!is_log_scale(name)) found.push_back(network_.tensors.at(name));
  }
  return found;
}

std::vector<at::Tensor> QatNetwork::scale_parameters() const {
  std::vector<at::Tensor> found;
  for (const std::string& name : trained_) {
    if (is_log_scale(name)) found.push_back(network_.tensors.at(name));
  }
  return found;
}

std::vector<NamedTensor> QatNetwork::named_buffers() const {
  std::vector<NamedTensor> found;
  for (const auto& [name, tensor] : network_.tensors) {
    if (!trained_.contains(name)) found.emplace_back(name, tensor);
  }
  return found;
}

std::vector<at::Tensor> QatNetwork::forward(std::span<const at::Tensor> inputs) const {
  RunOptions options;
  options.modes = modes_.modes();
  options.any_batch = any_batch_;
  return executor_.run(network_.tensors, inputs, options);
}

at::Tensor QatNetwork::forward(const at::Tensor& input) const {
  std::vector<at::Tensor> results = forward(std::span(&input, 1));
  if (results.size() != 1)
    throw Error("train.results", cat("the network has ", results.size(), " results"), "forward of a list of inputs");
  return std::move(results.front());
}

Network QatNetwork::freeze(const FreezeOptions& file) const {
  Network frozen = network_.clone();
  const bool one_type = or_used(file.backend)->file.products_take_scales_of_one_type;
  freeze_scales(frozen, plan_, {file.float_type, file.keep_batch_norm, one_type});
  frozen.tensors = copied(frozen);
  return frozen;
}

}  // namespace graftwork::core

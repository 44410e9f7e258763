#include "graftwork/nn/tensor_store.h"

#include "graftwork/base/error.h"
#include "graftwork/base/memory.h"
#include "graftwork/base/saturating.h"
#include "graftwork/base/text.h"
#include "graftwork/nn/allowed_operators.h"
#include "graftwork/nn/dtypes.h"
#include "graftwork/nn/operator_call.h"
#include "graftwork/nn/torch_failure.h"

namespace graftwork::core {

void TensorStore::set(Symbol name, at::Tensor tensor) {
  tensors_[name.str()] = std::move(tensor);
  mapped_.erase(name);
}

void TensorStore::set_mapped(Symbol name, at::Tensor tensor) {
  tensors_[name.str()] = std::move(tensor);
  mapped_.insert(name);
}

void TensorStore::let_go(Symbol name) const {
  constexpr size_t kLarge = size_t{1} << 20;
  if (!mapped_.contains(name)) return;
  const at::Storage& storage = at(name).storage();
  if (storage.nbytes() < kLarge) return;
  let_go_of_pages({static_cast<const std::byte*>(storage.data()), storage.nbytes()});
}

const at::Tensor& TensorStore::at(Symbol name) const {
  const auto found = tensors_.find(name.str());
  if (found == tensors_.end()) throw Error("nn.parameter", cat("the network has no tensor ", name.str()));
  return found->second;
}

ParamExpr TensorStore::leaf(Symbol name) const { return ParamExpr::leaf(name, type_of(at(name))); }

namespace {

at::Tensor compute(const ParamExpr& expr, const TensorStore& tensors) {
  const Symbol op = expr.operator_name();
  const auto refuse = [&](const std::string& why) { throw Error("nn.parameter", cat(op.str(), ": ", why)); };
  if (!is_allowed(op)) refuse("it does not compute parameters");
  std::vector<c10::IValue> values;
  for (const ParamExpr& operand : expr.operands()) values.emplace_back(evaluate(operand, tensors));
  const std::vector<const c10::IValue*> inputs = pointers_to(values);
  const OperatorCall call(op, expr.attrs(), values.size());
  const Outcome fits = check_arguments(op, call.arguments(inputs, at::kCPU));
  if (!fits) refuse(fits.reason());
  std::vector<c10::IValue> results;
  try {
    results = results_in(call.run(inputs, at::kCPU));
  } catch (...) {
    refuse(reason_of_failure());  // a singular matrix
  }
  const auto wanted = static_cast<size_t>(expr.numbers()[0]);
  if (wanted >= results.size()) refuse(cat("it has no result ", wanted));
  if (!results[wanted].isTensor()) refuse("its result is no tensor");
  at::Tensor tensor = results[wanted].toTensor();
  if (type_of(tensor) != expr.type()) refuse(cat("it gives ", type_of(tensor).text(), ", not ", expr.type().text()));
  return tensor;
}

}  // namespace

int64_t bytes_of(const at::Tensor& tensor) {
  return saturating_product(tensor.numel(), static_cast<int64_t>(tensor.element_size()));
}

at::Tensor evaluate(const ParamExpr& expr, const TensorStore& tensors) {
  switch (expr.op()) {
    case ParamExpr::Op::kLeaf:
      return tensors.at(expr.leaf_name());
    case ParamExpr::Op::kView:
      return evaluate(expr.operands()[0], tensors).reshape(expr.numbers());
    case ParamExpr::Op::kPermute:
      return evaluate(expr.operands()[0], tensors).permute(expr.numbers());
    case ParamExpr::Op::kSlice:
      return evaluate(expr.operands()[0], tensors).slice(expr.numbers()[0], expr.numbers()[1], expr.numbers()[2]);
    case ParamExpr::Op::kConcat: {
      std::vector<at::Tensor> parts;
      for (const ParamExpr& operand : expr.operands()) parts.push_back(evaluate(operand, tensors));
      return at::cat(parts, expr.numbers()[0]);
    }
    case ParamExpr::Op::kMultiply:
      return evaluate(expr.operands()[0], tensors) * evaluate(expr.operands()[1], tensors);
    case ParamExpr::Op::kOperator:
      return compute(expr, tensors);
  }
  return {};
}

bool is_wide(const WideNodes& wide, const Node& node) {
  if (wide.empty()) return false;
  const Node& maker = node.kind() == NodeKind::kGetItem ? node.input(0) : node;
  return wide.contains(maker.name().str());
}

}  // namespace graftwork::core

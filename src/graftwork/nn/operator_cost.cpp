#include "graftwork/nn/operator_cost.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <bit>
#include <limits>

#include "graftwork/base/saturating.h"
#include "graftwork/ir/operator_name.h"
#include "graftwork/nn/allowed_operators.h"

namespace graftwork::core {
namespace {

using Stack = torch::jit::Stack;
using Tensors = std::vector<at::Tensor>;

constexpr int64_t kMost = std::numeric_limits<int64_t>::max();

/// Steps for each element that is read or written, and for each that is put in order.
constexpr int64_t kStepsOfElement = 4, kStepsToSort = 32;

/// Multiplications of floats that BLAS does, at least, in the time of one step.
constexpr int64_t kProductsPerStep = 8;

/// For each matrix, however small, and for each group of a convolution.
constexpr int64_t kStepsOfMatrix = 16384, kStepsOfGroup = 4096, kBytesOfGroup = 512;

bool is_tensor_list(const c10::IValue& value) { return value.isTensorList() || value.isOptionalTensorList(); }

Tensors tensors_in(const Stack& arguments) {
  Tensors tensors;
  for (const c10::IValue& argument : arguments) {
    if (argument.isTensor() && argument.toTensor().defined()) tensors.push_back(argument.toTensor());
    if (!is_tensor_list(argument)) continue;
    for (const c10::IValue& element : argument.toListRef()) {
      if (element.isTensor() && element.toTensor().defined()) tensors.push_back(element.toTensor());
    }
  }
  return tensors;
}

int64_t bytes_of_element(const at::Tensor& tensor) { return static_cast<int64_t>(tensor.element_size()); }

/// Elements of the last two dimensions.
int64_t elements_of_matrix(const at::Tensor& tensor) {
  return saturating_product(tensor.dim() > 0 ? tensor.size(-1) : 1, tensor.dim() > 1 ? tensor.size(-2) : 1);
}

int64_t matrices_in(const at::Tensor& tensor) {
  return tensor.numel() == 0 ? 0 : tensor.numel() / elements_of_matrix(tensor);
}

/// Products that a power takes, by squares: at most two for each of its binary digits.
int64_t products_of_power(int64_t power) {
  const auto size = static_cast<uint64_t>(power);
  return 2 * std::bit_width(power < 0 ? 0 - size : size) + 1;
}

/// The operands, each repeated for every matrix of the largest batch.
int64_t repeated(const Tensors& operands, int64_t batch) {
  int64_t bytes = 0;
  for (const at::Tensor& operand : operands) {
    const int64_t matrix = saturating_product(elements_of_matrix(operand), bytes_of_element(operand));
    bytes = saturating_sum(bytes, saturating_product(batch, matrix));
  }
  return bytes;
}

int64_t largest_batch(const Tensors& tensors) {
  int64_t batch = 0;
  for (const at::Tensor& tensor : tensors) batch = std::max(batch, matrices_in(tensor));
  return batch;
}

/// A matrix of m rows and n columns takes some eight times m·n·max(m, n) multiplications, which are products mostly;
/// a power takes several times that.
OperatorCost cost_of_matrices(const Tensors& operands, const Tensors& results, int64_t times) {
  OperatorCost cost;
  const int64_t batch = std::max(largest_batch(operands), largest_batch(results));
  for (const at::Tensor& operand : operands) {
    const int64_t longer = operand.dim() < 2 ? 1 : std::max<int64_t>({operand.size(-1), operand.size(-2), 1});
    const int64_t each = saturating_product(saturating_product(elements_of_matrix(operand), longer), times);
    cost.steps = saturating_sum(cost.steps, saturating_product(batch, saturating_sum(each, kStepsOfMatrix)));
  }
  cost.scratch = repeated(operands, batch);
  return cost;
}

bool is_convolution(Symbol op) { return operator_name(op).find("conv") != std::string_view::npos; }

/// Of aten._convolution, which is the only one of the list that may be.
bool is_transposed(Symbol op, const Stack& arguments) {
  constexpr size_t kTransposed = 6;
  return operator_name(op) == "_convolution" && arguments.at(kTransposed).toBool();
}

int64_t last_extent(const at::Tensor& tensor) { return tensor.dim() > 0 ? tensor.size(-1) : 1; }

/// Multiplications for each element of the result: as many as the smallest operand has elements, or fewer.
int64_t products_of_each(Symbol op, const Tensors& operands) {
  const std::string_view name = operator_name(op);
  if (is_convolution(op) && operands.size() > 1 && operands[1].dim() > 0 && operands[1].size(0) > 0)
    return operands[1].numel() / operands[1].size(0);
  if (name == "linear" || name == "matmul" || name == "mm") return last_extent(operands[0]);
  // The first of three is added to the product of the others.
  if ((name == "addmm" || name == "addmv" || name == "baddbmm") && operands.size() > 1) return last_extent(operands[1]);
  int64_t most = kMost;
  for (const at::Tensor& operand : operands) {
    if (operand.dim() > 1 || operands.size() <= 2) most = std::min(most, operand.numel());
  }
  return most;
}

/// The windows of a convolution side by side, as where no kernel of its own is there for it. A transposed one computes
/// the windows of its result.
OperatorCost cost_of_windows(const Tensors& operands, const at::Tensor& result, bool transposed) {
  const at::Tensor &input = operands[0], &weight = operands[1];
  if (input.dim() < 2 || weight.dim() < 3 || result.dim() < 2 || weight.numel() == 0 || result.size(1) == 0) return {};
  const int64_t groups = std::max<int64_t>((transposed ? result : input).size(1) / weight.size(1), 1);
  const int64_t places = std::max(result.numel() / result.size(1), input.numel() / std::max<int64_t>(input.size(1), 1));
  const int64_t windows = saturating_product(places, weight.numel() / weight.size(0));
  return {
      saturating_product(groups, kStepsOfGroup),
      saturating_sum(saturating_product(windows, bytes_of_element(result)), saturating_product(groups, kBytesOfGroup))};
}

OperatorCost cost_of_products(Symbol op, const Stack& arguments, const Tensors& operands, const Tensors& results) {
  if (operands.empty() || results.empty()) return {};
  // What comes between two of several products may be larger than all that is seen.
  if (operator_name(op) == "einsum" && operands.size() > 2) return {kMost, kMost};
  OperatorCost cost;
  const bool transposed = is_transposed(op, arguments);
  if (is_convolution(op) && operands.size() > 1) cost = cost_of_windows(operands, results[0], transposed);
  if (!is_convolution(op)) cost.scratch = repeated(operands, std::max(largest_batch(operands), largest_batch(results)));
  const int64_t products =
      saturating_product(products_of_each(op, operands), (transposed ? operands : results)[0].numel());
  const bool is_fast = results[0].scalar_type() == at::kFloat || results[0].scalar_type() == at::kDouble;
  cost.steps = saturating_sum(cost.steps, is_fast ? products / kProductsPerStep : products);
  return cost;
}

}  // namespace

OperatorCost cost_of(Symbol op, const Stack& arguments, const Tensors& results) {
  const auto work = kind_of_work(op);
  if (!work) return {kMost, kMost};
  const Tensors operands = tensors_in(arguments);
  OperatorCost cost;
  if (*work == Work::kMatrices) {
    const bool is_power = operator_name(op).ends_with("matrix_power");
    cost = cost_of_matrices(operands, results, is_power ? products_of_power(arguments.at(1).toInt()) : 1);
  }
  if (*work == Work::kProduct) cost = cost_of_products(op, arguments, operands, results);
  const int64_t of_each = *work == Work::kSorting ? kStepsToSort : kStepsOfElement;
  for (const Tensors* tensors : {&operands, &results}) {
    for (const at::Tensor& tensor : *tensors)
      cost.steps = saturating_sum(cost.steps, saturating_product(tensor.numel(), of_each));
  }
  return cost;
}

}  // namespace graftwork::core

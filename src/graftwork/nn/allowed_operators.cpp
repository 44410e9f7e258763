#include "graftwork/nn/allowed_operators.h"

#include <bit>
#include <cmath>
#include <limits>
#include <unordered_map>

#include "graftwork/base/saturating.h"
#include "graftwork/ir/operator_name.h"

namespace graftwork::core {
namespace {

/// What of the arguments is checked beside shapes and what argument_checks.h says, and how work is counted.
enum class Check : uint8_t { kNothing, kIndices, kProduct, kMatrices, kSorting };

/// By the name without overload.
const std::unordered_map<std::string_view, Check>& list() {
  static const std::unordered_map<std::string_view, Check> all = [] {
    std::unordered_map<std::string_view, Check> made;
    const auto add = [&](Check check, std::initializer_list<std::string_view> names) {
      for (const std::string_view name : names) made.emplace(name, check);
    };
    // Element by element.
    add(Check::kNothing, {"abs",         "absolute",    "acos",         "acosh",      "add",
                          "addcdiv",     "addcmul",     "alias",        "arccos",     "arcsin",
                          "arctan",      "asin",        "asinh",        "atan",       "atan2",
                          "atanh",       "bitwise_and", "bitwise_not",  "bitwise_or", "bitwise_xor",
                          "ceil",        "celu",        "clamp",        "clamp_max",  "clamp_min",
                          "clip",        "clone",       "contiguous",   "copysign",   "cos",
                          "cosh",        "deg2rad",     "detach",       "elu",        "eq",
                          "erf",         "erfc",        "exp",          "exp2",       "expm1",
                          "fix",         "floor",       "fmax",         "fmin",       "frac",
                          "ge",          "gelu",        "greater",      "gt",         "greater_equal",
                          "hardsigmoid", "hardswish",   "hardtanh",     "hypot",      "isfinite",
                          "isinf",       "isnan",       "le",           "leaky_relu", "lerp",
                          "less",        "less_equal",  "lift_fresh",   "log",        "lift_fresh_copy",
                          "log10",       "log1p",       "log2",         "logaddexp",  "log_sigmoid",
                          "logical_and", "logical_not", "logical_or",   "logit",      "logical_xor",
                          "lt",          "masked_fill", "maximum",      "minimum",    "mish",
                          "mul",         "multiply",    "nan_to_num",   "ne",         "neg",
                          "negative",    "not_equal",   "positive",     "pow",        "prelu",
                          "rad2deg",     "reciprocal",  "relu",         "relu6",      "round",
                          "rsqrt",       "rsub",        "selu",         "sgn",        "sigmoid",
                          "sign",        "silu",        "sin",          "sinc",       "sinh",
                          "softplus",    "sqrt",        "square",       "sub",        "subtract",
                          "tan",         "tanh",        "threshold",    "to",         "trunc",
                          "type_as",     "where",       "xlogy",        "_to_copy",   "__and__",
                          "__or__",      "__xor__",     "_weight_norm", "addcmul",    "heaviside"});
    add(Check::kNothing, {"div", "divide", "true_divide", "floor_divide", "fmod", "remainder"});
    // New tensors.
    add(Check::kNothing,
        {"arange",        "bartlett_window", "blackman_window", "eye",         "fft_fftfreq",   "fft_rfftfreq",
         "full",          "full_like",       "hamming_window",  "hann_window", "kaiser_window", "linspace",
         "logspace",      "new_full",        "new_ones",        "new_zeros",   "ones",          "ones_like",
         "scalar_tensor", "tril_indices",    "triu_indices",    "zeros",       "zeros_like"});
    // The same elements elsewhere.
    add(Check::kNothing, {"_unsafe_view",
                          "atleast_1d",
                          "atleast_2d",
                          "atleast_3d",
                          "broadcast_tensors",
                          "broadcast_to",
                          "cat",
                          "channel_shuffle",
                          "chunk",
                          "column_stack",
                          "concat",
                          "concatenate",
                          "constant_pad_nd",
                          "diag_embed",
                          "diagonal",
                          "dstack",
                          "expand",
                          "expand_as",
                          "flatten",
                          "flip",
                          "fliplr",
                          "flipud",
                          "hstack",
                          "mH",
                          "mT",
                          "meshgrid",
                          "moveaxis",
                          "movedim",
                          "narrow",
                          "numpy_T",
                          "pad",
                          "permute",
                          "pixel_shuffle",
                          "pixel_unshuffle",
                          "ravel",
                          "repeat",
                          "reshape",
                          "reshape_as",
                          "roll",
                          "rot90",
                          "select",
                          "slice",
                          "split",
                          "split_with_sizes",
                          "squeeze",
                          "stack",
                          "swapaxes",
                          "swapdims",
                          "t",
                          "tile",
                          "transpose",
                          "tril",
                          "triu",
                          "unbind",
                          "unflatten",
                          "unfold",
                          "unsafe_chunk",
                          "unsafe_split",
                          "unsqueeze",
                          "view",
                          "view_as",
                          "vstack"});
    // Along dimensions.
    add(Check::kNothing, {"_softmax",
                          "_log_softmax",
                          "all",
                          "amax",
                          "amin",
                          "aminmax",
                          "any",
                          "argmax",
                          "argmin",

                          "count_nonzero",
                          "cumprod",
                          "cumsum",
                          "linalg_norm",
                          "linalg_vector_norm",
                          "log_softmax",
                          "logsumexp",
                          "max",
                          "mean",
                          "min",
                          "norm",
                          "norm_except_dim",
                          "prod",
                          "softmax",

                          "std",
                          "std_mean",
                          "sum",

                          "var",
                          "var_mean",
                          "layer_norm",
                          "rms_norm",
                          "group_norm"});
    add(Check::kNothing, {"batch_norm", "instance_norm"});
    add(Check::kSorting, {"argsort", "sort", "topk"});
    add(Check::kIndices, {"index", "index_select", "gather", "take_along_dim", "embedding", "one_hot"});
    add(Check::kNothing, {"upsample_nearest1d", "upsample_nearest2d", "upsample_nearest3d", "upsample_linear1d",
                          "upsample_bilinear2d", "upsample_bicubic2d", "upsample_trilinear3d", "_upsample_bicubic2d_aa",
                          "_upsample_bilinear2d_aa", "_upsample_nearest_exact2d"});
    add(Check::kNothing, {"adaptive_avg_pool1d", "adaptive_avg_pool2d"});
    add(Check::kProduct, {"_convolution", "addmm", "addmv", "baddbmm", "bmm", "conv1d", "conv2d", "conv3d", "dot",
                          "einsum", "ger", "inner", "linear", "matmul", "mm", "mv", "outer", "tensordot", "vdot"});
    // Factorisations of matrices and what is computed by them.
    add(Check::kMatrices, {"cholesky",
                           "cholesky_inverse",
                           "cholesky_solve",
                           "det",
                           "inverse",
                           "linalg_cholesky",
                           "linalg_cholesky_ex",
                           "linalg_cond",
                           "linalg_det",
                           "linalg_eigh",
                           "linalg_eigvalsh",
                           "linalg_householder_product",
                           "linalg_inv",
                           "linalg_inv_ex",
                           "linalg_ldl_factor",
                           "linalg_lu",
                           "linalg_lu_factor",
                           "linalg_matrix_exp",
                           "linalg_matrix_norm",
                           "linalg_matrix_power",
                           "linalg_pinv",
                           "linalg_qr",
                           "linalg_slogdet",
                           "linalg_solve",
                           "linalg_solve_triangular",
                           "linalg_svd",
                           "linalg_svdvals",
                           "logdet",
                           "matrix_exp",
                           "matrix_power",
                           "orgqr",
                           "pinverse",
                           "qr",
                           "slogdet",
                           "svd",
                           "triangular_solve"});
    return made;
  }();
  return all;
}

const Check* find(Symbol op) {
  if (!op.str().starts_with("aten.")) return nullptr;
  const auto found = list().find(operator_name(op));
  return found == list().end() ? nullptr : &found->second;
}

bool is_tensor_list(const c10::IValue& value) { return value.isTensorList() || value.isOptionalTensorList(); }

std::vector<at::Tensor> tensors_in(const torch::jit::Stack& arguments) {
  std::vector<at::Tensor> tensors;
  for (const c10::IValue& argument : arguments) {
    if (argument.isTensor() && argument.toTensor().defined()) tensors.push_back(argument.toTensor());
    if (!is_tensor_list(argument)) continue;
    for (const c10::IValue& element : argument.toListRef()) {
      if (element.isTensor() && element.toTensor().defined()) tensors.push_back(element.toTensor());
    }
  }
  return tensors;
}

Outcome check_range(const at::Tensor& index, int64_t extent, bool wraps) {
  if (index.scalar_type() == at::kBool || index.scalar_type() == at::kByte) return applied();
  if (!at::isIntegralType(index.scalar_type(), false)) return declined("an index is no integer");
  if (index.numel() == 0) return applied();
  const auto [least, most] = at::aminmax(index);
  const bool inside = least.item<int64_t>() >= (wraps ? -extent : 0) && most.item<int64_t>() < extent;
  return inside ? applied() : declined("an index lies outside of what it indexes");
}

Outcome check_indices(std::string_view name, const torch::jit::Stack& arguments) {
  const at::Tensor& source = arguments.at(0).toTensor();
  if (name == "one_hot") return check_range(source, int64_t{1} << 20, false);
  if (name == "embedding") return check_range(arguments.at(1).toTensor(), source.dim() > 0 ? source.size(0) : 0, false);
  if (name == "index") {
    int64_t axis = 0;
    for (const c10::IValue& index : arguments.at(1).toListRef()) {
      if (axis >= source.dim()) return declined("it has more indices than dimensions");
      if (index.isTensor() && index.toTensor().defined()) {
        const at::Tensor& given = index.toTensor();
        if (const Outcome fits = check_range(given, source.size(axis), true); !fits) return fits;
        if (given.scalar_type() == at::kBool || given.scalar_type() == at::kByte) {
          axis += given.dim();
          continue;
        }
      }
      ++axis;
    }
    return applied();
  }
  // index_select and gather name a dimension, take_along_dim perhaps.
  const bool is_last = name == "take_along_dim";
  const at::Tensor& index = arguments.at(is_last ? 1 : 2).toTensor();
  const c10::IValue& dim = arguments.at(is_last ? 2 : 1);
  if (dim.isNone()) return check_range(index, source.numel(), false);
  const int64_t axis = dim.toInt() < 0 ? dim.toInt() + source.dim() : dim.toInt();
  if (axis < 0 || axis >= std::max<int64_t>(source.dim(), 1)) return declined("it has no such dimension");
  return check_range(index, source.dim() == 0 ? 1 : source.size(axis), false);
}

/// Steps for each element that is read or written, and for each that is put in order.
constexpr int64_t kStepsOfElement = 4, kStepsToSort = 32;

/// Multiplications of floats that BLAS does, at least, in the time of one step.
constexpr int64_t kProductsPerStep = 8;

/// Products that a power takes, by squares: at most two for each of its binary digits.
int64_t products_of_power(int64_t power) {
  const auto size = static_cast<uint64_t>(power);
  return 2 * std::bit_width(power < 0 ? 0 - size : size) + 1;
}

/// A matrix of m rows and n columns takes some eight times m·n·max(m, n) multiplications, which are products mostly;
/// a power takes several times that.
int64_t work_of_matrices(const std::vector<at::Tensor>& operands, int64_t times) {
  int64_t work = 0;
  for (const at::Tensor& operand : operands) {
    const int64_t longer = operand.dim() < 2 ? 1 : std::max<int64_t>({operand.size(-1), operand.size(-2), 1});
    const int64_t steps = saturating_product(saturating_product(operand.numel(), longer), times);
    work = saturating_sum(work, steps);
  }
  return work;
}

}  // namespace

bool is_allowed(Symbol op) {
  if (find(op) == nullptr) return false;
  const auto handle = find_operator(op);
  return handle && !handle->schema().is_mutable() && !handle->schema().returns().empty() &&
         !handle->hasTag(at::Tag::nondeterministic_seeded);
}

bool takes_matrices(Symbol op) {
  const Check* check = find(op);
  return check && *check == Check::kMatrices;
}

Outcome check_arguments(Symbol op, const torch::jit::Stack& arguments) {
  const Check* check = find(op);
  if (!check) return declined("it does not run while a network is opened");
  switch (*check) {
    case Check::kIndices:
      return check_indices(operator_name(op), arguments);
    case Check::kNothing:
    case Check::kProduct:
    case Check::kMatrices:
    case Check::kSorting:
      break;
  }
  return applied();
}

int64_t work_of(Symbol op, const torch::jit::Stack& arguments, const std::vector<at::Tensor>& results) {
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  const Check* check = find(op);
  if (!check) return kMost;
  int64_t work = 0;
  const auto count = [&](int64_t steps) { work = saturating_sum(work, steps); };
  const std::vector<at::Tensor> operands = tensors_in(arguments);
  const int64_t of_each = *check == Check::kSorting ? kStepsToSort : kStepsOfElement;
  const auto count_elements = [&](const std::vector<at::Tensor>& tensors) {
    for (const at::Tensor& tensor : tensors) count(saturating_product(tensor.numel(), of_each));
  };
  count_elements(operands);
  count_elements(results);
  if (*check == Check::kMatrices) {
    const bool is_power = operator_name(op).ends_with("matrix_power");
    count(work_of_matrices(operands, is_power ? products_of_power(arguments.at(1).toInt()) : 1));
  }
  if (*check != Check::kProduct || operands.empty()) return work;
  // Each element of the result sums as many products as the smallest operand has elements, or fewer.
  int64_t most = kMost;
  for (const at::Tensor& operand : operands) {
    if (operand.dim() > 1 || operands.size() <= 2) most = std::min(most, operand.numel());
  }
  if (most == kMost || results.empty()) return work;
  if (op.str().starts_with("aten.conv") && operands.size() > 1 && operands[1].dim() > 0 && operands[1].size(0) > 0)
    most = operands[1].numel() / operands[1].size(0);
  if (operator_name(op) == "linear" || operator_name(op) == "matmul" || operator_name(op) == "mm")
    most = operands[0].dim() > 0 ? operands[0].size(-1) : 1;
  const int64_t steps = saturating_product(most, results[0].numel());
  const bool is_fast = results[0].scalar_type() == at::kFloat || results[0].scalar_type() == at::kDouble;
  count(is_fast ? steps / kProductsPerStep : steps);
  return work;
}

}  // namespace graftwork::core

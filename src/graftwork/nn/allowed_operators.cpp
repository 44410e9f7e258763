#include "graftwork/nn/allowed_operators.h"

#include <unordered_map>

#include "graftwork/ir/operator_name.h"

namespace graftwork::core {
namespace {

/// By the name without overload.
const std::unordered_map<std::string_view, Work>& list() {
  static const std::unordered_map<std::string_view, Work> all = [] {
    std::unordered_map<std::string_view, Work> made;
    const auto add = [&](Work work, std::initializer_list<std::string_view> names) {
      for (const std::string_view name : names) made.emplace(name, work);
    };
    // Element by element.
    add(Work::kElements, {"abs",         "absolute",    "acos",         "acosh",      "add",
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
    add(Work::kElements, {"div", "divide", "true_divide", "floor_divide", "fmod", "remainder"});
    // New tensors.
    add(Work::kElements,
        {"arange",        "bartlett_window", "blackman_window", "eye",         "fft_fftfreq",   "fft_rfftfreq",
         "full",          "full_like",       "hamming_window",  "hann_window", "kaiser_window", "linspace",
         "logspace",      "new_full",        "new_ones",        "new_zeros",   "ones",          "ones_like",
         "scalar_tensor", "tril_indices",    "triu_indices",    "zeros",       "zeros_like"});
    // The same elements elsewhere.
    add(Work::kElements, {"_unsafe_view",
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
    add(Work::kElements, {"_softmax",
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
    add(Work::kElements, {"batch_norm", "instance_norm"});
    add(Work::kSorting, {"argsort", "sort", "topk"});
    add(Work::kIndices, {"index", "index_select", "gather", "take_along_dim", "embedding", "one_hot"});
    add(Work::kElements, {"upsample_nearest1d", "upsample_nearest2d", "upsample_nearest3d", "upsample_linear1d",
                          "upsample_bilinear2d", "upsample_bicubic2d", "upsample_trilinear3d", "_upsample_bicubic2d_aa",
                          "_upsample_bilinear2d_aa", "_upsample_nearest_exact2d"});
    add(Work::kElements, {"adaptive_avg_pool1d", "adaptive_avg_pool2d"});
    add(Work::kProduct, {"_convolution", "addmm", "addmv", "baddbmm", "bmm", "conv1d", "conv2d", "conv3d", "dot",
                         "einsum", "ger", "inner", "linear", "matmul", "mm", "mv", "outer", "tensordot", "vdot"});
    // Factorisations of matrices and what is computed by them.
    add(Work::kMatrices, {"cholesky",
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

/// Squarings grow with the logarithm of the norm, which a file may say as it likes.
Outcome check_exponent(const torch::jit::Stack& arguments) {
  constexpr double kMostNorm = 1024;
  const at::Tensor& matrix = arguments.at(0).toTensor();
  if (matrix.numel() == 0) return applied();
  return matrix.abs().sum(-1).max().item<double>() > kMostNorm ? declined("its matrix is too large to be an exponent")
                                                               : applied();
}

}  // namespace

std::optional<Work> kind_of_work(Symbol op) {
  if (!op.str().starts_with("aten.")) return std::nullopt;
  const auto found = list().find(operator_name(op));
  return found == list().end() ? std::nullopt : std::optional(found->second);
}

bool is_allowed(Symbol op) {
  if (!kind_of_work(op)) return false;
  const auto handle = find_operator(op);
  return handle && !handle->schema().is_mutable() && !handle->schema().returns().empty() &&
         !handle->hasTag(at::Tag::nondeterministic_seeded);
}

Outcome check_arguments(Symbol op, const torch::jit::Stack& arguments) {
  const auto work = kind_of_work(op);
  if (!work) return declined("it does not run while a network is opened");
  if (*work == Work::kIndices) return check_indices(operator_name(op), arguments);
  return operator_name(op).ends_with("matrix_exp") ? check_exponent(arguments) : applied();
}

}  // namespace graftwork::core

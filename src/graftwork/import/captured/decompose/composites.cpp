#include "graftwork/import/captured/decompose/composites.h"

#include <string_view>
#include <unordered_set>

#include "graftwork/ir/operator_name.h"
#include "graftwork/nn/operator_call.h"

namespace graftwork::core::captured {
namespace {

/// By the name without overload.
const std::unordered_set<std::string_view>& names() {
  static const std::unordered_set<std::string_view> all{
      // Other names of operators.
      "absolute", "adjoint", "argsort", "msort", "arccos", "arccosh", "arcsin", "arcsinh", "arctan", "arctan2",
      "arctanh", "clip", "concatenate", "divide", "fix", "ger", "greater", "greater_equal", "less", "less_equal",
      "moveaxis", "multiply", "negative", "not_equal", "positive", "row_stack", "special_digamma", "special_erf",
      "special_erfc", "special_exp2", "special_expit", "special_expm1", "special_log1p", "special_log_softmax",
      "special_logsumexp", "special_round", "special_sinc", "special_softmax", "special_xlogy", "subtract",
      "true_divide", "trapz", "linalg_matmul", "_cast_Byte", "_cast_Char", "_cast_Double", "_cast_Float", "_cast_Half",
      "_cast_Int", "_cast_Long", "_cast_Short", "__and__", "__or__", "__xor__", "swapaxes", "swapdims",
      // Movement.
      "atleast_1d", "atleast_2d", "atleast_3d", "broadcast_tensors", "broadcast_to", "column_stack", "cartesian_prod",
      "diag", "diagflat", "dsplit", "dstack", "expand_as", "fft_fftshift", "fft_ifftshift", "fliplr", "flipud",
      "hsplit", "hstack", "linalg_diagonal", "mH", "mT", "matrix_H", "meshgrid", "movedim", "narrow", "numpy_T",
      "pad_sequence", "ravel", "repeat_interleave", "reshape_as", "take_along_dim", "tensor_split", "tile",
      "unsafe_chunk", "view_as", "vsplit", "vstack", "unflatten",
      // Types.
      "type_as", "float_power", "result_type",
      // Arithmetic.
      "chain_matmul", "cov", "corrcoef", "cross", "einsum", "inner", "isclose", "isreal", "kron", "linalg_multi_dot",
      "linalg_vander", "linalg_vecdot", "native_channel_shuffle", "outer", "tensordot", "trapezoid",
      "cumulative_trapezoid", "where", "sum_to_size",
      // Norms, distances and losses.
      "cosine_embedding_loss", "cosine_similarity", "frobenius_norm", "hinge_embedding_loss", "kl_div", "l1_loss",
      "linalg_matrix_norm", "linalg_norm", "margin_ranking_loss", "nanmean", "nuclear_norm", "pairwise_distance",
      "poisson_nll_loss", "triplet_margin_loss",
      // Layers.
      "gru_cell", "lstm_cell", "rnn_relu_cell", "rnn_tanh_cell"};
  return all;
}

}  // namespace

bool is_composite(Symbol op) {
  if (!op.str().starts_with("aten.") || !names().contains(operator_name(op))) return false;
  const auto handle = find_operator(op);
  return handle && handle->hasKernelForDispatchKey(c10::DispatchKey::CompositeImplicitAutograd) &&
         !handle->schema().is_mutable();
}

}  // namespace graftwork::core::captured

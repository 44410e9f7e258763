#include "graftwork/nn/runnable_operators.h"

#include <string_view>
#include <unordered_set>

#include "graftwork/base/text.h"
#include "graftwork/ir/operator_name.h"
#include "graftwork/nn/allowed_operators.h"
#include "graftwork/nn/operator_call.h"

namespace graftwork::core {
namespace {

/// Beside those that may run while a file is opened; by the name without overload.
const std::unordered_set<std::string_view>& names() {
  static const std::unordered_set<std::string_view> all{
      // With a form in ONNX.
      "_adaptive_avg_pool2d", "_adaptive_avg_pool3d", "_fft_c2c", "_fft_c2r", "_fft_r2c", "_upsample_nearest_exact1d",
      "_upsample_nearest_exact3d", "adaptive_avg_pool3d", "adaptive_max_pool1d", "adaptive_max_pool2d",
      "adaptive_max_pool3d", "argwhere", "bincount", "col2im", "conv_transpose1d", "conv_transpose2d",
      "conv_transpose3d", "convolution", "fft_fft", "fft_fft2", "fft_fftn", "fft_hfft", "fft_ifft", "fft_ifft2",
      "fft_ifftn", "fft_ihfft", "fft_irfft", "fft_irfft2", "fft_irfftn", "fft_rfft", "fft_rfft2", "fft_rfftn", "glu",
      "grid_sampler", "grid_sampler_2d", "grid_sampler_3d", "gru", "im2col", "index_put", "istft", "lstm",
      "masked_select", "max_pool1d_with_indices", "max_pool2d_with_indices", "max_pool3d_with_indices", "median",
      "nanquantile", "native_group_norm", "native_layer_norm", "nonzero", "nonzero_numpy", "quantile",
      "reflection_pad1d", "reflection_pad2d", "reflection_pad3d", "repeat_interleave", "replication_pad1d",
      "replication_pad2d", "replication_pad3d", "resolve_conj", "resolve_neg", "rnn_relu", "rnn_tanh", "scatter",
      "scatter_add", "scatter_reduce", "stft", "sym_size", "tensor_split", "view_as_complex", "view_as_real",
      // That say something of sizes and values, and compute nothing; patterns remove them.
      "_assert_async", "_assert_scalar", "_assert_tensor_metadata", "sym_constrain_range",
      "sym_constrain_range_for_size",
      // That become modules, or other operators, and stay what they are where their arguments do not allow it.
      "_native_batch_norm_legit", "_native_batch_norm_legit_functional", "_native_batch_norm_legit_no_training",
      "alpha_dropout", "as_strided", "avg_pool1d", "avg_pool2d", "avg_pool3d", "dropout",
      "fake_quantize_per_channel_affine", "fake_quantize_per_tensor_affine", "feature_dropout", "lift", "max_pool1d",
      "max_pool2d", "max_pool3d", "native_batch_norm", "scaled_dot_product_attention"};
  return all;
}

bool is_named(Symbol op) {
  const std::string& text = op.str();
  // Recurrent layers of packed sequences are given to no network.
  if (!text.starts_with("aten.") || text.ends_with(".data")) return false;
  return names().contains(operator_name(op)) || is_allowed(op);
}

}  // namespace

bool may_run(Symbol op) {
  if (!is_named(op)) return false;
  const auto handle = find_operator(op);
  return handle && !handle->schema().is_mutable();
}

std::string why_it_does_not_run(Symbol op) {
  if (!find_operator(op)) return "torch does not know it";
  return "it is none of the operators that a network may call: it has no form in ONNX";
}

}  // namespace graftwork::core

#include "graftwork/nn/argument_checks.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string_view>
#include <unordered_map>

#include "graftwork/base/text.h"
#include "graftwork/ir/operator_name.h"
#include "graftwork/nn/allowed_operators.h"
#include "graftwork/nn/layer_checks.h"
#include "graftwork/nn/window_checks.h"

namespace graftwork::core {
namespace {

using Stack = torch::jit::Stack;

bool is_given(const c10::IValue& argument) { return argument.isTensor() && argument.toTensor().defined(); }

bool has_elements(const at::Tensor& tensor) { return tensor.device().is_cpu() && tensor.numel() > 0; }

// ---- division ------------------------------------------------------------------------------------------

at::Tensor as_tensor(const c10::IValue& number) {
  return number.isTensor() ? number.toTensor() : wrapped_number(number.toScalar());
}

/// x86 has no quotient for the least integer and −1: the process dies. Both are first cut to the type of the result,
/// where 2³² − 1 becomes −1; narrower types are divided as if they were of 32 bits.
Outcome check_division(const Stack& arguments) {
  if (!arguments.at(0).isScalar() && !is_given(arguments[0])) return applied();
  if (!arguments.at(1).isScalar() && !is_given(arguments[1])) return applied();
  const at::Tensor dividend = as_tensor(arguments[0]), divisor = as_tensor(arguments[1]);
  const at::ScalarType type = at::result_type(dividend, divisor);
  if ((type != at::kInt && type != at::kLong) || !has_elements(dividend) || !has_elements(divisor)) return applied();
  const int64_t least = type == at::kInt ? std::numeric_limits<int32_t>::min() : std::numeric_limits<int64_t>::min();
  const bool dies = divisor.to(type).eq(-1).any().item<bool>() && dividend.to(type).eq(least).any().item<bool>();
  return dies ? declined("it divides the least integer by −1") : applied();
}

/// Without a third argument, the way of rounding, quotients are floats.
Outcome check_rounded_division(const Stack& arguments) {
  return arguments.size() > 2 && arguments[2].isString() ? check_division(arguments) : applied();
}

// ---- indices -------------------------------------------------------------------------------------------

/// input, sizes, strides, where the first element lies: torch itself asks whether all of it lies in memory of its own,
/// in numbers that do not wrap.
Outcome check_strides(const Stack& arguments) {
  constexpr int64_t kMostStride = int64_t{1} << 30;
  const auto fits = [](int64_t number) { return number >= 0 && number <= kMostStride; };
  const std::vector<int64_t> sizes = arguments.at(1).toIntVector(), strides = arguments.at(2).toIntVector();
  const bool fit = std::ranges::all_of(sizes, fits) && std::ranges::all_of(strides, fits) &&
                   (arguments.at(3).isNone() || fits(arguments[3].toInt()));
  return fit && sizes.size() == strides.size() ? applied() : declined("its strides make no sense");
}

/// The elements, and how often each is repeated; or that alone. Torch adds those numbers up in 64 bits, without asking.
Outcome check_repeats(const Stack& arguments) {
  constexpr int64_t kMostRepeats = int64_t{1} << 31;
  const c10::IValue& times = arguments.at(arguments.size() == 2 ? 0 : 1);
  if (!is_given(times) || !has_elements(times.toTensor())) return applied();
  if (!at::isIntegralType(times.toTensor().scalar_type(), false)) return declined("it repeats by what is no integer");
  const auto [least, most] = at::aminmax(times.toTensor());
  return least.item<int64_t>() < 0 || most.item<int64_t>() > kMostRepeats
             ? declined("it repeats more than there is room for")
             : applied();
}

// ---- norms ---------------------------------------------------------------------------------------------

/// Of `first` to `last`: one number for each channel of the input, where they are given.
Outcome check_channels(const Stack& arguments, size_t first, size_t last) {
  const at::Tensor& input = arguments.at(0).toTensor();
  if (input.dim() < 2) return declined("its input has no channels");
  for (size_t i = first; i <= last; ++i) {
    if (!is_given(arguments.at(i))) continue;
    const at::Tensor& each = arguments[i].toTensor();
    if (each.dim() != 1 || each.size(0) != input.size(1))
      return declined(cat("it has ", input.size(1), " channels, and a parameter of ", each.numel(), " numbers"));
  }
  return applied();
}

/// input, weight, bias, mean, variance, whether these are learned.
Outcome check_batch_norm(const Stack& arguments) {
  if (const Outcome fits = check_channels(arguments, 1, 4); !fits) return fits;
  const bool has_mean = is_given(arguments[3]), has_variance = is_given(arguments[4]);
  if (!arguments.at(5).toBool()) return has_mean && has_variance ? applied() : declined("it has no mean and variance");
  // Torch would write them, and they may be the file.
  return has_mean || has_variance ? declined("it learns its mean and variance") : applied();
}

/// The same, where the learned ones are results.
Outcome check_functional_batch_norm(const Stack& arguments) {
  const Outcome fits = check_channels(arguments, 1, 4);
  return !fits || (is_given(arguments[3]) && is_given(arguments[4])) ? fits : declined("it has no mean and variance");
}

Outcome check_batch_norm_without_statistics(const Stack& arguments) {
  const Outcome fits = check_channels(arguments, 1, 2);
  return !fits || arguments.at(3).toBool() ? fits : declined("it has no mean and variance");
}

/// v, g, dim: g has a number for each slice of v along its first or its last dimension.
Outcome check_weight_norm(const Stack& arguments) {
  const at::Tensor &direction = arguments.at(0).toTensor(), &length = arguments.at(1).toTensor();
  const int64_t dim = arguments.at(2).toInt();
  if (direction.numel() == 0 || direction.dim() != length.dim()) return declined("its weight is of no length");
  for (int64_t axis = 0; axis < direction.dim(); ++axis) {
    if (length.size(axis) != (axis == dim ? direction.size(axis) : 1) && dim != -1)
      return declined("its lengths are not those of its weight");
  }
  if (dim == -1 ? length.numel() != 1 : dim != 0 && dim != direction.dim() - 1)
    return declined("its lengths are not those of its weight");
  return applied();
}

// ---- pictures ------------------------------------------------------------------------------------------

/// input, grid, how to interpolate, how to pad.
Outcome check_grid_sampler(const Stack& arguments) {
  const int64_t modes = arguments.at(0).toTensor().dim() == 5 ? 2 : 3;
  const int64_t mode = arguments.at(2).toInt(), padding = arguments.at(3).toInt();
  return mode < 0 || mode >= modes || padding < 0 || padding > 2 ? declined("its mode is none of a grid sampler")
                                                                 : applied();
}

/// A resize: factors make sense, and are those of the sizes that it is told as well.
Outcome check_resize(const Stack& arguments) {
  constexpr double kMostScaling = 1'000'000;
  const at::Tensor& input = arguments.at(0).toTensor();
  std::vector<int64_t> sizes;
  if (arguments.at(1).isIntList()) sizes = arguments[1].toIntVector();
  std::vector<double> factors;
  for (const c10::IValue& argument : arguments) {
    if (argument.isDouble()) factors.push_back(argument.toDouble());
    if (argument.isDoubleList()) factors = argument.toDoubleVector();
  }
  for (const int64_t size : sizes) {
    if (size < 1) return declined("it resizes to nothing");
  }
  for (const double factor : factors) {
    if (!(factor > 1 / kMostScaling && factor < kMostScaling)) return declined("its factor makes no sense");
  }
  if (sizes.empty() || factors.size() != sizes.size()) return applied();
  const int64_t front = input.dim() - static_cast<int64_t>(sizes.size());
  if (front < 0) return declined("its input has too few dimensions");
  for (size_t i = 0; i < sizes.size(); ++i) {
    const double exact = static_cast<double>(input.size(front + static_cast<int64_t>(i))) * factors[i];
    if (std::abs(static_cast<double>(sizes[i]) - exact) > 1) return declined("its factors are not those of its sizes");
  }
  return applied();
}

// ---- Fourier transforms --------------------------------------------------------------------------------

/// input, dimensions, how to scale.
Outcome check_fourier(const Stack& arguments) {
  const at::Tensor& input = arguments.at(0).toTensor();
  const std::vector<int64_t> dims = arguments.at(1).toIntVector();
  std::vector<bool> seen(static_cast<size_t>(input.dim()), false);
  for (const int64_t dim : dims) {
    if (dim < 0 || dim >= input.dim() || seen[static_cast<size_t>(dim)])
      return declined("its dimensions are none of its input's, or twice the same");
    seen[static_cast<size_t>(dim)] = true;
  }
  const int64_t scaling = arguments.at(2).toInt();
  return dims.empty() || scaling < 0 || scaling > 2 ? declined("it transforms nothing") : applied();
}

/// With the length of the result's last dimension, of which the input has half.
Outcome check_inverse_fourier(const Stack& arguments) {
  if (const Outcome fits = check_fourier(arguments); !fits) return fits;
  const at::Tensor& input = arguments[0].toTensor();
  const int64_t length = arguments.at(3).toInt();
  return length < 1 || length / 2 + 1 > input.size(arguments[1].toIntVector().back())
             ? declined("its result is longer than its input says")
             : applied();
}

// ---- matrices ------------------------------------------------------------------------------------------

/// LAPACK is not defined on infinities and NaN: it may not end on them.
Outcome check_matrices(const Stack& arguments) {
  for (const c10::IValue& argument : arguments) {
    if (!is_given(argument) || !has_elements(argument.toTensor())) continue;
    const at::Tensor& matrix = argument.toTensor();
    if (at::isIntegralType(matrix.scalar_type(), true)) continue;
    if (matrix.scalar_type() != at::kFloat && matrix.scalar_type() != at::kDouble)
      return declined("its matrices are neither FP32 nor FP64");
    if (!matrix.isfinite().all().item<bool>()) return declined("a matrix has elements that are not finite");
  }
  return applied();
}

/// Powers are products, and those of negative ones an inverse.
Outcome check_power_of_matrix(const Stack& arguments) {
  constexpr int64_t kMostPower = int64_t{1} << 16;
  const int64_t power = arguments.at(1).toInt();
  return power < -kMostPower || power > kMostPower ? declined("its power makes no sense") : check_matrices(arguments);
}

const std::unordered_map<std::string_view, ArgumentCheck>& checks() {
  static const std::unordered_map<std::string_view, ArgumentCheck> all{
      {"div", check_rounded_division},
      {"divide", check_rounded_division},
      {"floor_divide", check_division},
      {"fmod", check_division},
      {"remainder", check_division},
      {"as_strided", check_strides},
      {"repeat_interleave", check_repeats},
      {"batch_norm", check_batch_norm},
      {"native_batch_norm", check_batch_norm},
      {"instance_norm", check_batch_norm},
      {"_native_batch_norm_legit", check_batch_norm_without_statistics},
      {"_native_batch_norm_legit_functional", check_functional_batch_norm},
      {"_native_batch_norm_legit_no_training", check_functional_batch_norm},
      {"_weight_norm", check_weight_norm},
      {"grid_sampler", check_grid_sampler},
      {"grid_sampler_2d", check_grid_sampler},
      {"grid_sampler_3d", check_grid_sampler},
      {"adaptive_avg_pool1d", check_adaptive_pool_1d},
      {"adaptive_avg_pool2d", check_adaptive_pool_2d},
      {"adaptive_avg_pool3d", check_adaptive_pool_3d},
      {"_adaptive_avg_pool2d", check_adaptive_pool_2d},
      {"_adaptive_avg_pool3d", check_adaptive_pool_3d},
      {"adaptive_max_pool1d", check_adaptive_pool_1d},
      {"adaptive_max_pool2d", check_adaptive_pool_2d},
      {"adaptive_max_pool3d", check_adaptive_pool_3d},
      {"upsample_nearest1d", check_resize},
      {"upsample_nearest2d", check_resize},
      {"upsample_nearest3d", check_resize},
      {"_upsample_nearest_exact1d", check_resize},
      {"_upsample_nearest_exact2d", check_resize},
      {"_upsample_nearest_exact3d", check_resize},
      {"upsample_linear1d", check_resize},
      {"upsample_bilinear2d", check_resize},
      {"upsample_bicubic2d", check_resize},
      {"upsample_trilinear3d", check_resize},
      {"_upsample_bilinear2d_aa", check_resize},
      {"_upsample_bicubic2d_aa", check_resize},
      {"linalg_matrix_power", check_power_of_matrix},
      {"matrix_power", check_power_of_matrix},
      {"_fft_c2c", check_fourier},
      {"_fft_r2c", check_fourier},
      {"_fft_c2r", check_inverse_fourier},
      {"gru", check_gru},
      {"lstm", check_lstm},
      {"rnn_relu", check_rnn},
      {"rnn_tanh", check_rnn},
      {"scaled_dot_product_attention", check_attention},
      {"native_group_norm", check_group_norm},
      {"avg_pool1d", check_average_pool},
      {"avg_pool2d", check_average_pool},
      {"avg_pool3d", check_average_pool},
      {"max_pool1d", check_greatest_pool},
      {"max_pool2d", check_greatest_pool},
      {"max_pool3d", check_greatest_pool},
      {"max_pool1d_with_indices", check_greatest_pool},
      {"max_pool2d_with_indices", check_greatest_pool},
      {"max_pool3d_with_indices", check_greatest_pool},
      {"col2im", check_columns_to_picture},
      {"im2col", check_picture_to_columns},
      {"alpha_dropout", check_dropout},
      {"dropout", check_dropout},
      {"feature_dropout", check_dropout}};
  return all;
}

}  // namespace

ArgumentCheck find_argument_check(Symbol op) {
  if (!op.str().starts_with("aten.")) return nullptr;
  const auto found = checks().find(operator_name(op));
  if (found != checks().end()) return found->second;
  return kind_of_work(op) == Work::kMatrices ? check_matrices : nullptr;
}

}  // namespace graftwork::core

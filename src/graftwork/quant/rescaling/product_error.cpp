#include "graftwork/quant/rescaling/product_error.h"

#include <cmath>

#include "graftwork/ir/kind.h"
#include "graftwork/nn/fake_quant.h"
#include "graftwork/quant/scales.h"

namespace graftwork::core {
namespace {

/// x · W of each tap: [groups, rows, out / groups · taps].
at::Tensor products(const LayerProducts& layer, const at::Tensor& rows, const at::Tensor& weight) {
  const int64_t in = weight.size(1);
  const at::Tensor left = rows.view({-1, layer.groups, in}).transpose(0, 1);
  const at::Tensor right = weight.flatten(2).view({layer.groups, -1, in, weight.flatten(2).size(2)});
  return at::bmm(left, right.transpose(1, 2).flatten(2));
}

/// Rows that hold NaN or infinity stay as they are: calibration refuses them, and their error is no number.
at::Tensor rounded_rows(const at::Tensor& given, TensorQuantConfig config) {
  const at::Tensor rows = given.contiguous();
  if (config.calibration_method == CalibrationMethod::kMovingAverageMinMax)
    config.calibration_method = CalibrationMethod::kMinMax;
  const auto [least, largest] = at::aminmax(rows);
  if (!std::isfinite(least.item<float>()) || !std::isfinite(largest.item<float>())) return rows.clone();
  const QuantRange codes = activation_range(name_of(config.precision));
  if (!config.symmetric) {
    const AffineScales scales = affine_scales(least, largest, codes, DType::kF32);
    return fake_quantize(rows, scales.scale, 0, codes, scales.zero_point);
  }
  Range range;
  range.include(least.item<float>(), largest.item<float>());
  if (config.calibration_method != CalibrationMethod::kMinMax)
    range.histogram.add({rows.const_data_ptr<float>(), static_cast<size_t>(rows.numel())}, range.amax());
  const float scale = activation_scale(range, config, DType::kF32);
  return fake_quantize(rows, at::scalar_tensor(scale, at::kFloat), 0, codes);
}

at::Tensor rounded_weight(const at::Tensor& weight, const WeightQuantConfig& config) {
  const int64_t block_size = weight.dim() == 2 ? config.block_size : 0;
  const WeightGrid grid{weight_range(name_of(config.precision)), 0, block_size};
  if (!config.symmetric) {
    const AffineScales scales = affine_weight_scales(weight, grid, config, DType::kF32);
    return fake_quantize(weight, scales.scale, 0, grid.range, scales.zero_point);
  }
  return fake_quantize(weight, weight_scales(weight, grid, config).to(at::kFloat), 0, grid.range);
}

/// The same for each row of a weight, in the shape of its columns.
at::Tensor column_factors(const LayerProducts& layer, const at::Tensor& factors) {
  std::vector<int64_t> shape(static_cast<size_t>(layer.weight.dim()), 1);
  shape[0] = layer.weight.size(0);
  shape[1] = layer.weight.size(1);
  return factors.view({layer.groups, 1, -1}).expand({layer.groups, shape[0] / layer.groups, -1}).reshape(shape);
}

/// A linear layer's has one tap.
at::Tensor with_taps(const at::Tensor& weight) { return weight.dim() == 2 ? weight.unsqueeze(2) : weight; }

/// The sums over output channels and taps of what is shaped like a weight: [in].
at::Tensor by_input_channel(const at::Tensor& weight, int64_t groups) {
  return weight.reshape({groups, weight.size(0) / groups, weight.size(1), -1}).sum({1, 3}).flatten();
}

}  // namespace

LayerProducts layer_products(const ModuleRecord& layer, const TensorStore& tensors, const at::Tensor& rows) {
  const Attribute* groups = attribute_of(layer, "groups");
  return {rows, evaluate(*layer.param("weight"), tensors), groups ? *groups->get<int64_t>() : 1};
}

at::Tensor activation_errors(const at::Tensor& rows, const at::Tensor& factors, const TensorQuantConfig& config) {
  const at::Tensor divided = factors.defined() ? rows / factors : rows;
  at::Tensor error = rounded_rows(divided, config).sub_(divided);
  if (factors.defined()) error.mul_(factors);
  return error.square_().sum(0);
}

at::Tensor weight_energy(const LayerProducts& layer) { return by_input_channel(layer.weight.square(), layer.groups); }

at::Tensor weight_errors(const LayerProducts& layer, const WeightQuantConfig& config) {
  return by_input_channel(rounded_weight(layer.weight, config).sub_(layer.weight).square_(), layer.groups);
}

double product_error(const LayerProducts& layer, const at::Tensor& factors, const OperandRounding& rounding) {
  if (!rounding.activation && !rounding.weight) return 0;
  const at::Tensor rows = factors.defined() ? layer.rows / factors : layer.rows;
  const at::Tensor weight = factors.defined() ? layer.weight * column_factors(layer, factors) : layer.weight;
  const at::Tensor read = rounding.activation ? rounded_rows(rows, *rounding.activation) : rows;
  const at::Tensor kept = rounding.weight ? rounded_weight(weight, *rounding.weight) : weight;
  const at::Tensor found = products(layer, read, with_taps(kept));
  const at::Tensor error = found.sub_(products(layer, layer.rows, with_taps(layer.weight))).square_();
  return error.sum(at::kDouble).item<double>();
}

}  // namespace graftwork::core

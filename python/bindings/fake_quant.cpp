// Fake quantization of what lies in memory, for the operators of graftwork.fake_quant.
#include "graftwork/nn/fake_quant.h"

#include <pybind11/stl.h>

#include "bindings/bindings.h"
#include "graftwork/base/error.h"
#include "graftwork/nn/fake_quant_gradient.h"
#include "graftwork/quant/scales.h"

namespace graftwork::python {
namespace {

using Gradients = std::optional<std::pair<at::Tensor, at::Tensor>>;

at::Tensor fake_quantized(const at::Tensor& x, const at::Tensor& scale, const std::optional<at::Tensor>& zero_point,
                          int64_t axis, double min, double max, bool is_e4m3) {
  const at::NoGradGuard no_grad;  // the operator's gradient is its own
  return core::fake_quantize(x, scale, axis, {min, max, is_e4m3}, zero_point.value_or(at::Tensor()));
}

/// Of x and of the scale (zeros where that is not learned); nothing where no kernel takes them.
Gradients gradients_of(const at::Tensor& grad, const at::Tensor& x, const at::Tensor& scale, int64_t axis, double min,
                       double max, bool is_learned) {
  const core::QuantRange range{min, max};
  if (!core::is_quantized_at_once(x, scale, axis, range)) return std::nullopt;
  const core::FakeQuantGradients found = core::fake_quantize_gradients(x, scale, grad, range, is_learned);
  return std::pair(found.x, is_learned ? found.scale : at::zeros_like(scale));
}

/// Of a weight as it is, float32; `method` is one for weights.
at::Tensor scales_of(const at::Tensor& weight, double max, int64_t axis, bool per_channel, int64_t block_size,
                     const std::string& method, double percentile) {
  core::TensorQuantConfig config;
  config.per_channel = per_channel;
  config.percentile = percentile;
  const auto known = core::calibration_method(method);
  if (!known || !core::is_for_weights(*known)) throw Error("config.value", method + " is no method for weights");
  config.calibration_method = *known;
  return core::weight_scales(weight, {{-max, max}, axis, block_size}, config).to(at::kFloat);
}

}  // namespace

void bind_fake_quant(pybind11::module_& module) {
  using Unlocked = pybind11::call_guard<pybind11::gil_scoped_release>;
  module.def("fake_quantize", fake_quantized, Unlocked());
  module.def("fake_quantize_gradients", gradients_of, Unlocked());
  module.def("weight_scales", scales_of, Unlocked());
}

}  // namespace graftwork::python

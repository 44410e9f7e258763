#include "graftwork/nn/module_kernels.h"

#include <functional>
#include <map>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/ir/kind.h"
#include "graftwork/nn/fake_quant.h"
#include "graftwork/nn/fold_batch_norm.h"
#include "graftwork/nn/half.h"
#include "graftwork/nn/window_checks.h"

namespace graftwork::core {
namespace {

/// Weight and bias of a layer, where they are not what its record says.
struct LayerTensors {
  at::Tensor weight;
  at::Tensor bias;
};

/// A record with its attributes and parameters at hand.
class Call {
 public:
  Call(const ModuleRecord& record, std::span<const c10::IValue> inputs, const ModuleContext& context,
       ModuleId quantizer, const LayerTensors* given = nullptr)
      : record_(record), inputs_(inputs), context_(context), quantizer_(quantizer), given_(given) {}

  const at::Tensor& x() const { return inputs_[0].toTensor(); }
  /// Of a layer, through its quantizer.
  at::Tensor weight() const {
    if (given_) return given_->weight;
    const at::Tensor weight = weight_of(record_, quantizer_, context_);
    return context_.half ? constant_in_half(weight) : weight;
  }
  at::Tensor bias() const { return given_ ? given_->bias : param("bias"); }
  const ModuleRecord& record() const { return record_; }
  const ModuleContext& context() const { return context_; }
  bool training() const { return context_.mode == Mode::kTrain; }

  at::Tensor param(Symbol name) const {
    const ParamExpr* expr = record_.param(name);
    if (!expr) return {};
    const at::Tensor value = evaluate(*expr, context_.tensors);
    return context_.half ? constant_in_half(value) : value;
  }
  const std::vector<int64_t>& integers(Symbol name) const {
    return *attribute_of(record_, name)->get<std::vector<int64_t>>();
  }
  int64_t integer(Symbol name) const { return *attribute_of(record_, name)->get<int64_t>(); }
  bool flag(Symbol name) const { return *attribute_of(record_, name)->get<bool>(); }
  const std::string& text(Symbol name) const { return *attribute_of(record_, name)->get<std::string>(); }
  double number(Symbol name) const { return number_of(record_, name); }

 private:
  const ModuleRecord& record_;
  std::span<const c10::IValue> inputs_;
  const ModuleContext& context_;
  ModuleId quantizer_;
  const LayerTensors* given_;
};

at::Tensor conv(const Call& call) {
  return at::convolution(call.x(), call.weight(), call.bias(), call.integers("stride"), call.integers("padding"),
                         call.integers("dilation"), false, std::vector<int64_t>(call.integers("stride").size(), 0),
                         call.integer("groups"));
}

at::Tensor conv_transpose(const Call& call) {
  return at::convolution(call.x(), call.weight(), call.bias(), call.integers("stride"), call.integers("padding"),
                         call.integers("dilation"), true, call.integers("output_padding"), call.integer("groups"));
}

at::Tensor batch_norm(const Call& call) {
  if (call.context().half) {
    const ChannelAffine affine = batch_norm_affine(call.record(), call.context().tensors);
    std::vector<int64_t> shape(static_cast<size_t>(call.x().dim()), 1);
    shape.at(1) = affine.factor.numel();
    const auto written = [&](const at::Tensor& value) { return constant_in_half(value.to(at::kFloat)).view(shape); };
    return call.x() * written(affine.factor) + written(affine.offset);
  }
  return at::batch_norm(call.x(), call.param("weight"), call.param("bias"), call.param("running_mean"),
                        call.param("running_var"), call.training(), call.number("momentum"), call.number("eps"), false);
}

/// Kinds call kernels without the checks of operators (argument_checks.h).
void check_pool(const Call& call, at::IntArrayRef dilation) {
  const Outcome fits = check_windows(call.x(), call.integers("kernel_size"), call.integers("stride"),
                                     call.integers("padding"), dilation);
  if (!fits) throw Error("nn.kernel", fits.reason());
}

template <auto kPool>
at::Tensor avg_pool(const Call& call) {
  check_pool(call, {});
  return kPool(call.x(), call.integers("kernel_size"), call.integers("stride"), call.integers("padding"),
               call.flag("ceil_mode"), call.flag("count_include_pad"));
}

at::Tensor avg_pool2d(const at::Tensor& x, at::IntArrayRef kernel, at::IntArrayRef stride, at::IntArrayRef padding,
                      bool ceil_mode, bool count_include_pad) {
  return at::avg_pool2d(x, kernel, stride, padding, ceil_mode, count_include_pad);
}

at::Tensor avg_pool3d(const at::Tensor& x, at::IntArrayRef kernel, at::IntArrayRef stride, at::IntArrayRef padding,
                      bool ceil_mode, bool count_include_pad) {
  return at::avg_pool3d(x, kernel, stride, padding, ceil_mode, count_include_pad);
}

template <auto kPool>
at::Tensor max_pool(const Call& call) {
  check_pool(call, call.integers("dilation"));
  return kPool(call.x(), call.integers("kernel_size"), call.integers("stride"), call.integers("padding"),
               call.integers("dilation"), call.flag("ceil_mode"));
}

template <auto kPool>
at::Tensor adaptive_avg_pool(const Call& call) {
  return kPool(call.x(), call.integers("output_size"));
}

template <auto kPool>
at::Tensor adaptive_max_pool(const Call& call) {
  return std::get<0>(kPool(call.x(), call.integers("output_size")));
}

at::Tensor adaptive_avg_pool2d(const at::Tensor& x, at::IntArrayRef size) { return at::adaptive_avg_pool2d(x, size); }
at::Tensor adaptive_avg_pool3d(const at::Tensor& x, at::IntArrayRef size) { return at::adaptive_avg_pool3d(x, size); }

at::Tensor instance_norm(const Call& call) {
  return at::instance_norm(call.x(), call.param("weight"), call.param("bias"), {}, {}, true, 0, call.number("eps"),
                           false);
}

at::Tensor group_norm(const Call& call) {
  return at::group_norm(call.x(), call.integer("num_groups"), call.param("weight"), call.param("bias"),
                        call.number("eps"));
}

at::Tensor channel_scale(const Call& call) {
  std::vector<int64_t> shape(static_cast<size_t>(call.x().dim() - call.integer("axis")), 1);
  shape[0] = -1;
  return call.x() * call.param("weight").view(shape);
}

at::Tensor layer_norm(const Call& call) {
  return at::layer_norm(call.x(), call.integers("normalized_shape"), call.param("weight"), call.param("bias"),
                        call.number("eps"));
}

at::Tensor rms_norm(const Call& call) {
  const at::Tensor weight = call.param("weight");
  return at::rms_norm(call.x(), call.integers("normalized_shape"),
                      weight.defined() ? std::optional(weight) : std::nullopt, call.number("eps"));
}

at::Tensor upsample(const Call& call) {
  const at::Tensor& x = call.x();
  const std::vector<int64_t>& size = call.integers("size");
  const at::OptionalIntArrayRef output = size.empty() ? at::OptionalIntArrayRef() : at::OptionalIntArrayRef(size);
  const std::vector<double> factors = *numbers_in(*attribute_of(call.record(), "scale_factor"));
  const auto scale = size.empty() ? std::optional<at::ArrayRef<double>>(factors) : std::nullopt;
  const bool corners = call.flag("align_corners");
  const std::string& mode = call.text("mode");
  const int64_t spatial = x.dim() - 2;
  if (mode == "nearest" && spatial == 1) return at::upsample_nearest1d(x, output, scale);
  if (mode == "nearest" && spatial == 2) return at::upsample_nearest2d(x, output, scale);
  if (mode == "nearest") return at::upsample_nearest3d(x, output, scale);
  if (mode == "nearest-exact" && spatial == 1) return at::_upsample_nearest_exact1d(x, output, scale);
  if (mode == "nearest-exact" && spatial == 2) return at::_upsample_nearest_exact2d(x, output, scale);
  if (mode == "nearest-exact") return at::_upsample_nearest_exact3d(x, output, scale);
  if (mode == "linear") return at::upsample_linear1d(x, output, corners, scale);
  if (mode == "bilinear") return at::upsample_bilinear2d(x, output, corners, scale);
  if (mode == "bicubic") return at::upsample_bicubic2d(x, output, corners, scale);
  if (mode == "trilinear") return at::upsample_trilinear3d(x, output, corners, scale);
  throw Error("nn.kernel", cat("there is no upsampling of mode ", mode));
}

at::Tensor quant_stub(const Call& call) {
  const at::Tensor scale = scale_of(call.record(), call.context().tensors);
  if (!scale.defined()) return call.x();
  return fake_quantize(call.x(), scale, 0, activation_range(call.text("precision")), call.param("zero_point"));
}

at::Tensor weight_fake_quantize(const Call& call) {
  const at::Tensor scale = scale_of(call.record(), call.context().tensors);
  if (!scale.defined()) return call.x();
  return fake_quantize(call.x(), scale, call.integer("axis"), range_of(call.record()), call.param("zero_point"));
}

using Kernel = std::function<c10::IValue(const Call&)>;

const std::map<std::string, Kernel>& kernels() {
  static const std::map<std::string, Kernel> table{
      {"nn.Conv1d", conv},
      {"nn.Conv2d", conv},
      {"nn.Conv3d", conv},
      {"nn.ConvTranspose1d", conv_transpose},
      {"nn.ConvTranspose2d", conv_transpose},
      {"nn.ConvTranspose3d", conv_transpose},
      {"nn.Linear", [](const Call& call) { return at::linear(call.x(), call.weight(), call.bias()); }},
      {"nn.BatchNorm1d", batch_norm},
      {"nn.BatchNorm2d", batch_norm},
      {"nn.BatchNorm3d", batch_norm},
      {"nn.InstanceNorm1d", instance_norm},
      {"nn.InstanceNorm2d", instance_norm},
      {"nn.InstanceNorm3d", instance_norm},
      {"nn.GroupNorm", group_norm},
      {"nn.LayerNorm", layer_norm},
      {"nn.RMSNorm", rms_norm},
      {"nn.ReLU", [](const Call& call) { return at::relu(call.x()); }},
      {"nn.ReLU6", [](const Call& call) { return at::hardtanh(call.x(), 0, 6); }},
      {"nn.LeakyReLU", [](const Call& call) { return at::leaky_relu(call.x(), call.number("negative_slope")); }},
      {"nn.ELU", [](const Call& call) { return at::elu(call.x(), call.number("alpha")); }},
      {"nn.GELU", [](const Call& call) { return at::gelu(call.x(), call.text("approximate")); }},
      {"QuickGELU", [](const Call& call) { return call.x() * at::sigmoid(call.x() * 1.702); }},
      {"nn.SiLU", [](const Call& call) { return at::silu(call.x()); }},
      {"nn.Hardswish", [](const Call& call) { return at::hardswish(call.x()); }},
      {"nn.Hardsigmoid", [](const Call& call) { return at::hardsigmoid(call.x()); }},
      {"nn.Sigmoid", [](const Call& call) { return at::sigmoid(call.x()); }},
      {"nn.Tanh", [](const Call& call) { return at::tanh(call.x()); }},
      {"nn.PReLU", [](const Call& call) { return at::prelu(call.x(), call.param("weight")); }},
      {"nn.Mish", [](const Call& call) { return at::mish(call.x()); }},
      {"nn.MaxPool1d", max_pool<at::max_pool1d>},
      {"nn.MaxPool2d", max_pool<at::max_pool2d>},
      {"nn.MaxPool3d", max_pool<at::max_pool3d>},
      {"nn.AvgPool1d", avg_pool<at::avg_pool1d>},
      {"nn.AvgPool2d", avg_pool<avg_pool2d>},
      {"nn.AvgPool3d", avg_pool<avg_pool3d>},
      {"nn.AdaptiveAvgPool1d", adaptive_avg_pool<at::adaptive_avg_pool1d>},
      {"nn.AdaptiveAvgPool2d", adaptive_avg_pool<adaptive_avg_pool2d>},
      {"nn.AdaptiveAvgPool3d", adaptive_avg_pool<adaptive_avg_pool3d>},
      {"nn.AdaptiveMaxPool1d", adaptive_max_pool<at::adaptive_max_pool1d>},
      {"nn.AdaptiveMaxPool2d", adaptive_max_pool<at::adaptive_max_pool2d>},
      {"nn.AdaptiveMaxPool3d", adaptive_max_pool<at::adaptive_max_pool3d>},
      {"nn.Upsample", upsample},
      {"nn.PixelShuffle", [](const Call& call) { return at::pixel_shuffle(call.x(), call.integer("upscale_factor")); }},
      {"nn.PixelUnshuffle",
       [](const Call& call) { return at::pixel_unshuffle(call.x(), call.integer("downscale_factor")); }},
      {"nn.ChannelShuffle", [](const Call& call) { return at::channel_shuffle(call.x(), call.integer("groups")); }},
      {"nn.Flatten",
       [](const Call& call) { return at::flatten(call.x(), call.integer("start_dim"), call.integer("end_dim")); }},
      {"nn.Dropout", [](const Call& call) { return at::dropout(call.x(), call.number("p"), call.training()); }},
      {"nn.Identity", [](const Call& call) { return call.x(); }},
      {"ChannelScale", channel_scale},
      {"QuantStub", quant_stub},
      {"WeightFakeQuantize", weight_fake_quantize},
  };
  return table;
}

}  // namespace

double number_of(const ModuleRecord& record, Symbol attr) {
  const Attribute& value = *attribute_of(record, attr);
  const int64_t* whole = value.get<int64_t>();
  return whole ? static_cast<double>(*whole) : *value.get<double>();
}

at::Tensor scale_of(const ModuleRecord& fake_quantize, const TensorStore& tensors) {
  if (const ParamExpr* scale = fake_quantize.param("scale")) return evaluate(*scale, tensors);
  const double given = number_of(fake_quantize, "given_scale");
  return given > 0 ? at::scalar_tensor(given, at::kFloat) : at::Tensor();
}

QuantRange range_of(const ModuleRecord& weight_fake_quantize) {
  QuantRange range = weight_range(*attribute_of(weight_fake_quantize, "precision")->get<std::string>());
  if (range.max == 127) range.min = number_of(weight_fake_quantize, "quant_min");
  return range;
}

at::Tensor weight_of(const ModuleRecord& layer, ModuleId quantizer, const ModuleContext& context) {
  const at::Tensor weight = evaluate(*layer.param("weight"), context.tensors);
  if (!quantizer) return weight;
  const c10::IValue input(weight);
  return run_module(context.modules[quantizer], std::span(&input, 1), context).toTensor();
}

at::Tensor run_layer_in_half(const ModuleRecord& layer, const ModuleRecord* batch_norm, const at::Tensor& x,
                             const ModuleContext& context, ModuleId quantizer) {
  const FoldedLayer folded = fold_batch_norm(layer, batch_norm, context.tensors);
  ModuleContext exact = context;
  exact.half = false;
  const at::Tensor weight = fold_into_weight(layer, weight_of(layer, quantizer, exact), folded.factor);
  const LayerTensors written{constant_in_half(weight),
                             folded.bias.defined() ? constant_in_half(folded.bias) : at::Tensor()};
  const c10::IValue input(x);
  return kernels().at(layer.kind.str())(Call(layer, std::span(&input, 1), context, {}, &written)).toTensor();
}

bool has_kernel(Symbol kind) { return kernels().contains(kind.str()); }

c10::IValue run_module(const ModuleRecord& record, std::span<const c10::IValue> inputs, const ModuleContext& context,
                       ModuleId quantizer) {
  const auto kernel = kernels().find(record.kind.str());
  if (kernel == kernels().end())
    throw Error("nn.kernel", "there is no kernel for modules of kind " + record.kind.str());
  return kernel->second(Call(record, inputs, context, quantizer));
}

}  // namespace graftwork::core

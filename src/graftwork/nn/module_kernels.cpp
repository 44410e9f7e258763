#include "graftwork/nn/module_kernels.h"

#include <map>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/nn/fake_quant.h"

namespace graftwork {
namespace {

/// A record with its attributes and parameters at hand.
class Call {
 public:
  Call(const ModuleRecord& record, std::span<const at::Tensor> inputs, const ModuleContext& context)
      : record_(record), inputs_(inputs), context_(context) {}

  const at::Tensor& x() const { return inputs_[0]; }
  const at::Tensor& input(size_t slot) const { return inputs_[slot]; }
  const ModuleRecord& record() const { return record_; }
  const ModuleContext& context() const { return context_; }
  bool training() const { return context_.mode == Mode::kTrain; }

  at::Tensor param(Symbol name) const {
    const ParamExpr* expr = record_.param(name);
    return expr ? evaluate(*expr, context_.tensors) : at::Tensor();
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
  std::span<const at::Tensor> inputs_;
  const ModuleContext& context_;
};

at::Tensor conv(const Call& call, const at::Tensor& weight) {
  return at::convolution(call.x(), weight, call.param("bias"), call.integers("stride"), call.integers("padding"),
                         call.integers("dilation"), false, std::vector<int64_t>(call.integers("stride").size(), 0),
                         call.integer("groups"));
}

at::Tensor conv_transpose(const Call& call) {
  return at::convolution(call.x(), call.param("weight"), call.param("bias"), call.integers("stride"),
                         call.integers("padding"), call.integers("dilation"), true, call.integers("output_padding"),
                         call.integer("groups"));
}

at::Tensor batch_norm(const Call& call) {
  return at::batch_norm(call.x(), call.param("weight"), call.param("bias"), call.param("running_mean"),
                        call.param("running_var"), call.training(), call.number("momentum"), call.number("eps"), false);
}

at::Tensor avg_pool(const Call& call) {
  return at::avg_pool2d(call.x(), call.integers("kernel_size"), call.integers("stride"), call.integers("padding"),
                        call.flag("ceil_mode"), call.flag("count_include_pad"));
}

at::Tensor max_pool(const Call& call) {
  return at::max_pool2d(call.x(), call.integers("kernel_size"), call.integers("stride"), call.integers("padding"),
                        call.integers("dilation"), call.flag("ceil_mode"));
}

at::Tensor quant_stub(const Call& call) {
  const at::Tensor scale = call.param("scale");
  return scale.defined() ? fake_quantize(call.x(), scale, 0, activation_range(call.text("precision"))) : call.x();
}

at::Tensor weight_fake_quantize(const Call& call) {
  const at::Tensor scale = call.param("scale");
  return scale.defined() ? fake_quantize(call.x(), scale, call.integer("axis"), weight_range(call.text("precision")))
                         : call.x();
}

/// The owner of the quantized weight runs on the fake-quantized weight; everything else on its own.
at::Tensor run_part(const ModuleRecord& part, const at::Tensor& x, const ModuleRecord* fake_quant,
                    const ModuleContext& context) {
  const std::span<const at::Tensor> input(&x, 1);
  if (!fake_quant) return run_module(part, input, context);
  const Call call(part, input, context);
  const at::Tensor weight = call.param("weight");
  const at::Tensor quantized = run_module(*fake_quant, std::span(&weight, 1), context);
  if (part.kind == Symbol("nn.Linear")) return at::linear(x, quantized, call.param("bias"));
  return conv(call, quantized);
}

at::Tensor fused(const Call& call) {
  const Kind& kind = KindTable::builtin().at(call.record().kind);
  const ModuleTable& modules = call.context().modules;
  const ModuleId fake_quant = call.record().child("weight_fake_quant");
  at::Tensor value = call.x();
  for (const FusedStep& step : kind.steps) {
    if (step.is_addition()) {
      value = value + call.input(static_cast<size_t>(step.add_input));
      continue;
    }
    const ModuleId child = call.record().child(step.role);
    if (!child) continue;
    const bool quantized = fake_quant && step.role == kind.weight_role;
    value = run_part(modules[child], value, quantized ? &modules[fake_quant] : nullptr, call.context());
  }
  return value;
}

using Kernel = at::Tensor (*)(const Call&);

const std::map<std::string, Kernel>& kernels() {
  static const std::map<std::string, Kernel> table{
      {"nn.Conv1d", [](const Call& call) { return conv(call, call.param("weight")); }},
      {"nn.Conv2d", [](const Call& call) { return conv(call, call.param("weight")); }},
      {"nn.Conv3d", [](const Call& call) { return conv(call, call.param("weight")); }},
      {"nn.ConvTranspose1d", conv_transpose},
      {"nn.ConvTranspose2d", conv_transpose},
      {"nn.ConvTranspose3d", conv_transpose},
      {"nn.Linear", [](const Call& call) { return at::linear(call.x(), call.param("weight"), call.param("bias")); }},
      {"nn.BatchNorm1d", batch_norm},
      {"nn.BatchNorm2d", batch_norm},
      {"nn.BatchNorm3d", batch_norm},
      {"nn.ReLU", [](const Call& call) { return at::relu(call.x()); }},
      {"nn.ReLU6", [](const Call& call) { return at::hardtanh(call.x(), 0, 6); }},
      {"nn.LeakyReLU", [](const Call& call) { return at::leaky_relu(call.x(), call.number("negative_slope")); }},
      {"nn.ELU", [](const Call& call) { return at::elu(call.x(), call.number("alpha")); }},
      {"nn.GELU", [](const Call& call) { return at::gelu(call.x(), call.text("approximate")); }},
      {"nn.SiLU", [](const Call& call) { return at::silu(call.x()); }},
      {"nn.Hardswish", [](const Call& call) { return at::hardswish(call.x()); }},
      {"nn.Hardsigmoid", [](const Call& call) { return at::hardsigmoid(call.x()); }},
      {"nn.Sigmoid", [](const Call& call) { return at::sigmoid(call.x()); }},
      {"nn.Tanh", [](const Call& call) { return at::tanh(call.x()); }},
      {"nn.PReLU", [](const Call& call) { return at::prelu(call.x(), call.param("weight")); }},
      {"nn.Mish", [](const Call& call) { return at::mish(call.x()); }},
      {"nn.MaxPool2d", max_pool},
      {"nn.AvgPool2d", avg_pool},
      {"nn.AdaptiveAvgPool2d",
       [](const Call& call) { return at::adaptive_avg_pool2d(call.x(), call.integers("output_size")); }},
      {"nn.Flatten",
       [](const Call& call) { return at::flatten(call.x(), call.integer("start_dim"), call.integer("end_dim")); }},
      {"nn.Dropout", [](const Call& call) { return at::dropout(call.x(), call.number("p"), call.training()); }},
      {"nn.Identity", [](const Call& call) { return call.x(); }},
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

bool has_kernel(Symbol kind) {
  const Kind* known = KindTable::builtin().find(kind);
  return kernels().contains(kind.str()) || (known && known->family == Family::kFused);
}

at::Tensor run_module(const ModuleRecord& record, std::span<const at::Tensor> inputs, const ModuleContext& context) {
  const Call call(record, inputs, context);
  if (KindTable::builtin().at(record.kind).family == Family::kFused) return fused(call);
  const auto kernel = kernels().find(record.kind.str());
  if (kernel == kernels().end())
    throw Error("nn.kernel", "there is no kernel for modules of kind " + record.kind.str());
  return kernel->second(call);
}

}  // namespace graftwork

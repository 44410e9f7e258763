#include "graftwork/nn/prepared_linear.h"

#include "graftwork/ir/body.h"
#include "graftwork/nn/module_kernels.h"
#include "graftwork/nn/prepared_conv.h"

namespace graftwork::core {
namespace {

using Scalars = c10::List<std::optional<at::Scalar>>;

at::Tensor multiplied(const at::Tensor& x, const at::Tensor& weight, const std::optional<at::Tensor>& bias) {
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("mkldnn::_linear_pointwise", "")
                             .typed<at::Tensor(const at::Tensor&, const at::Tensor&, const std::optional<at::Tensor>&,
                                               std::string_view, Scalars, std::optional<std::string_view>)>();
  return op.call(x.contiguous(), weight, bias, "none", Scalars(), std::nullopt);
}

class PreparedLinear final : public PreparedModule {
 public:
  PreparedLinear(const ModuleRecord& layer, ModuleId quantizer, const ModuleTable& modules, const TensorStore& tensors)
      : layer_(layer), quantizer_(quantizer), context_{modules, tensors} {
    if (const ParamExpr* bias = layer.param("bias")) bias_ = evaluate(*bias, tensors).contiguous();
    if (!quantizer_) weight_ = evaluate(*layer.param("weight"), tensors).contiguous();
  }

  at::Tensor run(std::span<const at::Tensor> inputs) const override {
    const at::Tensor& x = inputs[0];
    const at::Tensor weight = quantizer_ ? weight_of(layer_, quantizer_, context_) : weight_;
    // oneDNN takes no empty tensors, and vectors as little as at::linear's other forms.
    return x.numel() == 0 || x.dim() < 2 ? at::linear(x, weight, bias_) : multiplied(x, weight, bias_);
  }

 private:
  const ModuleRecord& layer_;
  ModuleId quantizer_;
  ModuleContext context_;
  std::optional<at::Tensor> bias_;
  at::Tensor weight_;
};

}  // namespace

Preparer prepared_linears(const TensorStore& tensors) {
  return [&tensors](const GraphModule& module, const Node& call) -> Prepared {
    const ModuleRecord& record = module.record(call);
    if (record.body->layers.size() != 1) return {};
    const BodyLayer& layer = record.body->layers.front();
    const ModuleRecord& linear = module.modules()[record.child(layer.role)];
    if (linear.kind != Symbol("nn.Linear") || !is_plain_f32(linear, tensors)) return {};
    Prepared prepared;
    prepared.module =
        std::make_unique<PreparedLinear>(linear, weight_quantizer(record, layer), module.modules(), tensors);
    prepared.inputs = {&layer.call->input(0)};
    prepared.replaces = {layer.call};
    return prepared;
  };
}

}  // namespace graftwork::core

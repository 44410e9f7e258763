#include "graftwork/nn/prepared_linear.h"

#include "graftwork/ir/body.h"
#include "graftwork/nn/module_kernels.h"

namespace graftwork {
namespace {

class PreparedLinear final : public PreparedModule {
 public:
  PreparedLinear(at::Tensor weight, at::Tensor bias) : weight_(std::move(weight)), bias_(std::move(bias)) {}

  at::Tensor run(std::span<const at::Tensor> inputs) const override {
    return at::linear(inputs[0], weight_, bias_.defined() ? std::optional(bias_) : std::nullopt);
  }

 private:
  at::Tensor weight_, bias_;
};

}  // namespace

Preparer prepared_linears(const TensorStore& tensors) {
  return [&tensors](const GraphModule& module, const Node& call) -> Prepared {
    const ModuleRecord& record = module.record(call);
    if (record.body->layers.size() != 1) return {};
    const BodyLayer& layer = record.body->layers.front();
    const ModuleRecord& linear = module.modules()[record.child(layer.role)];
    const ModuleId quantizer = weight_quantizer(record, layer);
    if (linear.kind != Symbol("nn.Linear") || !quantizer) return {};
    const ParamExpr* bias = linear.param("bias");
    Prepared prepared;
    prepared.module = std::make_unique<PreparedLinear>(weight_of(linear, quantizer, {module.modules(), tensors}),
                                                       bias ? evaluate(*bias, tensors) : at::Tensor());
    prepared.inputs = {&layer.call->input(0)};
    prepared.replaces = {layer.call};
    return prepared;
  };
}

}  // namespace graftwork

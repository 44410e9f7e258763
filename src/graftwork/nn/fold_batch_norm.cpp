#include "graftwork/nn/fold_batch_norm.h"

namespace graftwork {

ChannelAffine batch_norm_affine(const ModuleRecord& batch_norm, const TensorStore& tensors) {
  const auto param = [&](Symbol name) {
    const ParamExpr* expr = batch_norm.param(name);
    return expr ? evaluate(*expr, tensors).detach().to(at::kDouble) : at::Tensor();
  };
  const at::Tensor mean = param("running_mean");
  const double eps = *attribute_of(batch_norm, "eps")->get<double>();
  at::Tensor factor = at::rsqrt(param("running_var") + eps);
  if (const at::Tensor gamma = param("weight"); gamma.defined()) factor = factor * gamma;
  at::Tensor offset = -mean * factor;
  if (const at::Tensor beta = param("bias"); beta.defined()) offset = offset + beta;
  return {factor, offset};
}

FoldedLayer fold_batch_norm(const ModuleRecord& layer, const ModuleRecord* batch_norm, const TensorStore& tensors) {
  const at::Tensor weight = evaluate(*layer.param("weight"), tensors).detach();
  const ParamExpr* bias_expr = layer.param("bias");
  const at::Tensor bias = bias_expr ? evaluate(*bias_expr, tensors).detach() : at::Tensor();
  if (!batch_norm) return {weight, bias, {}};
  const ChannelAffine affine = batch_norm_affine(*batch_norm, tensors);
  std::vector<int64_t> per_channel(static_cast<size_t>(weight.dim()), 1);
  per_channel[0] = affine.factor.numel();
  at::Tensor folded_bias = affine.offset;
  if (bias.defined()) folded_bias = folded_bias + bias.to(at::kDouble) * affine.factor;
  return {(weight.to(at::kDouble) * affine.factor.view(per_channel)).to(weight.scalar_type()), folded_bias.to(weight.scalar_type()),
          affine.factor};
}

}  // namespace graftwork

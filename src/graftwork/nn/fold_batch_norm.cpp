#include "graftwork/nn/fold_batch_norm.h"

#include "graftwork/ir/kind.h"
#include "graftwork/nn/module_kernels.h"

namespace graftwork::core {

ChannelAffine batch_norm_affine(const ModuleRecord& batch_norm, const TensorStore& tensors) {
  const auto param = [&](Symbol name) {
    const ParamExpr* expr = batch_norm.param(name);
    return expr ? evaluate(*expr, tensors).detach().to(at::kDouble) : at::Tensor();
  };
  const at::Tensor mean = param("running_mean");
  const double eps = number_of(batch_norm, "eps");
  at::Tensor factor = at::rsqrt(param("running_var") + eps);
  if (const at::Tensor gamma = param("weight"); gamma.defined()) factor = factor * gamma;
  at::Tensor offset = -mean * factor;
  if (const at::Tensor beta = param("bias"); beta.defined()) offset = offset + beta;
  return {factor, offset};
}

FoldedLayer fold_batch_norm(const ModuleRecord& layer, const ModuleRecord* batch_norm, const TensorStore& tensors) {
  const ParamExpr* bias_expr = layer.param("bias");
  const at::Tensor bias = bias_expr ? evaluate(*bias_expr, tensors).detach() : at::Tensor();
  if (!batch_norm) return {{}, bias};
  const ChannelAffine affine = batch_norm_affine(*batch_norm, tensors);
  at::Tensor folded = affine.offset;
  if (bias.defined()) folded = folded + bias.to(at::kDouble) * affine.factor;
  return {affine.factor, folded.to(evaluate(*layer.param("weight"), tensors).scalar_type())};
}

at::Tensor fold_into_weight(const ModuleRecord& layer, const at::Tensor& weight, const at::Tensor& factor) {
  if (!factor.defined()) return weight.detach();
  at::Tensor rows = factor.to(weight.scalar_type());
  std::vector<int64_t> shape(static_cast<size_t>(weight.dim()), 1);
  shape[0] = factor.numel();
  if (KindTable::torch()->at(layer.kind).output_channel_axis == 1) {
    // Transposed: [in, out / groups, ...], where the rows of a group make the output channels of that group.
    const int64_t groups = *attribute_of(layer, "groups")->get<int64_t>();
    shape[0] = weight.size(0);
    shape[1] = weight.size(1);
    rows = rows.view({groups, 1, shape[1]}).expand({groups, shape[0] / groups, shape[1]});
  }
  return weight.detach() * rows.reshape(shape);
}

}  // namespace graftwork::core

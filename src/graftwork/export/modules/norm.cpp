// nn.BatchNormNd that no convolution took in.
#include "graftwork/export/module_lowering.h"
#include "graftwork/nn/fold_batch_norm.h"

namespace graftwork {
namespace {

std::string batch_norm(Lowering& lowering, const ModuleCall& call) {
  // Scale and offset per channel, with mean 0 and variance 1: the numbers of the statistics need not fit FP16.
  const ChannelAffine affine = batch_norm_affine(call.record, lowering.network().tensors);
  const at::Tensor zeros = at::zeros_like(affine.factor);
  return lowering.add("BatchNormalization", call.path(),
                      {call.inputs[0], lowering.float_constant(call.path() + ".scale", affine.factor),
                       lowering.float_constant(call.path() + ".offset", affine.offset),
                       lowering.float_constant(call.path() + ".mean", zeros),
                       lowering.float_constant(call.path() + ".var", at::ones_like(zeros))},
                      {{"epsilon", 0.0}}, call.output);
}

}  // namespace

ModuleLowerings norm_lowerings() {
  return {{"nn.BatchNorm1d", batch_norm}, {"nn.BatchNorm2d", batch_norm}, {"nn.BatchNorm3d", batch_norm}};
}

}  // namespace graftwork

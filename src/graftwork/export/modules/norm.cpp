// nn.BatchNormNd that no convolution took in, and the norms that work on live statistics.
#include <algorithm>

#include "graftwork/base/text.h"
#include "graftwork/export/module_lowering.h"
#include "graftwork/export/reshape.h"
#include "graftwork/nn/fold_batch_norm.h"

namespace graftwork::core {
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

/// A parameter, or `fallback` throughout where the module has none.
at::Tensor param_value(const Lowering& lowering, const ModuleCall& call, Symbol name, at::IntArrayRef shape,
                       double fallback) {
  const ParamExpr* expr = call.record.param(name);
  return expr ? evaluate(*expr, lowering.network().tensors) : at::full(shape, fallback);
}

std::string param_or(Lowering& lowering, const ModuleCall& call, Symbol name, at::IntArrayRef shape, double fallback) {
  return lowering.float_constant(call.path() + "." + name.str(), param_value(lowering, call, name, shape, fallback));
}

std::string instance_norm(Lowering& lowering, const ModuleCall& call) {
  const int64_t channels = call.integer("num_features");
  return lowering.add("InstanceNormalization", call.path(),
                      {call.inputs[0], param_or(lowering, call, "weight", {channels}, 1),
                       param_or(lowering, call, "bias", {channels}, 0)},
                      {{"epsilon", call.number("eps")}}, call.output);
}

/// Whether a group norm has a form that every engine takes for what it is.
bool is_plain_group_norm(const Lowering& lowering, const ModuleCall& call) {
  if (!lowering.options().backend->file.misreads_edge_group_norms || !call.input_type.tensor()) return true;
  const std::vector<Dim>& dims = call.input_type.tensor()->dims;
  const bool has_pixels = std::any_of(dims.begin() + 2, dims.end(), [](const Dim& dim) { return dim != Dim(1); });
  const bool shares = call.integer("num_groups") < call.integer("num_channels");
  return call.integer("num_groups") > 1 && dims.size() > 2 && (has_pixels || shares);
}

/// Each group as one row of [batch, groups, elements], normalized, and then scaled by channel.
std::string group_norm_in_rows(Lowering& lowering, const ModuleCall& call) {
  const TensorType& type = *call.input_type.tensor();
  const int64_t channels = call.integer("num_channels"), groups = call.integer("num_groups");
  Dim elements(channels / groups);
  for (size_t i = 2; i < type.rank(); ++i) elements = elements * type.dims[i];
  const TensorType rows{type.dtype, {type.dims[0], Dim(groups), elements}};
  const std::string apart = lower_reshape(lowering, call.path() + ".rows", call.inputs[0], call.input_type, rows, "");
  // The compiler has no instance norm of single numbers, but a layer norm.
  const bool is_number = elements == Dim(1);
  const at::Tensor ones = at::ones({is_number ? 1 : groups});
  std::vector<std::pair<std::string, onnx::AttributeValue>> attributes{{"epsilon", call.number("eps")}};
  if (is_number) attributes.insert(attributes.begin(), {"axis", int64_t{-1}});
  const std::string normalized =
      lowering.add(is_number ? "LayerNormalization" : "InstanceNormalization", call.path() + ".normalized",
                   {apart, lowering.float_constant(call.path() + ".ones", ones),
                    lowering.float_constant(call.path() + ".zeros", at::zeros_like(ones))},
                   std::move(attributes));
  const std::string value = lower_reshape(lowering, call.path() + ".joined", normalized, rows, call.input_type, "");
  std::vector<int64_t> by_channel(type.rank() - 1, 1);
  by_channel[0] = channels;
  const auto param = [&](Symbol name, double fallback) {
    return lowering.float_constant(call.path() + "." + name.str(),
                                   param_value(lowering, call, name, {channels}, fallback).view(by_channel));
  };
  const std::string scaled = lowering.add("Mul", call.path() + ".scaled", {value, param("weight", 1)});
  return lowering.add("Add", call.path(), {scaled, param("bias", 0)}, {}, call.output);
}

std::string group_norm(Lowering& lowering, const ModuleCall& call) {
  if (!is_plain_group_norm(lowering, call)) return group_norm_in_rows(lowering, call);
  lowering.need_opset(21);
  const int64_t channels = call.integer("num_channels");
  return lowering.add("GroupNormalization", call.path(),
                      {call.inputs[0], param_or(lowering, call, "weight", {channels}, 1),
                       param_or(lowering, call, "bias", {channels}, 0)},
                      {{"epsilon", call.number("eps")}, {"num_groups", call.integer("num_groups")}}, call.output);
}

std::string layer_norm(Lowering& lowering, const ModuleCall& call) {
  const std::vector<int64_t> shape = call.integers("normalized_shape");
  return lowering.add(
      "LayerNormalization", call.path(),
      {call.inputs[0], param_or(lowering, call, "weight", shape, 1), param_or(lowering, call, "bias", shape, 0)},
      {{"axis", -static_cast<int64_t>(shape.size())}, {"epsilon", call.number("eps")}}, call.output);
}

/// In FP32, where squares do not overflow (rule M5); spelled out below opset 23, which has the operator.
std::string rms_norm(Lowering& lowering, const ModuleCall& call) {
  const std::vector<int64_t> shape = call.integers("normalized_shape");
  std::vector<int64_t> axes;
  for (size_t i = shape.size(); i > 0; --i) axes.push_back(-static_cast<int64_t>(i));
  const DType type = lowering.options().float_type;
  const bool half = type != DType::kF32;
  const auto cast = [&](const std::string& value, DType to, const std::string& suffix) {
    return lowering.add("Cast", call.path() + suffix, {value}, {{"to", onnx::data_type(to)}});
  };
  const std::string x = half ? cast(call.inputs[0], DType::kF32, ".f32") : call.inputs[0];
  if (lowering.options().opset >= 23) {
    const std::string weight =
        lowering.constant(call.path() + ".weight", param_value(lowering, call, "weight", shape, 1).to(at::kFloat));
    const std::string norm =
        lowering.add("RMSNormalization", call.path() + (half ? ".f32_norm" : ""), {x, weight},
                     {{"axis", axes.front()}, {"epsilon", call.number("eps")}}, half ? "" : call.output);
    if (!half) return norm;
    return lowering.add("Cast", call.path(), {norm}, {{"to", onnx::data_type(type)}}, call.output);
  }
  const std::string square = lowering.add("Mul", call.path() + ".square", {x, x});
  const std::string mean =
      lowering.add("ReduceMean", call.path() + ".mean", {square, lowering.integers(call.path() + ".axes", axes)});
  const std::string eps = lowering.constant(call.path() + ".eps", at::scalar_tensor(call.number("eps"), at::kFloat));
  const std::string root =
      lowering.add("Sqrt", call.path() + ".rms", {lowering.add("Add", call.path() + ".shifted", {mean, eps})});
  std::string value = lowering.add("Div", call.path() + ".normalized", {x, root});
  if (half) value = cast(value, type, cat(".", dtype_name(type)));
  return lowering.add("Mul", call.path(), {value, param_or(lowering, call, "weight", shape, 1)}, {}, call.output);
}

}  // namespace

ModuleLowerings norm_lowerings() {
  return {
      {"nn.BatchNorm1d", batch_norm},       {"nn.BatchNorm2d", batch_norm},       {"nn.BatchNorm3d", batch_norm},
      {"nn.InstanceNorm1d", instance_norm}, {"nn.InstanceNorm2d", instance_norm}, {"nn.InstanceNorm3d", instance_norm},
      {"nn.GroupNorm", group_norm},         {"nn.LayerNorm", layer_norm},         {"nn.RMSNorm", rms_norm}};
}

}  // namespace graftwork::core

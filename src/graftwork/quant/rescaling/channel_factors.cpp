#include "graftwork/quant/rescaling/channel_factors.h"

#include <algorithm>

#include "graftwork/base/text.h"
#include "graftwork/ir/kind.h"

namespace graftwork::core {
namespace {

struct WeightForm {
  int64_t groups = 1;
  bool is_transposed = false;  // [in, out / groups, …] instead of [out, in / groups, …]
};

WeightForm form_of(const ModuleRecord& layer) {
  const Attribute* groups = attribute_of(layer, "groups");
  return {groups ? *groups->get<int64_t>() : 1, layer.kind.str().starts_with("nn.ConvTranspose")};
}

bool is_layer(const ModuleRecord& record) {
  return record.kind == Symbol("nn.Linear") || record.kind.str().starts_with("nn.Conv");
}

/// A factor for each channel in a shape that multiplies the weight, whose first axis has the channels of all groups, or
/// the second those of one.
at::Tensor shaped(const at::Tensor& factors, const at::Tensor& weight, int64_t groups, bool along_second) {
  std::vector<int64_t> shape(static_cast<size_t>(weight.dim()), 1);
  if (!along_second) {
    shape[0] = factors.numel();
    return factors.view(shape);
  }
  shape[1] = weight.size(1);
  if (groups == 1) return factors.view(shape);
  shape[0] = weight.size(0);
  return factors.view({groups, 1, -1}).expand({groups, weight.size(0) / groups, -1}).reshape(shape);
}

at::Tensor amax_of_rows(const at::Tensor& weight) { return weight.flatten(1).abs().amax(1).to(at::kFloat); }

/// Each group has its own columns.
at::Tensor amax_of_columns(const at::Tensor& weight, int64_t groups) {
  const at::Tensor grouped = weight.reshape({groups, weight.size(0) / groups, weight.size(1), -1});
  return grouped.abs().amax(std::vector<int64_t>{1, 3}).flatten().to(at::kFloat);
}

/// The name of a new tensor of the module at `path`.
Symbol fresh_leaf(const TensorStore& tensors, Symbol path, const char* suffix) {
  return fresh_name(cat(path.str(), ".", suffix), [&](const std::string& name) { return tensors.contains(name); });
}

ParamExpr stored(TensorStore& tensors, Symbol leaf, const at::Tensor& values) {
  tensors.set(leaf, values.to(at::kFloat).contiguous());
  return tensors.leaf(leaf);
}

}  // namespace

std::string fresh_name(const std::string& name, const std::function<bool(const std::string&)>& is_taken) {
  std::string fresh = name;
  for (int i = 1; is_taken(fresh); ++i) fresh = cat(name, "_", i);
  return fresh;
}

at::Tensor input_channel_amax(const ModuleRecord& layer, const at::Tensor& weight) {
  const WeightForm form = form_of(layer);
  if (form.is_transposed) return amax_of_rows(weight);
  return amax_of_columns(weight, form.groups);
}

at::Tensor output_channel_amax(const ModuleRecord& layer, const at::Tensor& weight) {
  const WeightForm form = form_of(layer);
  if (form.is_transposed) return amax_of_columns(weight, form.groups);
  return amax_of_rows(weight);
}

at::Tensor input_factors(const ModuleRecord& layer, const at::Tensor& factors, const at::Tensor& weight) {
  const WeightForm form = form_of(layer);
  return shaped(factors, weight, form.groups, !form.is_transposed);
}

at::Tensor output_factors(const ModuleRecord& layer, const at::Tensor& factors, const at::Tensor& weight) {
  const WeightForm form = form_of(layer);
  return shaped(factors, weight, form.groups, form.is_transposed);
}

at::Tensor by_channel(const at::Tensor& of_inputs, const std::vector<int64_t>& channels, int64_t count) {
  const at::Tensor index = at::tensor(channels, at::kLong);
  return at::zeros({count}, of_inputs.options()).scatter_reduce(0, index, of_inputs, "amax");
}

at::Tensor by_input(const at::Tensor& of_channels, const std::vector<int64_t>& channels) {
  return of_channels.index_select(0, at::tensor(channels, at::kLong));
}

Outcome takes_factors(const GraphModule& module, const ModuleUses& uses, ModuleId layer_or_norm, ModuleId kernel) {
  const ModuleRecord& record = module.modules()[layer_or_norm];
  if (!uses.is_single(layer_or_norm) || !uses.is_single(kernel))
    return declined(cat(record.path.str(), " is called elsewhere too"));
  const ParamExpr* weight = record.param("weight");
  if (weight && weight->type().dtype != DType::kF32)
    return declined(cat("the weight of ", record.path.str(), " is not FP32"));
  return applied();
}

void divide_channels(Graft& graft, ModuleId norm_or_layer, const at::Tensor& factors, TensorStore& tensors) {
  ModuleRecord& record = graft.edit(norm_or_layer);
  const auto product = [&](const ParamExpr* before, const at::Tensor& values) {
    const ParamExpr factor = stored(tensors, fresh_leaf(tensors, record.path, "output_factors"), values);
    return before ? before->multiply(factor) : factor;
  };
  const at::Tensor inverse = factors.reciprocal();
  const ParamExpr* weight = record.param("weight");
  const bool of_layer = is_layer(record);
  record.set_param("weight",
                   product(weight, of_layer ? output_factors(record, inverse, evaluate(*weight, tensors)) : inverse));
  if (const ParamExpr* bias = record.param("bias")) record.set_param("bias", product(bias, inverse));
}

void multiply_inputs(Graft& graft, const ChannelReader& reader, const at::Tensor& factors, TensorStore& tensors) {
  ModuleRecord& record = graft.edit(reader.layer);
  const ParamExpr& weight = *record.param("weight");
  const at::Tensor columns = input_factors(record, by_input(factors, reader.channels), evaluate(weight, tensors));
  record.set_param("weight",
                   weight.multiply(stored(tensors, fresh_leaf(tensors, record.path, "input_factors"), columns)));
}

}  // namespace graftwork::core

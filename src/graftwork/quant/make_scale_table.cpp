#include "graftwork/quant/make_scale_table.h"

#include "graftwork/base/error.h"
#include "graftwork/ir/body.h"
#include "graftwork/nn/fold_batch_norm.h"
#include "graftwork/nn/module_kernels.h"
#include "graftwork/quant/scales.h"

namespace graftwork::core {
namespace {

StubScale stub_line(const PlannedStub& stub, const QuantizationResult& result, const ScaleTable* used) {
  const ModuleTable& modules = result.network.module.modules();
  const StubScale* before = used ? used->stub(stub.stub) : nullptr;
  StubScale line;
  if (before) line = *before;
  line.stub = stub.stub;
  line.tensor = stub.tensor;
  line.precision = stub.precision;
  const ParamExpr* scale = modules[modules.find(stub.stub)].param("scale");
  GRAFTWORK_ASSERT(scale != nullptr);
  line.scale = evaluate(*scale, result.network.tensors).item<float>();
  if (before) return line;
  const auto found = result.ranges.find(stub.tensor.str());  // a stub that the network brought need not have one
  const Range range = found == result.ranges.end() ? Range() : found->second;
  line.min = range.min;
  line.max = range.max;
  line.method = stub.given ? "given" : name_of(method_for(result.method, stub.precision));
  line.clipped = clipped_share(range, line.scale, stub.precision);
  return line;
}

/// Whether the network has the scale of the weight already.
bool is_given(const Network& network, Symbol module, const BodyLayer& layer) {
  const ModuleTable& modules = network.module.modules();
  const ModuleId fake_quant = weight_quantizer(modules[modules.find(module)], layer);
  return scale_of(modules[fake_quant], network.tensors).defined();
}

WeightScales weight_line(const PlannedWeight& weight, const Network& network, const QuantizationResult& result,
                         const ScaleForm& form) {
  const ModuleTable& modules = result.network.module.modules();
  const TensorStore& tensors = result.network.tensors;
  const ModuleRecord& fused = modules[modules.find(weight.module)];
  const BodyLayer& layer = *layer_at(modules, fused, weight.layer);
  const at::Tensor factor = layer.batch_norm && !form.keeps_batch_norm
                                ? batch_norm_affine(modules[fused.child(layer.batch_norm->role())], tensors).factor
                                : at::Tensor();
  const SmallScale small = small_scale_of(modules[fused.child(layer.role)], form.one_type);
  const at::Tensor scales =
      folded_weight_scales(scale_of(modules[weight_quantizer(fused, layer)], tensors), factor, form.float_type, small);
  const float* values = scales.const_data_ptr<float>();
  const std::string_view method =
      is_given(network, weight.module, layer) ? "given" : name_of(method_for(result.weight_method, weight.precision));
  return {weight.layer, weight.module, std::string(method), std::vector<float>(values, values + scales.numel()),
          weight.precision};
}

}  // namespace

ScaleTable make_scale_table(const Network& network, const QuantizationResult& result, const ScaleForm& form,
                            ChannelMeans means) {
  ScaleTable table;
  table.samples = result.samples;
  table.float_type = form.float_type;
  table.keeps_batch_norm = form.keeps_batch_norm;
  table.rescaling = form.rescaling;
  for (const DividedTensor& divided : result.divided) {
    table.divided.emplace(divided.tensor, sparse(divided.factors));
  }
  for (const PlannedStub& stub : result.plan.stubs) table.stubs.push_back(stub_line(stub, result, form.table));
  for (const PlannedWeight& weight : result.plan.weights) {
    if (!weight.quantized) continue;
    WeightScales line = weight_line(weight, network, result, form);
    if (const WeightScales* before = form.table ? form.table->weight(weight.module, weight.layer) : nullptr)
      line.method = before->method;
    table.weights.push_back(std::move(line));
  }
  table.wide = result.network.wide;
  table.means = std::move(means);
  return table;
}

}  // namespace graftwork::core

#include "graftwork/quant/quantize.h"

#include <array>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/nn/fold_batch_norm.h"
#include "graftwork/nn/module_kernels.h"
#include "graftwork/quant/bias_correction.h"
#include "graftwork/quant/scales.h"
#include "graftwork/rewrite/graft.h"

namespace graftwork {
namespace {

constexpr float kLargestHalf = 65504.0F;

/// A stub that a product reads has a scale of the type that products take.
SmallScale small_scale_of(const PlannedStub& stub, const ModuleTable& modules) {
  for (const StubReader& reader : stub.readers) {
    const ModuleRecord& fused = modules[modules.find(reader.module)];
    const ModuleId layer = fused.child(KindTable::builtin().at(fused.kind).weight_role);
    if (layer && small_scale_of(modules[layer]) == SmallScale::kHalf) return SmallScale::kHalf;
  }
  return SmallScale::kWide;
}

/// What stubs of one scale have in common: the widest range, and a type that suits all readers.
struct ScaleGroup {
  Range range;
  SmallScale small = SmallScale::kWide;
};

std::map<Symbol, ScaleGroup> scale_groups(const QuantizationResult& result) {
  std::map<Symbol, ScaleGroup> groups;
  for (const PlannedStub& stub : result.plan.stubs) {
    if (stub.scale_group.empty() || stub.given) continue;
    ScaleGroup& group = groups[stub.scale_group];
    group.range.merge(result.ranges.at(stub.tensor.str()));
    if (small_scale_of(stub, result.network.module.modules()) == SmallScale::kHalf) group.small = SmallScale::kHalf;
  }
  return groups;
}

void set_stub_scales(QuantizationResult& result, DType float_type) {
  const ModuleTable& modules = result.network.module.modules();
  Graft graft(result.network.module);
  const std::map<Symbol, ScaleGroup> groups = scale_groups(result);
  for (const PlannedStub& stub : result.plan.stubs) {
    const auto shared = groups.find(stub.scale_group);
    ScaleGroup own{{}, small_scale_of(stub, modules)};
    if (!stub.given) own.range = result.ranges.at(stub.tensor.str());
    if (!stub.given && own.range.amax() == 0)
      result.warnings.push_back(cat("%", stub.tensor.str(), " was zero in all of the calibration data"));
    const ScaleGroup& group = shared == groups.end() ? own : shared->second;
    const ModuleId id = modules.find(stub.stub);
    const float scale = stub.given ? exported_scale(scale_of(modules[id], result.network.tensors).item<float>(),
                                                    float_type, group.small)
                                   : activation_scale(group.range, result.method, float_type, group.small);
    const Symbol leaf = stub.stub.str() + (stub.given ? ".exported_scale" : ".scale");
    result.network.tensors.set(leaf, at::scalar_tensor(scale, at::kFloat));
    graft.edit(id).set_param("scale", result.network.tensors.leaf(leaf));
  }
  graft.apply();
}

void set_weight_scales(QuantizationResult& result, CalibrationMethod method, DType float_type) {
  const ModuleTable& modules = result.network.module.modules();
  TensorStore& tensors = result.network.tensors;
  Graft graft(result.network.module);
  for (const PlannedWeight& weight : result.plan.weights) {
    if (!weight.quantized) continue;
    const ModuleRecord& fused = modules[modules.find(weight.module)];
    ModuleRecord& fake_quant = graft.edit(fused.child("weight_fake_quant"));
    const ModuleId bn = fused.child("bn");
    const ModuleRecord& layer = modules[modules.find(weight.layer)];
    try {
      const at::Tensor value = evaluate(*layer.param("weight"), tensors);
      const int64_t axis = *attribute_of(fake_quant, "axis")->get<int64_t>();
      const at::Tensor factor = bn ? batch_norm_affine(modules[bn], tensors).factor : at::Tensor();
      const at::Tensor given = scale_of(fake_quant, tensors);
      const Symbol leaf = fake_quant.path.str() + (given.defined() ? ".exported_scale" : ".scale");
      const at::Tensor raw = given.defined() ? given.expand({value.size(axis)}) : weight_scales(value, axis, method);
      tensors.set(leaf, exported_weight_scales(raw, factor, float_type, small_scale_of(layer)));
      fake_quant.set_param("scale", tensors.leaf(leaf));
    } catch (Error& error) {
      throw error.at(weight.layer.str() + ".weight");
    }
  }
  graft.apply();
}

void check_half(const QuantizationResult& result) {
  std::vector<std::string> too_large;
  for (const auto& [name, range] : result.ranges) {
    if (range.amax() > kLargestHalf) too_large.push_back(cat("%", name, " reaches ", range.amax()));
  }
  if (too_large.empty()) return;
  Error error("quant.fp16",
              cat(counted(too_large.size(), "tensor"), " of the calibration data ",
                  too_large.size() == 1 ? "does" : "do", " not fit FP16 (largest number 65504)"),
              "--float fp32");
  for (std::string& line : too_large) error.at(std::move(line));
  throw error;
}

}  // namespace

QuantizationResult quantize(const Network& network, const SampleSource& samples, const QuantConfig& config,
                            const QuantizeOptions& options) {
  const CalibrationMethod method = config.activation.calibration_method;
  QuantizationResult result{network.clone(), {}, {}, samples.size(), method, 0, samples.facts(), {}};
  if (options.plan) {
    result.plan = *options.plan;
    check_stub_plan(network.module, result.plan);
  } else {
    result.plan = plan_stubs(network.module, config);
  }
  result.warnings = result.plan.warnings;
  apply_stub_plan(result.network.module, result.plan);
  set_weight_scales(result, config.weight.calibration_method,
                    options.float_type);  // first: a bad weight would look like bad data
  std::vector<Symbol> tensors;
  for (const PlannedStub& stub : result.plan.stubs) {
    if (!stub.given) tensors.push_back(stub.tensor);
  }
  CalibrationOptions calibration = options.calibration;
  calibration.observe_all |= options.float_type == DType::kF16;
  calibration.histograms |= method == CalibrationMethod::kMse;
  std::optional<BiasCorrection> correction;
  if (config.weight.bias_correction) correction.emplace(network, result.plan);
  if (correction) calibration.channel_axes = correction->channel_axes();
  result.ranges = calibrate(network, tensors, samples, calibration);
  if (options.float_type == DType::kF16) check_half(result);
  set_stub_scales(result, options.float_type);
  if (correction) result.corrected_biases = correction->apply(result.network, result.ranges);
  return result;
}

}  // namespace graftwork

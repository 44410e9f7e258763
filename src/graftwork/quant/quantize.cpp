#include "graftwork/quant/quantize.h"

#include <algorithm>
#include <array>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/ir/body.h"
#include "graftwork/ir/kind.h"
#include "graftwork/nn/fold_batch_norm.h"
#include "graftwork/nn/mask_values.h"
#include "graftwork/nn/module_kernels.h"
#include "graftwork/quant/bias_correction.h"
#include "graftwork/quant/half_probe.h"
#include "graftwork/quant/half_regions.h"
#include "graftwork/quant/scales.h"
#include "graftwork/quant/shared_scales.h"
#include "graftwork/rewrite/graft.h"

namespace graftwork {
namespace {

constexpr int64_t kFewSamples = 4;

/// What stubs of one scale have in common: the widest range, and a type that suits all readers.
struct ScaleGroup {
  Range range;
  SmallScale small = SmallScale::kWide;
};

/// Gives stubs and weights their scales.
class ScaleSetter {
 public:
  ScaleSetter(QuantizationResult& result, const ActivationQuantConfig& config, DType float_type, const FileRules& rules)
      : result_(result),
        config_(config),
        modules_(result.network.module.modules()),
        float_type_(float_type),
        one_type_(rules.products_take_scales_of_one_type) {}

  void set_stub_scales() {
    Graft graft(result_.network.module);
    const std::map<Symbol, ScaleGroup> groups = scale_groups();
    for (const PlannedStub& stub : result_.plan.stubs) {
      const auto shared = groups.find(stub.scale_group);
      ScaleGroup own{{}, small_scale(stub)};
      if (!stub.given) own.range = result_.ranges.at(stub.tensor.str());
      if (!stub.given && own.range.amax() == 0)
        result_.warnings.push_back(cat("%", stub.tensor.str(), " was zero in all of the calibration data"));
      const ScaleGroup& group = shared == groups.end() ? own : shared->second;
      const ModuleId id = modules_.find(stub.stub);
      const float scale = stub.given ? exported_scale(scale_of(modules_[id], result_.network.tensors).item<float>(),
                                                      float_type_, group.small)
                                     : calibrated_scale(stub, group);
      const Symbol leaf = stub.stub.str() + (stub.given ? ".exported_scale" : ".scale");
      result_.network.tensors.set(leaf, at::scalar_tensor(scale, at::kFloat));
      graft.edit(id).set_param("scale", result_.network.tensors.leaf(leaf));
    }
    graft.apply();
  }

  void set_weight_scales(const TensorQuantConfig& config) {
    Graft graft(result_.network.module);
    for (const PlannedWeight& weight : result_.plan.weights) {
      if (!weight.quantized) continue;
      try {
        set_weight_scale(weight, config, graft);
      } catch (Error& error) {
        throw error.at(weight.layer.str() + ".weight");
      }
    }
    graft.apply();
  }

 private:
  float calibrated_scale(const PlannedStub& stub, const ScaleGroup& group) const {
    const float scale = activation_scale(group.range, config_, float_type_, group.small);
    if (!is_on_softmax(stub)) return scale;
    const float largest = exported_scale(1.0F / 127, float_type_, group.small);
    return config_.softmax_scale == SoftmaxScale::kFixed ? largest : std::min(scale, largest);
  }

  /// Whether the weights of attention are what it quantizes.
  bool is_on_softmax(const PlannedStub& stub) const {
    if (stub.value.empty()) return false;
    const ModuleRecord& kernel = modules_[modules_.find(stub.readers.front().module)];
    const NodeRange nodes = kernel.body->module.graph().nodes();
    const auto value =
        std::find_if(nodes.begin(), nodes.end(), [&](const Node& node) { return node.name() == stub.value; });
    return value != nodes.end() && (*value).op() == Symbol("aten.softmax.int");
  }

  /// A stub that a product reads has a scale of the type that products take.
  SmallScale small_scale(const PlannedStub& stub) const {
    for (const StubReader& reader : stub.readers) {
      const ModuleRecord& fused = modules_[modules_.find(reader.module)];
      for (const BodyLayer& layer : fused.body->layers) {
        const SmallScale small = small_scale_of(modules_[fused.child(layer.role)], one_type_);
        if (small == SmallScale::kHalf) return small;
      }
    }
    return SmallScale::kWide;
  }

  std::map<Symbol, ScaleGroup> scale_groups() const {
    std::map<Symbol, ScaleGroup> groups;
    for (const PlannedStub& stub : result_.plan.stubs) {
      if (stub.scale_group.empty() || stub.given) continue;
      ScaleGroup& group = groups[stub.scale_group];
      group.range.merge(result_.ranges.at(stub.tensor.str()));
      if (small_scale(stub) == SmallScale::kHalf) group.small = SmallScale::kHalf;
    }
    return groups;
  }

  void set_weight_scale(const PlannedWeight& weight, const TensorQuantConfig& config, Graft& graft) {
    TensorStore& tensors = result_.network.tensors;
    const ModuleRecord& fused = modules_[modules_.find(weight.module)];
    const BodyLayer& layer = *layer_at(modules_, fused, weight.layer);
    const ModuleRecord& owner = modules_[fused.child(layer.role)];
    const ModuleId fake_quant = weight_quantizer(fused, layer);
    const at::Tensor value = evaluate(*owner.param("weight"), tensors);
    const int64_t axis = *attribute_of(modules_[fake_quant], "axis")->get<int64_t>();
    const at::Tensor factor = layer.batch_norm
                                  ? batch_norm_affine(modules_[fused.child(layer.batch_norm->role())], tensors).factor
                                  : at::Tensor();
    const at::Tensor given = scale_of(modules_[fake_quant], tensors);
    const Symbol leaf = modules_[fake_quant].path.str() + (given.defined() ? ".exported_scale" : ".scale");
    const at::Tensor raw = given.defined() ? given.expand({value.size(axis)}) : weight_scales(value, axis, config);
    tensors.set(leaf, exported_weight_scales(raw, factor, float_type_, small_scale_of(owner, one_type_)));
    graft.edit(fake_quant).set_param("scale", tensors.leaf(leaf));
  }

  QuantizationResult& result_;
  const ActivationQuantConfig& config_;
  const ModuleTable& modules_;
  DType float_type_;
  bool one_type_;  // FileRules::products_take_scales_of_one_type
};

/// Whether −∞ is meant there: a mask, or the greatest of a row of it, which says whether all are masked.
bool may_be_infinite(const MaskValues& masks, const Node& node) {
  if (masks.is_absorbed(node)) return true;
  return node.op() == Symbol("aten.amax.default") && masks.is_absorbed(*node.inputs()[0].producer());
}

/// The first value that was not finite although nothing is quantized; empty when all were.
std::string not_finite(const Network& network, const std::map<std::string, Range>& ranges) {
  if (std::all_of(ranges.begin(), ranges.end(), [](const auto& range) { return range.second.finite; })) return {};
  const MaskValues masks(network);
  std::string first;
  size_t count = 0;
  for (const Node& node : network.module.graph().nodes()) {
    const auto range = ranges.find(node.name().str());
    if (range == ranges.end() || range->second.finite || may_be_infinite(masks, node)) continue;
    if (count++ == 0) first = node.name().str();
  }
  if (count == 0) return {};
  const std::string more = count > 1 ? cat(", and so do ", count - 1, " values behind it") : "";
  return cat("%", first, " becomes NaN or infinite on the calibration data, in float already", more,
             ": check the network and the scaling of the data");
}

}  // namespace

QuantizationResult quantize(const Network& given, const SampleSource& samples, const QuantConfig& config,
                            const QuantizeOptions& options) {
  const std::shared_ptr<const Backend> backend = or_used(options.backend);
  const CalibrationMethod method = config.activation.calibration_method;
  Network network = given.clone();
  QuantizationResult result{{}, {}, {}, samples.size(), method, config.weight.calibration_method, 0, samples.facts(),
                            {}, {}};
  if (options.plan) {
    result.plan = *options.plan;
    check_stub_plan(network.module, result.plan, *backend);
  } else {
    result.plan = plan_stubs(network.module, config, *backend);
  }
  if (config.weight.cross_layer_equalization) result.equalized = equalize_layers(network);
  if (config.smooth_quant) result.smoothing = smooth_quant(network, result.plan, samples, config, options.calibration);
  if (config.activation.outlier_channels == OutlierChannels::kDivide)
    result.divided = divide_outlier_channels(network, result.plan, samples, config, options.calibration);
  result.network = network.clone();
  result.warnings = result.plan.warnings;
  if (samples.size() < kFewSamples)
    result.warnings.push_back(cat("ranges of ", samples.size(), samples.size() == 1 ? " sample" : " samples",
                                  " are a matter of chance: calibrate on some hundreds"));
  apply_stub_plan(result.network.module, result.plan, *backend);
  ScaleSetter scales(result, config.activation, options.float_type, backend->file);
  scales.set_weight_scales(config.weight);  // first: a bad weight would look like bad data
  std::vector<Symbol> tensors;
  for (const PlannedStub& stub : result.plan.stubs) {
    if (!stub.given) tensors.push_back(stub.tensor);
  }
  CalibrationOptions calibration = options.calibration;
  calibration.observe_all |= options.float_type == DType::kF16;
  calibration.histograms |= method != CalibrationMethod::kMinMax;
  calibration.moving_averages |= method == CalibrationMethod::kMovingAverageMinMax;
  std::optional<BiasCorrection> correction;
  if (config.weight.bias_correction) correction.emplace(network, result.plan);
  if (correction) calibration.channel_axes = correction->channel_axes();
  calibration.further = joined_values(network.module, result.plan);
  std::optional<HalfProbe> probe;
  if (options.float_type == DType::kF16) calibration.half_probe = &probe.emplace(network);
  result.ranges = calibrate(network, tensors, samples, calibration);
  if (probe) result.network.wide = half_regions(result.network, result.ranges, probe->found(), backend->placement);
  if (const std::string line = not_finite(network, result.ranges); !line.empty()) result.warnings.push_back(line);
  split_scale_groups(result.plan, result.ranges);
  for (std::string& line : coarse_concatenations(network.module, result.plan, result.ranges))
    result.warnings.push_back(std::move(line));
  scales.set_stub_scales();
  if (correction) result.corrected_biases = correction->apply(result.network, result.ranges);
  if (options.losses) result.losses = measure_losses(network, result.network, samples, *options.losses);
  return result;
}

}  // namespace graftwork

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
#include "graftwork/quant/make_scale_table.h"
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
  const StubScale* line = nullptr;  ///< Of one of them in the scale table.
};

/// Gives stubs and weights their scales.
class ScaleSetter {
 public:
  /// `table`: null for none.
  ScaleSetter(QuantizationResult& result, const ActivationQuantConfig& config, DType float_type, const FileRules& rules,
              const ScaleTable* table)
      : result_(result),
        config_(config),
        table_(table),
        modules_(result.network.module.modules()),
        float_type_(float_type),
        one_type_(rules.products_take_scales_of_one_type) {}

  void set_stub_scales() {
    Graft graft(result_.network.module);
    const std::map<Symbol, ScaleGroup> groups = scale_groups();
    for (const PlannedStub& stub : result_.plan.stubs) {
      const auto shared = groups.find(stub.scale_group);
      ScaleGroup own{{}, small_scale(stub), table_ ? table_->stub(stub.stub) : nullptr};
      if (!stub.given) own.range = result_.ranges.at(stub.tensor.str());
      if (!stub.given && !own.line && own.range.amax() == 0)
        result_.warnings.push_back(cat("%", stub.tensor.str(), " was zero in all of the calibration data"));
      const ScaleGroup& group = shared == groups.end() ? own : shared->second;
      const ModuleId id = modules_.find(stub.stub);
      const StubScale* line = stub.given ? own.line : group.line;
      const float scale = line         ? exported_scale(line->scale, float_type_, group.small)
                          : stub.given ? exported_scale(scale_of(modules_[id], result_.network.tensors).item<float>(),
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
      if (const StubScale* line = table_ ? table_->stub(stub.stub) : nullptr) group.line = line;
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
    const WeightScales* line = table_ ? table_->weight(weight.module, weight.layer) : nullptr;
    const at::Tensor raw = line              ? unfolded_weight_scales(at::tensor(line->scales, at::kFloat), factor)
                           : given.defined() ? given.expand({value.size(axis)})
                                             : weight_scales(value, axis, config);
    tensors.set(leaf, exported_weight_scales(raw, factor, float_type_, small_scale_of(owner, one_type_)));
    graft.edit(fake_quant).set_param("scale", tensors.leaf(leaf));
  }

  QuantizationResult& result_;
  const ActivationQuantConfig& config_;
  const ScaleTable* table_;
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

/// Whether the table says all that data would tell. Throws Error "scales.missing" where it does not and there is none.
bool is_all_in_table(const ScaleTable* table, const StubPlan& plan, DType float_type,
                     const std::optional<BiasCorrection>& correction, const SampleSource& samples) {
  if (!table) return false;
  const std::unordered_map<Symbol, int64_t> none;
  const std::vector<std::string> missing =
      not_in_table(*table, plan, float_type, correction ? correction->channel_axes() : none);
  if (!missing.empty() && samples.size() == 0)
    throw Error("scales.missing", cat("the scale table does not say all: ", first_of(missing)),
                "--calibrate DATA, or lines for them");
  return missing.empty();
}

}  // namespace

QuantizationResult quantize(const Network& network, const SampleSource& samples, const QuantConfig& config,
                            const QuantizeOptions& options) {
  const std::shared_ptr<const Backend> backend = or_used(options.backend);
  const CalibrationMethod method = config.activation.calibration_method;
  QuantizationResult result{network.clone(), {}, {}, samples.size(), method, config.weight.calibration_method, 0,
                            samples.facts(), {}, {}};
  if (options.plan) {
    result.plan = *options.plan;
    check_stub_plan(network.module, result.plan, *backend);
  } else {
    result.plan = plan_stubs(network.module, config, *backend);
  }
  result.warnings = result.plan.warnings;
  const ScaleTable* table = options.scales ? &*options.scales : nullptr;
  std::optional<BiasCorrection> correction;
  if (config.weight.bias_correction) correction.emplace(network, result.plan);
  const bool is_known = is_all_in_table(table, result.plan, options.float_type, correction, samples);
  if (!is_known && samples.size() < kFewSamples)
    result.warnings.push_back(cat("ranges of ", samples.size(), samples.size() == 1 ? " sample" : " samples",
                                  " are a matter of chance: calibrate on some hundreds"));
  apply_stub_plan(result.network.module, result.plan, *backend);
  if (table) check_scale_table(*table, result.plan, result.network);
  ScaleSetter scales(result, config.activation, options.float_type, backend->file, table);
  scales.set_weight_scales(config.weight);  // first: a bad weight would look like bad data
  std::vector<Symbol> tensors;
  for (const PlannedStub& stub : result.plan.stubs) {
    if (!stub.given) tensors.push_back(stub.tensor);
  }
  CalibrationOptions calibration = options.calibration;
  calibration.observe_all |= options.float_type == DType::kF16;
  calibration.histograms |= method != CalibrationMethod::kMinMax;
  calibration.moving_averages |= method == CalibrationMethod::kMovingAverageMinMax;
  if (correction) calibration.channel_axes = correction->channel_axes();
  calibration.further = joined_values(network.module, result.plan);
  std::optional<HalfProbe> probe;
  if (options.float_type == DType::kF16) calibration.half_probe = &probe.emplace(network);
  ChannelMeans means;
  if (is_known) {
    result.samples = table->samples;
    result.ranges = ranges_of(*table);
    if (probe) result.network.wide = table->wide;
    means = table->means;
  } else {
    result.ranges = calibrate(network, tensors, samples, calibration);
    if (probe) result.network.wide = half_regions(result.network, result.ranges, probe->found(), backend->placement);
    means = means_of(result.ranges);
  }
  if (const std::string line = not_finite(network, result.ranges); !line.empty()) result.warnings.push_back(line);
  split_scale_groups(result.plan, result.ranges);
  for (std::string& line : coarse_concatenations(network.module, result.plan, result.ranges))
    result.warnings.push_back(std::move(line));
  if (table) check_shared_scales(*table, result.plan);
  scales.set_stub_scales();
  if (correction) result.corrected_biases = correction->apply(result.network, means);
  result.scales = make_scale_table(network, result, options.float_type, backend->file, table, std::move(means));
  if (options.losses && samples.size() > 0)
    result.losses = measure_losses(network, result.network, samples, *options.losses);
  return result;
}

}  // namespace graftwork

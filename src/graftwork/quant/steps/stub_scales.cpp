#include <algorithm>

#include "graftwork/base/text.h"
#include "graftwork/ir/body.h"
#include "graftwork/nn/module_kernels.h"
#include "graftwork/quant/scales.h"
#include "graftwork/quant/steps/step.h"
#include "graftwork/rewrite/graft.h"

namespace graftwork {
namespace {

/// What stubs of one scale have in common: the widest range, and a type that suits all readers.
struct ScaleGroup {
  Range range;
  SmallScale small = SmallScale::kWide;
};

/// Of one network.
class StubScales {
 public:
  StubScales(const std::map<std::string, Range>& ranges, const ActivationQuantConfig& config, DType float_type,
             bool one_type, QuantizationResult& result)
      : ranges_(ranges),
        config_(config),
        float_type_(float_type),
        one_type_(one_type),
        result_(result),
        modules_(result.network.module.modules()) {}

  void set() {
    Graft graft(result_.network.module);
    const std::map<Symbol, ScaleGroup> groups = scale_groups();
    for (const PlannedStub& stub : result_.plan.stubs) {
      const auto shared = groups.find(stub.scale_group);
      ScaleGroup own{{}, small_scale(stub)};
      if (!stub.given) own.range = ranges_.at(stub.tensor.str());
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
      group.range.merge(ranges_.at(stub.tensor.str()));
      if (small_scale(stub) == SmallScale::kHalf) group.small = SmallScale::kHalf;
    }
    return groups;
  }

  const std::map<std::string, Range>& ranges_;
  const ActivationQuantConfig& config_;
  DType float_type_;
  bool one_type_;
  QuantizationResult& result_;
  const ModuleTable& modules_;
};

class StubScalesStep final : public Step {
 public:
  StubScalesStep(const StubPlan& plan, const ActivationQuantConfig& config, DType float_type, const FileRules& rules)
      : config_(config), float_type_(float_type), one_type_(rules.products_take_scales_of_one_type) {
    for (const PlannedStub& stub : plan.stubs) {
      if (!stub.given) tensors_.push_back(stub.tensor);
    }
  }

  void request(StatisticsRequest& request) const override {
    for (const Symbol tensor : tensors_) {
      ValueRequest& value = request.values[tensor];
      value.quantized = true;
      value.histogram |= config_.calibration_method != CalibrationMethod::kMinMax;
      value.moving_average |= config_.calibration_method == CalibrationMethod::kMovingAverageMinMax;
    }
  }

  void apply(const Statistics& seen, QuantizationResult& result) const override {
    StubScales(seen.ranges, config_, float_type_, one_type_, result).set();
  }

 private:
  ActivationQuantConfig config_;
  DType float_type_;
  bool one_type_;  // FileRules::products_take_scales_of_one_type
  std::vector<Symbol> tensors_;
};

}  // namespace

std::unique_ptr<Step> make_stub_scales_step(const StubPlan& plan, const ActivationQuantConfig& config, DType float_type,
                                            const FileRules& rules) {
  return std::make_unique<StubScalesStep>(plan, config, float_type, rules);
}

}  // namespace graftwork

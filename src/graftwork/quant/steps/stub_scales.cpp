#include <algorithm>

#include "graftwork/base/text.h"
#include "graftwork/nn/module_kernels.h"
#include "graftwork/quant/scales.h"
#include "graftwork/quant/steps/step.h"
#include "graftwork/quant/stub_readers.h"
#include "graftwork/rewrite/graft.h"

namespace graftwork::core {
namespace {

/// What stubs of one scale have in common: the widest range, and a type that suits all readers.
struct ScaleGroup {
  Range range;
  SmallScale small = SmallScale::kWide;
  const StubScale* line = nullptr;  ///< Of one of them in the scale table.
};

/// Of one network.
class StubScales {
 public:
  StubScales(const std::map<std::string, Range>& ranges, const ActivationQuantConfig& config, const ScaleForm& form,
             QuantizationResult& result)
      : ranges_(ranges), config_(config), form_(form), result_(result), modules_(result.network.module.modules()) {}

  void set() {
    Graft graft(result_.network.module);
    const std::map<Symbol, ScaleGroup> groups = scale_groups();
    for (const PlannedStub& stub : result_.plan.stubs) {
      if (stub.given) {
        set_given(stub, graft);
        continue;
      }
      const auto shared = groups.find(stub.scale_group);
      const ScaleGroup group = shared == groups.end() ? own_group(stub) : shared->second;
      if (shared == groups.end() && !group.line && group.range.amax() == 0)
        result_.warnings.push_back(cat("%", stub.tensor.str(), " was zero in all of the calibration data"));
      if (group.line) {
        put_scale(stub, "scale", group.line->scale, group.small, graft);
      } else if (config_.symmetric) {
        put(stub, "scale", "scale", at::scalar_tensor(calibrated_scale(stub, group), at::kFloat), graft);
      } else {
        set_affine(stub, group.range, graft);
      }
    }
    graft.apply();
  }

 private:
  void put(const PlannedStub& stub, const char* param, const char* leaf, const at::Tensor& value, Graft& graft) {
    const Symbol name = cat(stub.stub.str(), ".", leaf);
    result_.network.tensors.set(name, value);
    graft.edit(modules_.find(stub.stub)).set_param(param, result_.network.tensors.leaf(name));
  }

  /// Rounded as it is exported.
  void put_scale(const PlannedStub& stub, const char* leaf, float scale, SmallScale small, Graft& graft) {
    const float rounded = exported_scale(scale, form_.float_type, small);
    put(stub, "scale", leaf, at::scalar_tensor(rounded, at::kFloat), graft);
  }

  void set_given(const PlannedStub& stub, Graft& graft) {
    const StubScale* line = line_of(stub);
    const at::Tensor scale = scale_of(modules_[modules_.find(stub.stub)], result_.network.tensors);
    put_scale(stub, "exported_scale", line ? line->scale : scale.item<float>(), small_scale(stub), graft);
  }

  void set_affine(const PlannedStub& stub, const Range& range, Graft& graft) {
    const bool moves = config_.calibration_method == CalibrationMethod::kMovingAverageMinMax;
    const at::Tensor low = at::scalar_tensor(moves ? range.moving_min : range.min, at::kFloat);
    const at::Tensor high = at::scalar_tensor(moves ? range.moving_max : range.max, at::kFloat);
    const AffineScales scales = affine_scales(low, high, activation_range(name_of(stub.precision)), form_.float_type);
    put(stub, "scale", "scale", scales.scale, graft);
    put(stub, "zero_point", "zero_point", scales.zero_point, graft);
  }

  float calibrated_scale(const PlannedStub& stub, const ScaleGroup& group) const {
    TensorQuantConfig config = config_;
    config.precision = stub.precision;
    config.calibration_method = method_for(config.calibration_method, stub.precision);
    const float scale = activation_scale(group.range, config, form_.float_type, group.small);
    if (!is_on_softmax(modules_, stub)) return scale;
    const auto whole = static_cast<float>(1 / largest_code(stub.precision));
    const float largest = exported_scale(whole, form_.float_type, group.small);
    const bool is_fixed = config_.softmax_scale == SoftmaxScale::kFixed || stub.precision == Precision::kFp8;
    return is_fixed ? largest : std::min(scale, largest);
  }

  SmallScale small_scale(const PlannedStub& stub) const { return small_scale_of(modules_, stub, form_.one_type); }

  const StubScale* line_of(const PlannedStub& stub) const {
    return form_.table ? form_.table->stub(stub.stub) : nullptr;
  }

  ScaleGroup own_group(const PlannedStub& stub) const {
    ScaleGroup group{ranges_.at(stub.tensor.str()), small_scale(stub), line_of(stub)};
    group.range.mean = {};  // tensors of one scale need not have the same channels
    group.range.channel_amax = {};
    return group;
  }

  std::map<Symbol, ScaleGroup> scale_groups() const {
    std::map<Symbol, ScaleGroup> groups;
    for (const PlannedStub& stub : result_.plan.stubs) {
      if (stub.scale_group.empty() || stub.given) continue;
      const ScaleGroup own = own_group(stub);
      ScaleGroup& group = groups[stub.scale_group];
      group.range.merge(own.range);
      if (own.small == SmallScale::kHalf) group.small = SmallScale::kHalf;
      if (own.line) group.line = own.line;
    }
    return groups;
  }

  const std::map<std::string, Range>& ranges_;
  const ActivationQuantConfig& config_;
  const ScaleForm& form_;
  QuantizationResult& result_;
  const ModuleTable& modules_;
};

class StubScalesStep final : public Step {
 public:
  StubScalesStep(const StubPlan& plan, const ActivationQuantConfig& config, const ScaleForm& form)
      : config_(config), form_(form) {
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
    if (form_.table) check_shared_scales(*form_.table, result.plan);
    StubScales(seen.ranges, config_, form_, result).set();
  }

 private:
  ActivationQuantConfig config_;
  ScaleForm form_;
  std::vector<Symbol> tensors_;
};

}  // namespace

std::unique_ptr<Step> make_stub_scales_step(const StubPlan& plan, const ActivationQuantConfig& config,
                                            const ScaleForm& form) {
  return std::make_unique<StubScalesStep>(plan, config, form);
}

}  // namespace graftwork::core

#include "graftwork/quant/rescaling/operand_rounding.h"

#include <algorithm>

#include "graftwork/ir/body.h"
#include "graftwork/ir/kind.h"
#include "graftwork/quant/scales.h"

namespace graftwork::core {
namespace {

template <class Config>
Config as_quantized(Config config, Precision precision) {
  config.precision = precision;
  config.calibration_method = method_for(config.calibration_method, precision);
  return config;
}

/// The stub on what the layer reads: on an input of the kernel or on a value inside it.
const PlannedStub* stub_of(const StubPlan& plan, const ModuleTable& modules, const ModuleRecord& kernel, Symbol layer) {
  const BodyLayer* part = layer_at(modules, kernel, layer);
  if (!part) return nullptr;
  const Node& value = part->call->input(0);
  const bool is_input = value.kind() == NodeKind::kInput;
  const std::optional<size_t> slot =
      is_input ? modules.kinds().at(kernel.kind).input(value.name()) : std::optional<size_t>();
  const auto reads_it = [&](const StubReader& reader) {
    return reader.module == kernel.path && (!slot || reader.input == static_cast<int64_t>(*slot));
  };
  const auto is_on_it = [&](const PlannedStub& stub) {
    return stub.value == (is_input ? Symbol() : value.name()) && std::ranges::any_of(stub.readers, reads_it);
  };
  const auto found = std::ranges::find_if(plan.stubs, is_on_it);
  return found == plan.stubs.end() ? nullptr : &*found;
}

}  // namespace

OperandRounding rounding_by(const StubPlan& plan, const ModuleTable& modules, Symbol kernel, Symbol layer,
                            const QuantConfig& config) {
  OperandRounding rounding;
  if (const PlannedStub* stub = stub_of(plan, modules, modules[modules.find(kernel)], layer))
    rounding.activation = as_quantized<TensorQuantConfig>(config.activation, stub->precision);
  const auto weight = std::ranges::find_if(
      plan.weights, [&](const PlannedWeight& planned) { return planned.module == kernel && planned.layer == layer; });
  if (weight == plan.weights.end() || !weight->quantized) return rounding;
  rounding.weight = as_quantized(config.weight, weight->precision);
  rounding.weight->block_size = weight->block_size;
  return rounding;
}

}  // namespace graftwork::core

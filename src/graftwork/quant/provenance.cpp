#include "graftwork/quant/provenance.h"

#include <algorithm>

#include "graftwork/base/hash.h"
#include "graftwork/base/text.h"
#include "graftwork/place/quant_config_text.h"

namespace graftwork::core {
namespace {

/// What has Q/DQ, and of what codes, without the reasons.
std::string decisions(const StubPlan& plan) {
  std::string text;
  for (const PlannedStub& stub : plan.stubs) {
    text += cat(stub.stub.str(), " ", quoted(stub.tensor.str()), " ", name_of(stub.precision));
    for (const StubReader& reader : stub.readers) text += cat(" ", quoted(reader.module.str()), " ", reader.input);
    text += "\n";
  }
  for (const PlannedWeight& weight : plan.weights)
    text += cat(quoted(weight.module.str()), " ", quoted(weight.layer.str()), " ",
                weight.quantized ? cat(name_of(weight.precision), " ", weight.block_size) : "float", "\n");
  return text;
}

/// Those of the lines, each once, without what the network brought.
template <class Lines>
std::string methods_of(const Lines& lines, CalibrationMethod recipe) {
  std::vector<std::string> methods;
  for (const auto& line : lines) {
    const bool is_new = std::ranges::find(methods, line.method) == methods.end();
    if (is_new && !line.method.empty() && line.method != "given") methods.push_back(line.method);
  }
  std::ranges::sort(methods);
  return methods.empty() ? std::string(name_of(recipe)) : join(methods);
}

}  // namespace

std::string activation_methods(const QuantizationResult& result) {
  return methods_of(result.scales.stubs, result.method);
}

std::string weight_methods(const QuantizationResult& result) {
  return methods_of(result.scales.weights, result.weight_method);
}

std::vector<std::pair<std::string, std::string>> provenance(const QuantizationResult& result,
                                                            const QuantConfig& recipe) {
  QuantConfig numbers = recipe;
  numbers.skip = {};  // these two have become decisions
  numbers.policy = {};
  return {{"graftwork.samples", std::to_string(result.samples)},
          {"graftwork.activations", activation_methods(result)},
          {"graftwork.weights", weight_methods(result)},
          {"graftwork.recipe", hash_digits(hash_text(quant_config_text(numbers)))},
          {"graftwork.quantized", hash_digits(hash_text(decisions(result.plan)))}};
}

}  // namespace graftwork::core

#include "graftwork/quant/sensitivity/quantized_layers.h"

#include <algorithm>
#include <unordered_map>

#include "graftwork/ir/body.h"
#include "graftwork/quant/scales.h"

namespace graftwork::core {
namespace {

double clipped_by(const QuantizationResult& result, const PlannedStub& stub) {
  const auto range = result.ranges.find(stub.tensor.str());
  if (range == result.ranges.end()) return 0;
  const ModuleTable& modules = result.network.module.modules();
  const ParamExpr* scale = modules[modules.find(stub.stub)].param("scale");
  return clipped_share(range->second, evaluate(*scale, result.network.tensors).item<float>(), stub.precision);
}

Symbol first_layer(const ModuleTable& modules, const ModuleRecord& kernel) {
  if (!kernel.body || kernel.body->layers.empty()) return kernel.path;
  return modules[kernel.child(kernel.body->layers.front().role)].path;
}

}  // namespace

std::vector<QuantizedLayer> quantized_layers(const QuantizationResult& result) {
  std::unordered_map<Symbol, double> clipped;
  for (const PlannedStub& stub : result.plan.stubs) {
    if (stub.given) continue;
    const double share = clipped_by(result, stub);
    for (const StubReader& reader : stub.readers) {
      double& most = clipped[reader.module];
      most = std::max(most, share);
    }
  }
  for (const PlannedWeight& weight : result.plan.weights) {
    if (weight.quantized) clipped.try_emplace(weight.module);
  }
  const GraphModule& module = result.network.module;
  std::vector<QuantizedLayer> layers;
  for (const Node& node : module.graph().nodes()) {
    if (node.kind() != NodeKind::kCallModule) continue;
    const ModuleRecord& kernel = module.record(node);
    const auto known = clipped.extract(kernel.path);  // a module that is called twice is one layer
    if (!known.empty()) layers.push_back({kernel.path, first_layer(module.modules(), kernel), known.mapped()});
  }
  return layers;
}

}  // namespace graftwork::core

// A backend of one's own: what "onnxruntime" runs as one kernel on a CPU, for this example's sake two things only.
#include <iostream>

#include "graftwork/base/error.h"
#include "graftwork/ir/text/parse.h"
#include "graftwork/ir/text/print.h"
#include "graftwork/patterns/backend.h"
#include "graftwork/patterns/fusions/fusion.h"
#include "graftwork/patterns/text/parse.h"
#include "graftwork/patterns/transform.h"

namespace {

using namespace graftwork;

// A pattern as text ...
constexpr const char* kConvReluText = R"(
fusion OrtConvRelu {
  %c = nn.Conv2d(%x)
  %a = nn.ReLU(%c)
  => %a = FusedConvBNAct(%x) [conv=%c, act=%a]
}
)";

// ... and one with code, for what text cannot say: only layers with enough work are worth a kernel.
struct OrtLinear final : FusionPattern {
  Pat x = any();
  Pat linear = op("nn.Linear")(x);

  std::string_view name() const override { return "OrtLinear"; }
  std::vector<Pat> roots() const override { return {linear}; }
  Outcome graft(const Match& match, Graft& graft) const override {
    const ParamExpr& weight = *graft.module().record(match[linear]).param("weight");
    if (weight.type().element_count() < 64) return declined("its weight is small: " + weight.type().text());
    return fuse("FusedLinear", {{"linear", linear}}, {x}, linear, match, graft);
  }
};

Backend onnxruntime_backend() {
  Backend backend;
  backend.name = "onnxruntime";
  backend.fusions = parse_patterns(kConvReluText, "main.cpp");
  backend.fusions.push_back(std::make_shared<OrtLinear>());
  backend.capabilities = {"int8"};
  return backend;
}

constexpr const char* kNetwork = R"(
graph(%x: f32[1, 3, 8, 8]) {
  %c = nn.Conv2d @stem(%x) {in_channels=3, out_channels=8, kernel_size=[3, 3], padding=[1, 1]}
  %r = nn.ReLU @relu(%c)
  %f = nn.Flatten @flatten(%r)
  %h = nn.Linear @hidden(%f) {in_features=512, out_features=4}
  %y = nn.Linear @head(%h) {in_features=4, out_features=2}
  return %y
}
)";

void run() {
  const GraphModule network = parse(kNetwork, "main.cpp");
  backends().add(onnxruntime_backend());
  try {
    transform(network);
  } catch (const Error& error) {  // two backends, and none chosen
    std::cout << error.report() << "\n\n";
  }
  set_backend("onnxruntime");
  const TransformationResult result = transform(network);
  std::cout << result.report.text() << print(result.model) << "\n";

  set_backend("tensorrt");
  for (const auto& [pattern, count] : transform(network).report.counts()) {
    std::cout << "tensorrt has " << count << " of " << pattern << "\n";
  }
}

}  // namespace

int main() {
  try {
    run();
  } catch (const graftwork::Error& error) {
    std::cerr << error.report() << "\n";
    return 1;
  }
}

// A backend of one's own: kernels under its own names, its own guard, its own placement of Q/DQ, and a file written by
// it.
//
// The engine is made up. It runs a linear layer with its activation as one kernel, gated ones too; its INT8 products
// need widths that are multiples of 8; it has no INT8 convolutions; and it wants what a gate multiplies in INT8.
#include <iostream>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/export/lower.h"
#include "graftwork/ir/text/kernel_text.h"
#include "graftwork/ir/text/parse.h"
#include "graftwork/ir/text/print.h"
#include "graftwork/patterns/fusion.h"
#include "graftwork/patterns/tensorrt/tensorrt.h"
#include "graftwork/patterns/text/parse.h"
#include "graftwork/patterns/transform.h"
#include "graftwork/quant/quantize.h"

namespace {

using namespace graftwork::core;

// Kernels as text: what to find, what it is called, which of its values may be quantized ...
constexpr const char* kKernels = R"(
fusion GatedDense {
  %dense = nn.Linear(%x)
  %gate = nn.Sigmoid(%dense)
  %product = aten.mul.Tensor(%gate, %value) commutes
  => %product = kernel GatedDenseKernel(%x, %value) [dense, gate] quantize %x can_quantize %value
}

fusion Dense {
  %dense = nn.Linear(%x)
  %act = nn.ReLU(%dense)?
  => %act = kernel DenseKernel(%x) [dense, act] quantize %x
}

kernel PatchKernel(%x) {
  %conv = @conv(%x)
  return %conv
}
)";

// ... and a pattern with code, for what text cannot say: only layers with enough work are worth a kernel.
struct Patch final : FusionPattern {
  Pat x = any();
  Pat conv = op("nn.Conv2d")(x);

  std::string_view name() const override { return "Patch"; }
  std::vector<Pat> roots() const override { return {conv}; }
  Outcome graft(const Match& match, Graft& graft) const override {
    const ParamExpr& weight = *graft.module().record(match[conv]).param("weight");
    if (weight.type().element_count() < 64) return declined("its weight is small: " + weight.type().text());
    return fuse("PatchKernel", {{"conv", conv}}, {x}, conv, match, graft);
  }
};

/// Which layers have an INT8 kernel here.
Outcome widths_of_eight(const ModuleRecord& layer) {
  const Attribute* width = attribute_of(layer, "in_features");
  if (!width || *width->get<int64_t>() % 8 == 0) return applied();
  return declined(cat("the engine's INT8 products need widths that are multiples of 8, not ", width->text()));
}

/// What a gate multiplies is quantized too, whatever stands around it.
struct GateStubs final : QuantizationPattern {
  Pat x = any();
  Pat value = any();
  Pat gate = op("GatedDenseKernel")(x, value);

  std::string_view name() const override { return "GateStubs"; }
  std::vector<Pat> roots() const override { return {gate}; }
  void propose(const Match& match, StubDraft& draft) const override {
    draft.quantize(match[gate], size_t{1}, "the engine multiplies gates in INT8");
  }
};

Backend made_up_backend() {
  Backend backend;
  backend.name = "made_up";
  PatternSections kernels = parse_pattern_sections(kKernels, "main.cpp", KindTable::torch());
  backend.kinds = kernels.kinds->with({}, widths_of_eight);
  backend.fusions = std::move(kernels.fusions);
  backend.fusions.push_back(std::make_shared<Patch>());
  backend.quantizations = {std::make_shared<GateStubs>()};
  backend.placement.layer_reads = "reads codes";
  backend.file.highest_opset = 21;
  return backend;
}

constexpr const char* kNetwork = R"(
graph(%image: f32[1, 3, 8, 8]) {
  %patch = nn.Conv2d @patch(%image) {in_channels=3, out_channels=8, kernel_size=[8, 8]}
  %flat = nn.Flatten @flat(%patch)
  %hidden = nn.Linear @hidden(%flat) {in_features=8, out_features=6}
  %relu = nn.ReLU @relu(%hidden)
  %scores = nn.Linear @scores(%relu) {in_features=6, out_features=6}
  %open = nn.Linear @open(%flat) {in_features=8, out_features=6}
  %gate = nn.Sigmoid @gate(%open)
  %y = aten.mul.Tensor(%gate, %scores)
  return %y
}
)";

/// Samples that are made, not read.
struct Noise final : SampleSource {
  int64_t size() const override { return 4; }
  std::vector<at::Tensor> samples(int64_t begin, int64_t end) const override {
    return {at::arange(begin * 192, end * 192, at::kFloat).view({end - begin, 3, 8, 8}).sin()};
  }
};

Network with_numbers(GraphModule module) {
  Network network{std::move(module), {}};
  for (const auto& [name, type] : network.module.parameters()) {
    std::vector<int64_t> sizes;
    for (const Dim& dim : type.dims) sizes.push_back(dim.value());
    network.tensors.set(name, at::arange(type.element_count(), at::kFloat).view(sizes).cos());
  }
  return network;
}

/// Transforms, quantizes and writes for one backend, and says what came of it.
void show(const Network& network, const std::shared_ptr<const Backend>& backend) {
  const TransformationResult transformed = transform(network.module, patterns_of(*backend));
  QuantizeOptions options;
  options.backend = backend;
  options.float_type = DType::kF32;
  const QuantizationResult result =
      quantize({transformed.model.clone(), network.tensors}, Noise(), QuantConfig(), options);
  ExportOptions file;
  file.backend = backend;
  file.float_type = DType::kF32;
  const onnx::Model model = lower(result.network, file);
  std::cout << backend->name << "\n\n"
            << transformed.report.text() << "\n"
            << print(transformed.model) << "\n"
            << result.plan.text() << "\n";
  for (const onnx::Node& node : model.graph.nodes) std::cout << node.op_type << " " << node.name << "\n";
  std::cout << "opset " << model.opset << "\n\n";
}

void run() {
  const Network network = with_numbers(parse(kNetwork, "main.cpp"));
  backends().add(made_up_backend());
  try {
    transform(network.module);
  } catch (const Error& error) {  // two backends, and none chosen
    std::cout << error.report() << "\n\n";
  }
  for (const char* name : {"made_up", "tensorrt"}) show(network, backends().find(name));
}

}  // namespace

int main() {
  try {
    const at::NoGradGuard no_grad;
    run();
  } catch (const graftwork::core::Error& error) {
    std::cerr << error.report() << "\n";
    return 1;
  }
}

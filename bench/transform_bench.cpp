// The whole of transform over a captured network: residual blocks of operators, as torch.export names them; no torch.
//     transform_bench OPERATORS       answers "transform" (of the network in memory), "parse" (the built-in patterns)
#include "graftwork/base/text.h"
#include "graftwork/ir/text/parse.h"
#include "graftwork/patterns/tensorrt/text.h"
#include "graftwork/patterns/text/parse.h"
#include "graftwork/patterns/transform.h"
#include "serve.h"

namespace {

using namespace graftwork;

constexpr const char* kImage = "f32[1, 8, 4, 4]";

std::string parameter(const std::string& name, const char* shape) {
  return cat("  %", name, " = constant @", name, ": f32", shape, "\n");
}

/// Convolution and batch norm: two operators.
std::string conv_bn(const std::string& name, const std::string& x) {
  std::string text = parameter(name + "_w", "[8, 8, 3, 3]");
  for (const char* part : {"_g", "_b", "_m", "_v"}) text += parameter(name + part, "[8]");
  text += cat("  %", name, "_c: ", kImage, " = aten.conv2d.default(%", x, ", %", name,
              "_w) {padding=[1, 1], stride=[1, 1]}\n");
  return text + cat("  %", name, ": ", kImage, " = aten.batch_norm.default(%", name, "_c, %", name, "_g, %", name,
                    "_b, %", name, "_m, %", name,
                    "_v) {training=false, momentum=0.1, eps=1e-05, cudnn_enabled=false}\n");
}

GraphModule captured(int64_t operators) {
  std::string text = cat("graph(%x: ", kImage, ") {\n");
  std::string value = "x";
  for (int64_t block = 0; block * 7 < operators; ++block) {
    const std::string name = cat("n", block);
    text += conv_bn(name + "a", value) + cat("  %", name, "r = aten.relu.default(%", name, "a)\n");
    text += conv_bn(name + "d", name + "r");
    text += cat("  %", name, "s = aten.add.Tensor(%", name, "d, %", value, ")\n  %", name, " = aten.relu.default(%",
                name, "s)\n");
    value = name;
  }
  return parse(text + cat("  return %", value, "\n}\n"));
}

PatternSections parse_built_in() {
  const PatternSections conversions =
      parse_pattern_sections(tensorrt_conversions_text(), "conversions.gpat", KindTable::torch());
  return parse_pattern_sections(tensorrt_fusions_text(), "fusions.gpat", conversions.kinds);
}

}  // namespace

int main(int argc, char** argv) {
  return bench::guarded([&] {
    if (argc != 2) throw std::invalid_argument("usage: transform_bench OPERATORS");
    const GraphModule network = captured(std::stoll(argv[1]));
    bench::serve({{"transform", [&] { return bench::cost([&] { return transform(network); }); }},
                  {"parse", [] { return bench::cost(parse_built_in); }}});
  });
}

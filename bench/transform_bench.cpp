// The whole of transform over a captured network: residual blocks of operators, as torch.export names them; no torch.
//     transform_bench FILE.gir | cnn OPERATORS | encoder OPERATORS
// answers "transform" (of the network in memory) and "parse" (the built-in patterns).
#include <span>

#include "graftwork/base/file.h"
#include "graftwork/base/text.h"
#include "graftwork/ir/text/parse.h"
#include "graftwork/patterns/tensorrt/text.h"
#include "graftwork/patterns/text/parse.h"
#include "graftwork/patterns/transform.h"
#include "serve.h"

namespace {

using namespace graftwork::core;

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

GraphModule cnn(int64_t operators) {
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

constexpr const char* kTokens = "f32[2, 16, 64]";
constexpr const char* kHeads = "f32[2, 2, 16, 32]";

std::string layer_norm(const std::string& name, const std::string& x) {
  return parameter(name + "_w", "[64]") + parameter(name + "_b", "[64]") +
         cat("  %", name, ": ", kTokens, " = aten.layer_norm.default(%", x, ", %", name, "_w, %", name,
             "_b) {normalized_shape=[64], eps=1e-05}\n");
}

std::string linear(const std::string& name, const std::string& x) {
  return parameter(name + "_w", "[64, 64]") + parameter(name + "_b", "[64]") +
         cat("  %", name, ": ", kTokens, " = aten.linear.default(%", x, ", %", name, "_w, %", name, "_b)\n");
}

/// A layer whose result is parted into heads: three operators.
std::string heads(const std::string& name, const std::string& x) {
  return linear(name + "l", x) + cat("  %", name, "v = aten.view.default(%", name, "l) {size=[2, 16, 2, 32]}\n  %",
                                     name, ": ", kHeads, " = aten.transpose.int(%", name, "v) {dim0=1, dim1=2}\n");
}

/// Blocks of 28 operators, with eager attention and a mask.
GraphModule encoder(int64_t operators) {
  std::string text = cat("graph(%x: ", kTokens, ", %mask: f32[2, 1, 16, 16]) {\n");
  std::string value = "x";
  for (int64_t block = 0; block * 28 < operators; ++block) {
    const std::string n = cat("n", block);
    text += layer_norm(n + "i", value) + heads(n + "q", n + "i") + heads(n + "k", n + "i") + heads(n + "v", n + "i");
    text += cat("  %", n, "t = aten.transpose.int(%", n, "k) {dim0=2, dim1=3}\n");
    text += cat("  %", n, "s = aten.matmul.default(%", n, "q, %", n, "t)\n");
    text += cat("  %", n, "f = aten.mul.Tensor(%", n, "s) {other=0.176776695}\n");
    text += cat("  %", n, "m = aten.add.Tensor(%", n, "f, %mask)\n");
    text += cat("  %", n, "p = aten.softmax.int(%", n, "m) {dim=-1}\n");
    text += cat("  %", n, "d = aten.dropout.default(%", n, "p) {p=0.1, train=false}\n");
    text += cat("  %", n, "a = aten.matmul.default(%", n, "d, %", n, "v)\n");
    text += cat("  %", n, "b = aten.transpose.int(%", n, "a) {dim0=1, dim1=2}\n");
    text += cat("  %", n, "r = aten.reshape.default(%", n, "b) {shape=[2, 16, 64]}\n");
    text += linear(n + "o", n + "r") + cat("  %", n, "x = aten.add.Tensor(%", n, "o, %", value, ")\n");
    text += layer_norm(n + "j", n + "x") + linear(n + "u", n + "j");
    text += cat("  %", n, "g = aten.gelu.default(%", n, "u)\n") + linear(n + "w", n + "g");
    text += cat("  %", n, " = aten.add.Tensor(%", n, "w, %", n, "x)\n");
    value = n;
  }
  return parse(text + cat("  return %", value, "\n}\n"));
}

GraphModule network_of(std::span<char*> words) {
  const std::string which = words.size() > 1 ? words[1] : "";
  if (words.size() == 2 && which.ends_with(".gir")) return parse(read_text(which));
  if (words.size() == 3 && which == "cnn") return cnn(std::stoll(words[2]));
  if (words.size() == 3 && which == "encoder") return encoder(std::stoll(words[2]));
  throw std::invalid_argument("usage: transform_bench FILE.gir | cnn OPERATORS | encoder OPERATORS");
}

PatternSections parse_built_in() {
  const PatternSections conversions =
      parse_pattern_sections(tensorrt_conversions_text(), "conversions.gpat", KindTable::torch());
  return parse_pattern_sections(tensorrt_fusions_text(), "fusions.gpat", conversions.kinds);
}

}  // namespace

int main(int argc, char** argv) {
  return bench::guarded([&] {
    const GraphModule network = network_of({argv, static_cast<size_t>(argc)});
    bench::serve({{"transform", [&] { return bench::cost([&] { return transform(network); }); }},
                  {"parse", [] { return bench::cost(parse_built_in); }}});
  });
}

// Pattern files: what compiles is run on a network, which stays whole whatever the pattern does to it.
#include "fuzz/target.h"
#include "graftwork/ir/text/parse.h"
#include "graftwork/ir/verify.h"
#include "graftwork/patterns/tensorrt/tensorrt.h"
#include "graftwork/patterns/text/parse.h"
#include "graftwork/patterns/transform.h"

namespace graftwork::core::fuzz {
namespace {

const GraphModule& network() {
  static const GraphModule module = parse(
      "graph(%x: f32[N, 3, 8, 8]) {\n"
      "  %c = nn.Conv2d @conv(%x) {in_channels=3, out_channels=4, kernel_size=[3, 3], padding=[1, 1]}\n"
      "  %b = nn.BatchNorm2d @bn(%c) {num_features=4}\n"
      "  %r = nn.ReLU @relu(%b)\n"
      "  %d = nn.Conv2d @next(%r) {in_channels=4, out_channels=4, kernel_size=[1, 1]}\n"
      "  %a = aten.add.Tensor(%d, %r)\n"
      "  %y = nn.ReLU @last(%a)\n"
      "  %m = nn.MaxPool2d @pool(%y) {kernel_size=[2, 2]}\n"
      "  return output=%m\n}\n");
  return module;
}

void run_patterns(std::string_view text) {
  verify(transform(network(), parse_pattern_sections(text, "fuzz.gpat", tensorrt_backend().kinds)).model);
}

}  // namespace
}  // namespace graftwork::core::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace graftwork::core::fuzz;
  answer([&] { run_patterns(as_text(data, size)); });
  return 0;
}

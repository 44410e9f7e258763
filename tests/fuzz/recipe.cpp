// Recipe files, and the plan of Q/DQ that comes of them.
#include "fuzz/target.h"
#include "graftwork/ir/text/parse.h"
#include "graftwork/patterns/transform.h"
#include "graftwork/place/quant_config.h"
#include "graftwork/place/stub_plan.h"

namespace graftwork::core::fuzz {
namespace {

const GraphModule& network() {
  static const GraphModule module =
      transform(parse("graph(%x: f32[N, 3, 8, 8]) {\n"
                      "  %c = nn.Conv2d @head.conv(%x) {in_channels=3, out_channels=4, kernel_size=[3, 3]}\n"
                      "  %r = nn.ReLU @head.relu(%c)\n"
                      "  return output=%r\n}\n"))
          .model;
  return module;
}

}  // namespace
}  // namespace graftwork::core::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace graftwork::core;
  fuzz::answer([&] { plan_stubs(fuzz::network(), parse_quant_config(std::string(fuzz::as_text(data, size)))); });
  return 0;
}

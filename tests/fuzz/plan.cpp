// Plan files: what is read is written and read again to the same, and is carried out on a network or refused.
#include "fuzz/target.h"
#include "graftwork/ir/text/parse.h"
#include "graftwork/ir/verify.h"
#include "graftwork/patterns/transform.h"
#include "graftwork/place/plan_file.h"

namespace graftwork::core::fuzz {
namespace {

const GraphModule& network() {
  static const GraphModule module = parse(
      "graph(%x: f32[N, 3, 8, 8]) {\n"
      "  %c = nn.Conv2d @conv(%x) {in_channels=3, out_channels=4, kernel_size=[3, 3], padding=[1, 1]}\n"
      "  %r = nn.ReLU @relu(%c)\n"
      "  %d = nn.Conv2d @next(%r) {in_channels=4, out_channels=4, kernel_size=[1, 1]}\n"
      "  %a = aten.add.Tensor(%d, %r)\n"
      "  %y = nn.ReLU @last(%a)\n"
      "  return output=%y\n}\n");
  return module;
}

const GraphModule& transformed() {
  static const GraphModule module = transform(network()).model;
  return module;
}

/// The plan that the command would write; whoever guesses cannot guess the digests of the graphs in it.
const PlanFile& own_plan() {
  static const PlanFile plan{get_transformation_plan(network()), plan_stubs(transformed(), {})};
  return plan;
}

void read_plan(const std::string& text) {
  PlanFile plan = parse_plan(text);
  const std::string written = plan_text(plan);
  demand(plan_text(parse_plan(written)) == written);
  if (plan.transformation) {
    plan.transformation->graph = own_plan().transformation->graph;
    answer([&] { verify(apply_transformation_plan(network(), *plan.transformation).model); });
  }
  if (plan.stubs) {
    plan.stubs->graph = own_plan().stubs->graph;
    answer([&] {
      GraphModule module = transformed().clone();
      check_stub_plan(module, *plan.stubs);
      apply_stub_plan(module, *plan.stubs);
      verify(module);
    });
  }
}

}  // namespace
}  // namespace graftwork::core::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace graftwork::core::fuzz;
  answer([&] { read_plan(std::string(as_text(data, size))); });
  return 0;
}

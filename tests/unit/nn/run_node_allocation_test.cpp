// Running one node takes no memory for the others.
#include <gtest/gtest.h>

#include "graftwork/base/text.h"
#include "graftwork/nn/inference_runner.h"
#include "support/counted_allocations.h"
#include "unit/nn/random_tensors.h"

namespace graftwork::core::testing {
namespace {

/// Allocated while the last node of a chain of so many runs, with a body of three operators in it.
size_t bytes_of_a_node(int64_t nodes) {
  std::string text = "graph(%x: f32[1, 4]) {\n  %n0 = nn.ReLU @a(%x)\n";
  for (int64_t i = 1; i < nodes; ++i)
    text += cat("  %n", i, ": f32[1, 4] = aten.maximum.default(%n", i - 1, ", %n", i - 1, ")\n");
  text += cat("  %y = FusedLinearAct @m(%n", nodes - 1,
              ") [linear=nn.Linear @l {in_features=4, out_features=4}, act=nn.ReLU @r]\n  return %y\n}\n");
  const at::NoGradGuard no_grad;
  const Network network = network_of(text);
  const Program program(network.module);
  const std::vector<c10::IValue> operands{at::ones({1, 4})};
  const Node& node = node_named(network.module, "y");
  const Watcher nobody;
  program.run_node(node, operands, {network.tensors, Mode::kEval, nobody});  // what torch sets up once
  const size_t before = allocations().bytes;
  program.run_node(node, operands, {network.tensors, Mode::kEval, nobody});
  return allocations().bytes - before;
}

TEST(RunNodeAllocation, DoesNotGrowWithTheNetwork) {
  const size_t alone = bytes_of_a_node(1);
  EXPECT_GT(alone, 0U);
  EXPECT_EQ(bytes_of_a_node(2'000), alone);
}

}  // namespace
}  // namespace graftwork::core::testing

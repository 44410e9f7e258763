// Carrying out a graft allocates nothing, so that nothing can fail half way.
#include <gtest/gtest.h>

#include "graftwork/base/text.h"
#include "graftwork/ir/verify.h"
#include "graftwork/rewrite/graft.h"
#include "support/counted_allocations.h"
#include "support/networks.h"

namespace graftwork::core {
namespace {

TEST(GraftAllocation, CommitAllocatesNothingHoweverMuchGoes) {
  // Two chains of 10,000 nodes, one of which goes, with every node reading three values.
  std::string text = "graph(%x: f32[2, 4]) {\n  %n0 = aten.neg.default(%x)\n";
  for (int i = 0; i < 10'000; ++i) {
    text += cat("  %n", i + 1, ": f32[2, 4] = aten.where.self(%n", i, ", %n", i, ", %x)\n");
  }
  GraphModule module =
      testing::parse_network(text + "  %k = nn.ReLU @k(%x)\n  %s = aten.add.Tensor(%n10000, %k)\n  return %s\n}\n");
  Graft graft(module);
  ModuleRecord record;
  record.path = "stub";
  record.kind = "QuantStub";
  Node& sum = module.graph().output()->input(0);
  Node& relu = sum.input(1);
  Node& stub = graft.call_module(graft.add_record(std::move(record)), {&relu});
  ASSERT_TRUE(graft.rewire(sum, 1, stub));
  ASSERT_TRUE(graft.replace(sum.input(0), relu));
  graft.edit(relu.module());
  ASSERT_EQ(graft.check().reason(), "");
  const size_t before = testing::allocations().count;
  graft.commit();
  EXPECT_EQ(testing::allocations().count, before);
  EXPECT_EQ(module.graph().size(), 5U);
  verify(module);
}

}  // namespace
}  // namespace graftwork::core

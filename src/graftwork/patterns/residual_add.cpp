#include "graftwork/patterns/residual_add.h"

namespace graftwork {

Pat residual_add(const Pat& trunk, const Pat& residual) {
  return op("aten.add.Tensor")(trunk, residual)
      .commutes()
      .where([](const GraphModule&, const Node& add) { return add.attrs().empty(); }, "it scales an operand")
      .where([](const GraphModule&, const Node& add) { return &add.input(0) != &add.input(1); },
             "it adds a value to itself")
      .where([](const GraphModule&,
                const Node& add) { return add.input(0).type() == add.input(1).type() && add.tensor(); },
             "its operands differ in shape or type");
}

}  // namespace graftwork

// Which stubs of a concatenation share a scale, once their ranges are known.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "graftwork/ir/graph_module.h"
#include "graftwork/place/stub_plan.h"
#include "graftwork/quant/statistics.h"

namespace graftwork::core {

/// Values, by name, whose ranges the two functions below also ask for: what quantized concatenations join.
std::vector<Symbol> joined_values(const GraphModule& module, const StubPlan& plan);

/// One scale around a concatenation saves a requantization of each branch (rule C5); the readers of a branch with a
/// small range pay for it with bits. A stub whose range ends below a fourth of the group's, two bits, leaves the group,
/// with others that end near it; the concatenation reads its tensor in floating point and quantizes it once more (rule
/// C4). Says so in the stub's reason.
void split_scale_groups(StubPlan& plan, const std::map<std::string, Range>& ranges);

/// A line for each quantized concatenation of which one input is left fewer than half of its eight bits.
std::vector<std::string> coarse_concatenations(const GraphModule& module, const StubPlan& plan,
                                               const std::map<std::string, Range>& ranges);

}  // namespace graftwork::core

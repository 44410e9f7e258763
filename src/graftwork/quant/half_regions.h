// Which nodes stay in FP32 where the float regions are FP16.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "graftwork/nn/tensor_store.h"
#include "graftwork/patterns/placement/placement_rules.h"
#include "graftwork/quant/statistics.h"

namespace graftwork::core {

/// What FP16 cannot hold as it was seen on calibration data: values beyond 65504 (whoever makes and reads them computes
/// in FP32), values so small that too few bits are left, where that shows in what is made of them, constants of either
/// kind, and what `probed` has found (HalfProbe). Masks and bounds of a clamp are neither. `network` has its stubs;
/// Q/DQ in front of a node that is wide give FP32, as DQ must not be followed by a widening Cast (rule W15).
WideNodes half_regions(const Network& network, const std::map<std::string, Range>& ranges, const WideNodes& probed,
                       const PlacementRules& rules);

/// Nodes that are wide and hang together, in the order of the graph.
struct WideRegion {
  std::vector<std::string> nodes;
  std::vector<std::string> reasons;  ///< Each once.
};
std::vector<WideRegion> wide_regions(const Network& network);
/// "%add, %div: in FP16 %div becomes NaN or infinite", a line; of many nodes the first and the last.
std::string text_of(const WideRegion& region);

}  // namespace graftwork::core

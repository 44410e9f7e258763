// Where channels of an activation could be divided in front of its Q and multiplied back behind it.
#pragma once

#include <optional>
#include <vector>

#include "graftwork/place/stub_plan.h"
#include "graftwork/quant/rescaling/channel_reads.h"

namespace graftwork::core {

/// A stub with layers alone behind it that can take factors.
struct DivisionSite {
  size_t stub = 0;  ///< Of the plan.
  Node* tensor = nullptr;
  int64_t channels = 0;
  std::vector<const Use*> uses;        ///< What reads the stub; where `source` is empty.
  std::vector<ChannelReader> readers;  ///< The layers.
  std::optional<ModuleId> source;      ///< The norm or layer that makes the channels and can divide them itself.
};

/// Of the stubs that quantization brings, in the plan's order. Tensors with two stubs, stubs that share a scale and
/// those inside of kernels are none.
std::vector<DivisionSite> division_sites(const GraphModule& module, const StubPlan& plan);

/// Whether linear layers alone are behind it.
bool is_in_front_of_linear(const GraphModule& module, const DivisionSite& site);

}  // namespace graftwork::core

// By which limits outlying channels are divided best.
#pragma once

#include <vector>

#include "graftwork/nn/tensor_store.h"
#include "graftwork/place/stub_plan.h"
#include "graftwork/quant/calibrator.h"
#include "graftwork/quant/micro_batch.h"
#include "graftwork/quant/rescaling/division_sites.h"
#include "graftwork/quant/rescaling/limiting_factors.h"

namespace graftwork::core {

/// What is worth it: the error of the layers' products in front over that behind.
constexpr double kLeastDivisionGain = 2;

/// What serves a site best.
struct Division {
  LimitedChannels limited;
  double gain = 1;  ///< Below kLeastDivisionGain nothing need have been tried.
};

/// Whether the four samples that are looked at may have 64 rows, which less than tells nothing: of features of a whole
/// picture they have one each.
bool may_tell(const GraphModule& module, const DivisionSite& site, const Batching& batching);

/// For each site the limit of limited_channels() with the least product_error() of its readers together, each rounded
/// as the plan has it.
std::vector<Division> search_divisions(const Network& network, const StubPlan& plan,
                                       const std::vector<DivisionSite>& sites, const SampleSource& samples,
                                       const QuantConfig& config, const CalibrationOptions& options);

}  // namespace graftwork::core

// Scales of the weights in a network.
#pragma once

#include "graftwork/nn/tensor_store.h"
#include "graftwork/place/stub_plan.h"
#include "graftwork/quant/scale_form.h"

namespace graftwork::core {

/// Gives the quantized weights of the plan their scales, rounded as they are exported; those that the network brought
/// are kept. Throws Error "quant.weight" for a non-finite weight, with its name.
void set_weight_scales(Network& network, const StubPlan& plan, const WeightQuantConfig& config, const ScaleForm& form);

}  // namespace graftwork::core

// Scales as parameters of training.
#pragma once

#include <string>
#include <vector>

#include "graftwork/nn/tensor_store.h"
#include "graftwork/place/stub_plan.h"
#include "graftwork/quant/scale_form.h"

namespace graftwork::core {

/// Which scales training changes.
struct LearnedScales {
  bool activations = true;
  bool weights = true;
};

/// Makes scales learned: s becomes s₀ · exp(θ) with s₀ the calibrated scale and θ a new leaf "<quantizer>.log_scale" of
/// zeros, one for each scale. So a scale stays positive, a step of an optimiser changes it by a share of itself
/// whatever its size, and weight decay draws it to what was calibrated. Stubs of one scale group have one θ. Scales of
/// attention's weights are not learned: an engine may fix them.
void learn_scales(Network& network, const StubPlan& plan, LearnedScales which);

/// Whether `leaf` is a θ that learn_scales made.
bool is_log_scale(std::string_view leaf);

/// Makes every scale of the plan a number again, leaf "<quantizer>.trained_scale", rounded as the file holds it: those
/// of weights through the batch norm that export folds, as it is now.
void freeze_scales(Network& network, const StubPlan& plan, const ScaleForm& form);

}  // namespace graftwork::core

// What stubs of a plan say about their scales by what they stand on and who reads them.
#pragma once

#include "graftwork/nn/exported_scale.h"
#include "graftwork/place/stub_plan.h"

namespace graftwork::core {

/// Whether the stub quantizes the weights of attention, which are at most 1.
bool is_on_softmax(const ModuleTable& modules, const PlannedStub& stub);

/// A stub that a product reads has a scale of the type that products take.
SmallScale small_scale_of(const ModuleTable& modules, const PlannedStub& stub, bool products_take_one_type);

}  // namespace graftwork::core

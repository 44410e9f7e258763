// What running a network changes beside its results.
#pragma once

#include <functional>

#include "graftwork/import/recorded/record.h"

namespace graftwork::core::recorded {

/// Runs `body`. Then the tensors are what they were before, by place and by value, also where `body` throws: running
/// statistics that a batch norm in training moves, counters, caches. Their memory is copied for that.
void leaving_as_it_was(const NamedTensors& tensors, const std::function<void()>& body);

}  // namespace graftwork::core::recorded

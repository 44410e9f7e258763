// Layers in groups that one run over the samples serves.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

namespace graftwork::core {

/// Calls work(first, count) for one group after the other, in the order of the layers: each has as many as need no more
/// than `most_bytes` together, and at least one. `bytes`: what each layer needs.
void in_groups(const std::vector<int64_t>& bytes, int64_t most_bytes,
               const std::function<void(size_t first, size_t count)>& work);

}  // namespace graftwork::core

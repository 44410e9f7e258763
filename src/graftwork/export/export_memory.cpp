#include "graftwork/export/export_memory.h"

#include <algorithm>

#include "graftwork/base/available_memory.h"
#include "graftwork/base/saturating.h"
#include "graftwork/ir/peak_memory.h"

namespace graftwork::core {

int64_t export_memory(const GraphModule& module, const ExportOptions& options) {
  int64_t largest = 0;
  for (const auto& [name, type] : module.parameters()) largest = std::max(largest, bytes_of(type));
  const int64_t share = options.weights == WeightForm::kInt8 ? 4 : 2;
  return saturating_sum(parameter_bytes(module) / share, saturating_product(3, largest));
}

void check_export_memory(const GraphModule& module, const ExportOptions& options, int64_t limit) {
  refuse_beyond({}, export_memory(module, options), memory_within(limit), "writing the file");
}

}  // namespace graftwork::core

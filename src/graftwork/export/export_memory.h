// Whether a file can be made in the memory that there is.
#pragma once

#include "graftwork/export/lower.h"

namespace graftwork::core {

/// About how many bytes lowering and writing the network take on top of what the process has: the model, whose weights
/// are codes or of half the width, and the largest weight three times while it is turned into that. Less where they
/// stay FP32: those that no norm is folded into lie in their file.
int64_t export_memory(const GraphModule& module, const ExportOptions& options);

/// Throws Error "memory.limit" where that is more than `limit` bytes; 0: what the machine has left.
void check_export_memory(const GraphModule& module, const ExportOptions& options, int64_t limit = 0);

}  // namespace graftwork::core

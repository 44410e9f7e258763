// Which opset a file needs.
#pragma once

#include "graftwork/export/lower.h"

namespace graftwork::core {

/// The first with each; of BF16 the first in which convolutions and poolings take it.
inline constexpr int64_t kInt4Opset = 21, kBFloat16Opset = 22, kAttentionOpset = 23;

/// Before there is a graph to write. Throws Error "export.opset" for an opset that is not written, or is below what the
/// options need.
void check_opset(const ExportOptions& options);

/// Throws Error "export.opset" where `what` needs more than the opset that is asked for.
void check_opset(const ExportOptions& options, int64_t needed, const std::string& what);

}  // namespace graftwork::core

#include "graftwork/export/opset.h"

#include <algorithm>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/onnx/opset_range.h"

namespace graftwork::core {

void check_opset(const ExportOptions& options) {
  if (options.opset == 0) return;
  const FileRules& rules = or_used(options.backend)->file;
  onnx::OpsetRange range = onnx::kWrittenOpsets;
  range.highest = std::min(range.highest, rules.highest_opset.value_or(range.highest));
  if (!range.contains(options.opset))
    throw Error("export.opset", cat("opset ", options.opset, " is outside ", range.lowest, " to ", range.highest),
                "leaving it out: the file then has what its operators need");
  if (options.float_type == DType::kBF16) check_opset(options, kBFloat16Opset, "BF16");
  if (options.attention_operator) check_opset(options, kAttentionOpset, "the operator Attention");
}

void check_opset(const ExportOptions& options, int64_t needed, const std::string& what) {
  if (options.opset == 0 || options.opset >= needed) return;
  throw Error("export.opset", cat("opset ", options.opset, " is asked for, and ", what, " needs ", needed),
              "leaving it out: the file then has what its operators need");
}

}  // namespace graftwork::core

// Numbers that are known at run time only: sizes, and what is computed from them.
#pragma once

#include <string>
#include <vector>

#include "graftwork/export/lowering.h"

namespace graftwork::core {

/// What `attr` of `node` says or refers to, as a value [1]: INT64 for whole numbers, FP32 for others. Throws Error
/// "export.shape" where it is no number, or one that a file cannot compute exactly.
std::string lower_number(Lowering& lowering, const Node& node, const Attribute& attr);

/// Whether that is a whole one.
bool is_whole_number(const Node& node, const Attribute& attr);

/// The same, one for each element of a list.
std::vector<std::string> lower_numbers(Lowering& lowering, const Node& node, const Attribute& list);

/// Without a dimension.
std::string lower_scalar(Lowering& lowering, const std::string& number);

/// One extent of the value of a node, as a value [1] of INT64.
std::string lower_size(Lowering& lowering, const Node& node, size_t axis);

}  // namespace graftwork::core

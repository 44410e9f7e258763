// What the results of a network are called.
#pragma once

#include <string>
#include <vector>

#include "graftwork/import/pt2/schema.h"

namespace graftwork::core::pt2 {

/// One name for each user output of the signature, those that are None included: the path through the dicts, tuples,
/// lists and named tuples that forward returns, "logits", "boxes_0", and "output_1" where it begins with a number.
/// A single result without a key is "output". Never twice the same. By number alone where the file does not tell.
std::vector<std::string> result_names(const ExportedProgram& program);

}  // namespace graftwork::core::pt2

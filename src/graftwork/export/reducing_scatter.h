// Scatters that reduce: what is written to one place is added, multiplied or compared with what is there.
#pragma once

#include <string>
#include <vector>

#include "graftwork/export/form.h"

namespace graftwork::core {

enum class Reduction : uint8_t { kSum, kProduct, kGreatest, kLeast };

/// x[.., index[.., i, ..], ..] takes in source[.., i, ..], along `axis` of `x`. Values of the file, of one rank of at
/// least 1; `index` is INT64 and not negative.
struct ReducingScatter {
  std::string x;
  std::string index;         ///< As large as the source; [count] where it is `one_for_all`.
  std::string source;        ///< No larger than `x` but along the axis.
  bool one_for_all = false;  ///< The index is the same along all other dimensions.
  int64_t axis = 0;
  Reduction reduction = Reduction::kSum;
  bool include_self = true;  ///< Whether what was there before counts where something is written.
  std::vector<Dim> x_dims, index_dims;
  DType type = DType::kF32;  ///< Of `x` and the source in the file: FP16, FP32, INT32 or INT64.
};

/// What a type is reduced as: small whole numbers and truth values as INT32.
DType reducing_type(DType type);

/// The result: by comparing the index with each place, which every engine does, where the backend says that its engine
/// has no such scatter (FileRules::lacks_reducing_scatters), and as ScatterElements otherwise. Beyond 2^26 comparisons
/// ScatterElements is kept, with a warning.
std::string reduced(Form& form, ReducingScatter scatter);

}  // namespace graftwork::core

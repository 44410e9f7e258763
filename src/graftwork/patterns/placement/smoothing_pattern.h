// Where range may move from an activation into the weights behind it.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "graftwork/ir/module_table.h"

namespace graftwork::core {

/// Names modules whose channels may be made smaller, for layers behind them that take the factors back. Whether they
/// can, and by how much, is found out when there are data (SmoothQuant).
class SmoothingPattern {
 public:
  virtual ~SmoothingPattern() = default;
  SmoothingPattern(const SmoothingPattern&) = delete;
  SmoothingPattern& operator=(const SmoothingPattern&) = delete;

  /// "NormSmoothingPattern".
  virtual std::string_view name() const = 0;
  /// Whether it is for channels that `source` makes; `through_attention`: they are the values of an attention.
  virtual bool takes(const ModuleRecord& source, bool through_attention) const = 0;

 protected:
  SmoothingPattern() = default;
};

using SmoothingList = std::vector<std::shared_ptr<const SmoothingPattern>>;

}  // namespace graftwork::core

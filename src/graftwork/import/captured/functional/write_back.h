// The other direction of a view: a new value for the view gives a new value for its source.
#pragma once

#include <optional>
#include <string>

#include "graftwork/import/captured/functional/emitter.h"
#include "graftwork/import/captured/functional/view.h"

namespace graftwork::core::captured {

/// One view of a value.
struct ViewStep {
  ViewKind kind = ViewKind::kNone;
  /// The call that made it, with the source as its first input.
  Call call;
  /// Which of the call's results.
  size_t result = 0;
  TensorMeta source;
  TensorMeta view;
  /// Of the results in front: what kSplit has passed along its dimension; nothing when not all are numbers.
  std::optional<int64_t> offset;
};

/// Emits the source as it is after its view `step` has become `value`; `source` is what it was before. Nothing when the
/// view has no inverse.
std::optional<std::string> write_back(Emitter& emitter, const ViewStep& step, const std::string& source,
                                      const std::string& value, const Call& origin);

/// Emits the view `step` of `source` again.
std::optional<std::string> view_again(Emitter& emitter, const ViewStep& step, const std::string& source);

}  // namespace graftwork::core::captured

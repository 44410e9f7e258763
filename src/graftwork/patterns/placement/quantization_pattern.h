// A pattern of the quantizations list: looks at the surroundings of what it finds and decides about stubs.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "graftwork/match/matcher.h"
#include "graftwork/patterns/placement/stub_draft.h"

namespace graftwork::core {

/// Immutable. The graph is never changed: decisions go into the draft.
class QuantizationPattern {
 public:
  virtual ~QuantizationPattern() = default;
  QuantizationPattern(const QuantizationPattern&) = delete;
  QuantizationPattern& operator=(const QuantizationPattern&) = delete;

  /// "ResidualPattern".
  virtual std::string_view name() const = 0;
  virtual std::vector<Pat> roots() const = 0;

  /// First, once for each match: stubs that no kind declares.
  virtual void propose(const Match&, StubDraft&) const {}
  /// Then, for all matches again and again until nothing changes: takes away what its surroundings make useless. It
  /// must not add, so that the end does not depend on the order.
  virtual void settle(const Match&, StubDraft&) const {}
  /// At last, once for each match: scales that must be equal, and warnings.
  virtual void finish(const Match&, StubDraft&) const {}

 protected:
  QuantizationPattern() = default;
};

using QuantizationList = std::vector<std::shared_ptr<const QuantizationPattern>>;

/// Lets the patterns decide.
void settle_stubs(StubDraft& draft, const QuantizationList& patterns);

}  // namespace graftwork::core

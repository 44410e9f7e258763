// A pattern: what to find and what to put there.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "graftwork/base/outcome.h"
#include "graftwork/match/matcher.h"
#include "graftwork/rewrite/graft.h"

namespace graftwork::core {

/// Immutable and without state beyond its tree, so that one pattern serves many threads.
class Pattern {
 public:
  virtual ~Pattern() = default;
  Pattern(const Pattern&) = delete;
  Pattern& operator=(const Pattern&) = delete;

  /// "ConvBNActPattern".
  virtual std::string_view name() const = 0;
  /// Positions of the last operators. The first anchors the search.
  virtual std::vector<Pat> roots() const = 0;
  /// Stages the change, or declines with a reason. Must not touch the graph in any other way.
  virtual Outcome graft(const Match& match, Graft& graft) const = 0;
  /// Whether graft() asks for more than the match and its operands: what declined is then tried again after every
  /// change, wherever that was.
  virtual bool looks_further() const { return false; }

 protected:
  Pattern() = default;
};

/// An ordered list: of two matches of equal length the earlier pattern's wins.
using PatternList = std::vector<std::shared_ptr<const Pattern>>;

}  // namespace graftwork::core

// A pattern that was read from text: trees of the pattern language, and a graft that is data.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "graftwork/patterns/text/syntax.h"
#include "graftwork/rewrite/pattern.h"

namespace graftwork::core::gpat {

/// A value that a graft reads: one that a step made, or one that was matched.
struct ValueRef {
  bool is_made = false;
  size_t index = 0;  ///< Of the step, or of the capture.
};

/// One new value.
struct Step {
  enum class Form : uint8_t {
    kKernel,    ///< A module with a body whose parts were matched.
    kModule,    ///< A module with attributes and parameters.
    kOperator,  ///< An operator with attributes.
    kAgain,     ///< A matched operator, chain or stretch, on another value.
  };
  Form form = Form::kModule;
  Symbol callee;              ///< Kind or operator.
  size_t capture = 0;         ///< kAgain: what is called again; kModule: whose path the new one gets, ...
  std::string suffix;         ///< ... with this behind it.
  bool has_own_path = false;  ///< `suffix` is the whole path.
  std::vector<ValueRef> operands;
  std::vector<std::pair<Symbol, Expr>> attributes;
  std::vector<std::pair<Symbol, Expr>> parameters;
  std::vector<std::pair<Symbol, size_t>> parts;  ///< kKernel; kModule: whose quantizer the weight goes through.
  std::vector<size_t> results;                   ///< kKernel: captures that its results replace.
};

/// A condition that is asked of a whole match, and what to say when it does not hold.
struct Requirement {
  Expr condition;
  Template reason;
};

/// What becomes of a matched value: another one takes its place, or it goes.
struct Fate {
  size_t capture = 0;
  bool is_erased = false;
  ValueRef now;
};

/// A pattern file's pattern with every name looked up. Conditions of the trees point to `captures`.
struct Program {
  std::string name;
  std::vector<Capture> captures;
  std::vector<size_t> roots;
  std::vector<Requirement> requirements;
  std::vector<Step> steps;
  std::vector<Fate> fates;
};

class TextPattern final : public Pattern {
 public:
  explicit TextPattern(std::unique_ptr<const Program> program) : program_(std::move(program)) {}

  const Program& program() const { return *program_; }
  std::string_view name() const override { return program_->name; }
  std::vector<Pat> roots() const override;
  /// Declines with what stood in the way of a value, a parameter or a shape.
  Outcome graft(const Match& match, Graft& graft) const override;

 private:
  std::unique_ptr<const Program> program_;
};

}  // namespace graftwork::core::gpat

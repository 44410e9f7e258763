// A pattern file as it is written: names are not looked up yet.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "graftwork/patterns/text/expression.h"

namespace graftwork::gpat {

/// A word and where it stands.
struct Word {
  std::string text;
  size_t offset = 0;
};

struct Assignment {
  Word name;
  Expr value;
};

/// `where CONDITION "reason"`.
struct Where {
  Expr condition;
  std::optional<std::string> reason;
};

/// `%name = ops(%operands) quantifier {attributes} commutes may_escape where ...`.
struct PositionText {
  enum class Form : uint8_t { kConstant, kOps, kAnyOp };
  struct Quantifier {
    uint32_t min = 0, max = 0;
    size_t offset = 0;
    bool optional = false;  ///< `?`.
  };
  Form form = Form::kOps;
  Word name;
  std::vector<Word> ops;
  std::vector<Word> operands;
  bool more_inputs = false;
  std::optional<Quantifier> quantifier;
  std::vector<Assignment> attributes;
  std::optional<size_t> commutes, may_escape;  ///< Where they are written.
  std::vector<Where> conditions;
};

/// One line behind `=>`.
struct ResultText {
  enum class Form : uint8_t { kKeep, kErase, kCall, kAgain };
  struct Path {
    Word capture;        ///< `@%capture.suffix`; empty for a path in words.
    std::string suffix;  ///< ".conv1x1", or the whole path.
  };
  struct Part {
    Word role;
    Word capture;
  };
  Form form = Form::kKeep;
  Word target;  ///< Empty text where none is written.
  Word callee;  ///< kCall: kind or operator; kAgain: a captured name; kKeep, kErase: the value.
  std::optional<Path> path;
  std::vector<Word> operands;
  std::vector<Assignment> attributes;
  std::vector<Part> parts;
};

enum class Section : uint8_t { kRecomposition, kConversion, kFusion };

struct PatternText {
  Section section = Section::kFusion;
  Word name;
  std::vector<PositionText> positions;
  std::vector<ResultText> results;
};

/// `let name = ops`.
struct LetText {
  Word name;
  std::vector<Word> ops;
};

struct FileText {
  std::vector<LetText> lets;
  std::vector<PatternText> patterns;
};

}  // namespace graftwork::gpat

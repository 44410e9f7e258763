// A pattern file as it is written: names are not looked up yet.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "graftwork/ir/kind.h"
#include "graftwork/patterns/text/expression.h"

namespace graftwork::core::gpat {

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

/// Text with values in it: "it pools {%x.shape[-1]} to 1".
struct Template {
  struct Piece {
    std::string text;
    std::optional<Expr> value;  ///< Behind the text.
  };
  std::vector<Piece> pieces;
};

/// `require CONDITION "reason"`: what a match must be like, beside its tree.
struct RequireText {
  Expr condition;
  Template reason;
};

/// `kernel NAME(...) [...] quantize %x can_quantize %y`: the tree is the declaration.
struct DeclarationText {
  std::vector<Word> quantize, can_quantize;
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
    std::string child;  ///< `role=%name.child`: not the module itself, but this child of it.
  };
  Form form = Form::kKeep;
  Word target;                        ///< Empty text where none is written.
  std::vector<Word> further_targets;  ///< `%q, %k = ...`: of a call with several results.
  Word callee;                        ///< kCall: kind or operator; kAgain: a captured name; kKeep, kErase: the value.
  std::optional<Path> path;
  std::vector<Word> operands;
  std::vector<Assignment> attributes;
  std::vector<Part> parts;
  std::optional<DeclarationText> declaration;
};

enum class Section : uint8_t { kRecomposition, kConversion, kFusion };

struct PatternText {
  Section section = Section::kFusion;
  Word name;
  std::vector<PositionText> positions;
  std::vector<RequireText> requirements;
  std::vector<ResultText> results;
};

/// `let name = ops`.
struct LetText {
  Word name;
  std::vector<Word> ops;
};

/// A kind with a body of its own: `kernel NAME(%x) { ... }`, `converted NAME(%x) { ... }`.
struct KernelText {
  Kind kind;
  size_t offset = 0;
};

struct FileText {
  std::vector<LetText> lets;
  std::vector<KernelText> kernels;
  std::vector<PatternText> patterns;
};

}  // namespace graftwork::core::gpat

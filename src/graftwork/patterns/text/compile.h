// A pattern as it is written → a pattern that runs: names, kinds, attributes and roles are looked up here.
#pragma once

#include <memory>

#include "graftwork/patterns/text/names.h"
#include "graftwork/patterns/text/text_pattern.h"

namespace graftwork::core::gpat {

/// Throws through `place` at the first name that means nothing, or not what its place asks for. A kernel that the
/// pattern declares is added to the vocabulary.
std::shared_ptr<const Pattern> compile(PatternText text, Vocabulary& vocabulary, const Lexer& place);

/// The second half of it: what stands behind "=>". Fills in `steps` and `fates`; `replaceable` has the captures whose
/// value something outside may read.
void compile_graft(const PatternText& text, const std::vector<bool>& replaceable, Names& names, Vocabulary& vocabulary,
                   Program& program);

}  // namespace graftwork::core::gpat

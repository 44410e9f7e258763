// Patterns as text: files *.gpat. docs/patterns.md teaches the language.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "graftwork/patterns/lists.h"

namespace graftwork::core {

/// The patterns of a text, in their order, each section in a list of its own, and `kinds` with those that the text
/// defines. `file` names the text in messages. Throws Error "gpat.syntax" at the first thing that is wrong, with line
/// and column. O(size of the text), at most 1 MiB.
PatternSections parse_pattern_sections(std::string_view text, std::string_view file,
                                       const std::shared_ptr<const KindTable>& kinds);

/// All of them in one list, in their order: of a text that defines no kinds.
PatternList parse_patterns(std::string_view text, std::string_view file, const std::shared_ptr<const KindTable>& kinds);

/// The patterns of a file. Throws as parse_pattern_sections does, and "file.*".
PatternSections read_patterns(const std::filesystem::path& path, const std::shared_ptr<const KindTable>& kinds);

/// The patterns of the files in front of `lists`, in the order of the files, and their kinds beside those there. Throws
/// Error "patterns.name" when two patterns have one name: plans and reports would not tell them apart.
PatternSections with_patterns(const std::vector<std::filesystem::path>& files, PatternSections lists);

}  // namespace graftwork::core

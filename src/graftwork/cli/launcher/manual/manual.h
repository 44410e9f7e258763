// The manual page, and the completions of three shells, as texts.
#pragma once

#include <string>

#include "graftwork/cli/launcher/manual/command_facts.h"

namespace graftwork::core::cli {

/// In roff with the man macros, of section 1.
std::string man_page(const CommandFacts& command, const std::string& version);

std::string bash_completion(const CommandFacts& command);
std::string zsh_completion(const CommandFacts& command);
std::string fish_completion(const CommandFacts& command);

}  // namespace graftwork::core::cli

// What manual page and completions say of the command: its subcommands and options, read from those that read command
// lines.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace graftwork::core::cli {

struct OptionFacts {
  std::vector<std::string> names;  // "-o", "--output"; of a positional one "MODEL"
  std::string value;               // "FILE", "TYPE", "N"; empty: it takes none
  std::string range;               // "19 to 25"; empty: none is told
  std::vector<std::string> words;  // the values that it takes, where they are few
  std::string fallback;            // what holds without it; empty: not told
  std::string text;
  bool is_positional = false;
  bool is_required = false;
  bool may_repeat = false;

  bool takes_file() const { return value.find("FILE") != std::string::npos || value == "DATA"; }
};

struct CommandFacts {
  std::string name;
  std::string text;
  std::string footer;
  std::vector<OptionFacts> options;  // positional ones first
  std::vector<CommandFacts> subcommands;
};

CommandFacts facts_of(const CLI::App& app);

}  // namespace graftwork::core::cli

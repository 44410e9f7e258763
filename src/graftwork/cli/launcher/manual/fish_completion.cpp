#include "graftwork/base/text.h"
#include "graftwork/cli/launcher/manual/manual.h"

namespace graftwork::core::cli {
namespace {

std::string in_quotes(const std::string& text) {
  std::string result = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') result += '\\';
    result += c;
  }
  return result + "'";
}

std::string option_line(const std::string& condition, const OptionFacts& option) {
  std::string line = "complete -c graftwork -n " + in_quotes(condition);
  for (const std::string& name : option.names)
    line += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
  if (!option.words.empty()) {
    line += " -x -a " + in_quotes(join(option.words, " "));
  } else if (option.takes_file()) {
    line += " -r -F";
  } else if (!option.value.empty()) {
    line += " -x";
  }
  return line + " -d " + in_quotes(option.text) + "\n";
}

std::string option_lines(const std::string& condition, const CommandFacts& command) {
  std::string lines;
  for (const OptionFacts& option : command.options) {
    if (!option.is_positional) lines += option_line(condition, option);
  }
  return lines;
}

}  // namespace

std::string fish_completion(const CommandFacts& command) {
  const std::string first = "__fish_use_subcommand";
  std::string text = "# Completion of graftwork for fish.\n" + option_lines(first, command);
  for (const CommandFacts& subcommand : command.subcommands) {
    text += "complete -c graftwork -n " + in_quotes(first) + " -f -a " + subcommand.name + " -d " +
            in_quotes(subcommand.text) + "\n";
    text += option_lines("__fish_seen_subcommand_from " + subcommand.name, subcommand);
  }
  return text;
}

}  // namespace graftwork::core::cli

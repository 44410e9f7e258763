#include "graftwork/base/text.h"
#include "graftwork/cli/launcher/manual/manual.h"

namespace graftwork::core::cli {
namespace {

/// Within single quotes, and within the brackets and colons of _arguments.
std::string escaped(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c == '\'') {
      result += "'\\''";
      continue;
    }
    if (c == '[' || c == ']' || c == ':' || c == '\\') result += '\\';
    result += c;
  }
  return result;
}

std::string value(const OptionFacts& option) {
  if (option.value.empty()) return "";
  std::string action = " ";
  if (option.takes_file()) action = "_files";
  if (!option.words.empty()) action = "(" + join(option.words, " ") + ")";
  return ":" + escaped(option.value) + ":" + action;
}

/// One spec for each way to write the option: the others are no longer offered with it.
std::string specs(const OptionFacts& option) {
  if (option.is_positional) return "        '" + value(option).insert(0, option.is_required ? "" : ":") + "' \\\n";
  const std::string excluded = option.may_repeat ? "*" : "(" + join(option.names, " ") + ")";
  std::string lines;
  for (const std::string& name : option.names)
    lines += cat("        '", excluded, name, "[", escaped(option.text), "]", value(option), "' \\\n");
  return lines;
}

std::string arguments(const CommandFacts& command) {
  std::string lines = "      _arguments \\\n";
  for (const OptionFacts& option : command.options) lines += specs(option);
  lines.erase(lines.size() - 3);  // the last line is not continued
  return lines + "\n";
}

}  // namespace

std::string zsh_completion(const CommandFacts& command) {
  std::string names;
  std::string branches;
  for (const CommandFacts& subcommand : command.subcommands) {
    names += "    '" + subcommand.name + ":" + escaped(subcommand.text) + "'\n";
    branches += "    " + subcommand.name + ")\n" + arguments(subcommand) + "      ;;\n";
  }
  std::string own;
  for (const OptionFacts& option : command.options) {
    for (const std::string& name : option.names) own += "    '" + name + ":" + escaped(option.text) + "'\n";
  }
  return "#compdef graftwork\n"
         "# Completion of graftwork for zsh.\n"
         "_graftwork() {\n"
         "  local -a subcommands=(\n" +
         names + own +
         "  )\n"
         "  if ((CURRENT == 2)); then\n"
         "    _describe 'subcommand' subcommands\n"
         "    return\n"
         "  fi\n"
         "  shift words\n"
         "  ((CURRENT--))\n"
         "  case $words[1] in\n" +
         branches +
         "  esac\n"
         "}\n"
         "_graftwork \"$@\"\n";
}

}  // namespace graftwork::core::cli

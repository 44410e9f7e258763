#include "graftwork/base/text.h"
#include "graftwork/cli/launcher/manual/manual.h"

namespace graftwork::core::cli {
namespace {

/// Every way in which options of `command` are written; no positional ones.
std::vector<std::string> option_names(const CommandFacts& command) {
  std::vector<std::string> names;
  for (const OptionFacts& option : command.options) {
    if (!option.is_positional) names.insert(names.end(), option.names.begin(), option.names.end());
  }
  return names;
}

/// A branch of what follows an option that takes a value.
std::string value_branch(const std::string& subcommand, const OptionFacts& option) {
  std::vector<std::string> patterns;
  for (const std::string& name : option.names) patterns.push_back(cat("'", subcommand, " ", name, "'"));
  std::string action = "return";
  if (option.takes_file()) action = "_graftwork_files; return";
  if (!option.words.empty()) action = "_graftwork_words \"" + join(option.words, " ") + "\"; return";
  return "    " + join(patterns, " | ") + ") " + action + " ;;\n";
}

}  // namespace

std::string bash_completion(const CommandFacts& command) {
  std::vector<std::string> first;
  std::string values;
  std::string options;
  for (const CommandFacts& subcommand : command.subcommands) {
    first.push_back(subcommand.name);
    for (const OptionFacts& option : subcommand.options) {
      if (!option.is_positional && !option.value.empty()) values += value_branch(subcommand.name, option);
    }
    options += "    " + subcommand.name + ") _graftwork_words \"" + join(option_names(subcommand), " ") + "\" ;;\n";
  }
  for (const std::string& name : option_names(command)) first.push_back(name);
  return "# Completion of graftwork for bash.\n"
         "_graftwork_words() { mapfile -t COMPREPLY < <(compgen -W \"$1\" -- \"$word\"); }\n"
         "_graftwork_files() {\n"
         "  compopt -o filenames 2>/dev/null\n"
         "  mapfile -t COMPREPLY < <(compgen -f -- \"$word\")\n"
         "}\n"
         "_graftwork() {\n"
         "  local word=${COMP_WORDS[COMP_CWORD]}\n"
         "  COMPREPLY=()\n"
         "  if ((COMP_CWORD == 1)); then\n"
         "    _graftwork_words \"" +
         join(first, " ") +
         "\"\n"
         "    return\n"
         "  fi\n"
         "  case \"${COMP_WORDS[1]} ${COMP_WORDS[COMP_CWORD - 1]}\" in\n" +
         values +
         "  esac\n"
         "  if [[ $word != -* ]]; then\n"
         "    _graftwork_files\n"
         "    return\n"
         "  fi\n"
         "  case ${COMP_WORDS[1]} in\n" +
         options +
         "  esac\n"
         "}\n"
         "complete -F _graftwork graftwork\n";
}

}  // namespace graftwork::core::cli

#include "graftwork/base/text.h"
#include "graftwork/cli/launcher/manual/manual.h"

namespace graftwork::core::cli {
namespace {

/// Text as roff shows it unchanged: hyphens of options stay hyphens, and no line begins with a request.
std::string plain(const std::string& text) {
  std::string escaped;
  bool begins = true;
  for (const char c : text) {
    if (begins && (c == '.' || c == '\'')) escaped += "\\&";
    if (c == '\\') {
      escaped += "\\e";
    } else if (c == '-') {
      escaped += "\\-";
    } else {
      escaped += c;
    }
    begins = c == '\n';
  }
  return escaped;
}

std::string bold(const std::string& text) { return "\\fB" + plain(text) + "\\fR"; }
std::string italic(const std::string& text) { return "\\fI" + plain(text) + "\\fR"; }

std::string heading(const OptionFacts& option) {
  if (option.is_positional) return italic(option.names[0]);
  std::string names;
  for (const std::string& name : option.names) names += (names.empty() ? "" : ", ") + bold(name);
  return option.value.empty() ? names : names + " " + italic(option.value);
}

std::string entry(const OptionFacts& option) {
  std::string text = ".TP\n" + heading(option) + "\n" + plain(option.text);
  std::vector<std::string> notes;
  if (option.is_required && !option.is_positional) notes.emplace_back("required");
  if (option.may_repeat) notes.emplace_back("may be given several times");
  if (!option.words.empty()) notes.push_back("one of " + join(option.words));
  if (!option.range.empty()) notes.push_back(option.range);
  if (!option.fallback.empty()) notes.push_back("default: " + option.fallback);
  if (!notes.empty()) text += "\n(" + plain(join(notes, "; ")) + ")";
  return text + "\n";
}

/// A footer is a paragraph, and examples that keep their lines.
std::string footer(const std::string& text) {
  const size_t examples = text.find("Example:\n");
  std::string page = ".PP\n" + plain(text.substr(0, text.find_last_not_of('\n', examples - 1) + 1)) + "\n";
  if (examples != std::string::npos) page += ".PP\n.nf\n" + plain(text.substr(examples)) + "\n.fi\n";
  return page;
}

std::string synopsis(const CommandFacts& command, const CommandFacts& subcommand) {
  std::string line = bold(command.name) + " " + bold(subcommand.name) + " [" + italic("options") + "]";
  for (const OptionFacts& option : subcommand.options) {
    const std::string form = heading(option);
    if (option.is_positional) {
      line += option.is_required ? " " + form : " [" + form + "]";
    } else if (option.is_required) {
      line += " " + bold(option.names[0]) + " " + italic(option.value);
    }
  }
  return line;
}

}  // namespace

std::string man_page(const CommandFacts& command, const std::string& version) {
  const size_t first = command.text.find(':');
  std::string page = cat(".TH GRAFTWORK 1 \"\" \"graftwork ", version, "\" \"User Commands\"\n");
  page += ".SH NAME\n" + plain(command.name) + " \\- " + plain(command.text.substr(0, first)) + "\n";
  page += ".SH SYNOPSIS\n";
  for (const CommandFacts& subcommand : command.subcommands) page += synopsis(command, subcommand) + "\n.br\n";
  page += ".SH DESCRIPTION\n.nf\n" + plain(command.text) + "\n.fi\n.PP\n" + plain(command.footer) + "\n";
  for (const OptionFacts& option : command.options) page += entry(option);
  page += ".SH COMMANDS\n";
  for (const CommandFacts& subcommand : command.subcommands) {
    page += ".SS " + plain(subcommand.name) + "\n" + plain(subcommand.text) + ".\n.PP\n" +
            synopsis(command, subcommand) + "\n";
    for (const OptionFacts& option : subcommand.options) page += entry(option);
    page += footer(subcommand.footer);
  }
  page +=
      ".SH ENVIRONMENT\n.TP\n.B GRAFTWORK_TORCH\n"
      "Folder of the torch package whose libraries are used (\\&.../site\\-packages/torch), of the minor version that\n"
      "graftwork was built with. Without it that is the one behind lib/graftwork/torch, one in a .venv beside the\n"
      "installed folder, or the one that python3 imports.\n"
      ".SH EXIT STATUS\n0: done. 1: it failed, for a reason that standard error has. 2: the command line is wrong. 70: "
      "a defect of\n"
      "graftwork. 130: it was interrupted.\n";
  return page;
}

}  // namespace graftwork::core::cli

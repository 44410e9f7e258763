#include "graftwork/cli/launcher/manual/command_facts.h"

#include <algorithm>
#include <sstream>

namespace graftwork::core::cli {
namespace {

std::vector<std::string> split(const std::string& text, char at) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, at);) parts.push_back(part);
  return parts;
}

/// "TYPE:{fp16,bf16}" and "N:19 to 25": what CLI11 makes of a type's name and of what checks it.
void read_type(const std::string& type, OptionFacts& facts) {
  const size_t colon = type.find(':');
  facts.value = type.substr(0, colon);
  if (colon == std::string::npos) return;
  const std::string check = type.substr(colon + 1);
  if (check.starts_with("{") && check.ends_with("}")) {
    facts.words = split(check.substr(1, check.size() - 2), ',');
  } else {
    facts.range = check;
  }
}

OptionFacts facts_of(const CLI::Option& option) {
  OptionFacts facts;
  for (const std::string& name : option.get_snames()) facts.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) facts.names.push_back("--" + name);
  facts.is_positional = option.get_positional();
  if (facts.is_positional) facts.names = {option.get_name(true)};
  // A flag takes no value, and has a type's name for one that it could be given.
  if (option.get_type_size_max() > 0) read_type(option.get_type_name(), facts);
  facts.fallback = option.get_default_str();
  facts.text = option.get_description();
  facts.is_required = option.get_required();
  facts.may_repeat = option.get_expected_max() > 1;
  return facts;
}

}  // namespace

CommandFacts facts_of(const CLI::App& app) {
  CommandFacts facts{app.get_name(), app.get_description(), app.get_footer(), {}, {}};
  for (const CLI::Option* option : app.get_options()) facts.options.push_back(facts_of(*option));
  std::ranges::stable_partition(facts.options, &OptionFacts::is_positional);
  for (const CLI::App* subcommand : app.get_subcommands([](const CLI::App*) { return true; }))
    facts.subcommands.push_back(facts_of(*subcommand));
  return facts;
}

}  // namespace graftwork::core::cli

#include "graftwork/cli/launcher/options/parse_options.h"

#include <string_view>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/cli/launcher/options/command_options.h"
#include "graftwork/cli/launcher/options/option_files.h"
#include "graftwork/cli/launcher/options/option_forms.h"
#include "graftwork/cli/output/output.h"

namespace graftwork::core::cli {
namespace {

class CommandLine {
 public:
  std::optional<Request> read(int argc, const char* const* argv) {
    check_subcommand(argc > 1 ? argv[1] : "");
    try {
      options_.app().parse(argc, argv);
    } catch (const CLI::CallForHelp&) {
      print_out(options_.app().help());
      return std::nullopt;
    } catch (const CLI::CallForVersion& version) {
      print_out(std::string(version.what()) + "\n");
      return std::nullopt;
    } catch (const CLI::ParseError& error) {
      const Subcommand* chosen = find_chosen();
      refuse(chosen ? chosen->app() : options_.app(), error.what());
    }
    // An empty name is told before the request, to which it is as if it were not given.
    std::vector<CommandFile> files = files_of(find_chosen()->app());
    Request request = find_chosen()->request();
    std::visit([&](auto& asked) { asked.files = CommandFiles(std::move(files)); }, request);
    return request;
  }

 private:
  /// Before anything else is said of the line.
  void check_subcommand(std::string_view first) const {
    std::vector<std::string> names;
    for (const auto& subcommand : options_.subcommands()) names.push_back(subcommand->app().get_name());
    if (first.empty()) refuse(options_.app(), "a subcommand is needed: " + in_words(names, "or"));
    if (first.front() != '-' && std::ranges::find(names, first) == names.end())
      refuse(options_.app(), cat("there is no subcommand ", quoted(first), ", only ", in_words(names, "and")));
  }

  Subcommand* find_chosen() const {
    for (const auto& subcommand : options_.subcommands()) {
      if (subcommand->app().parsed()) return subcommand.get();
    }
    return nullptr;
  }

  CommandOptions options_;
};

}  // namespace

std::optional<Request> parse_options(int argc, const char* const* argv) { return CommandLine().read(argc, argv); }

}  // namespace graftwork::core::cli

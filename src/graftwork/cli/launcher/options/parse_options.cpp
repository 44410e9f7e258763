#include "graftwork/cli/launcher/options/parse_options.h"

#include <array>
#include <string_view>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/cli/launcher/options/option_forms.h"
#include "graftwork/cli/output/output.h"

namespace graftwork::core::cli {
namespace {

/// In the order in which help has them.
constexpr std::array kSubcommands{add_quantize, add_transform, add_plan,        add_explain,
                                  add_inspect,  add_run,       add_sensitivity, add_compare};

class CommandLine {
 public:
  CommandLine() {
    app_.set_help_flag("-h,--help", "Show this text");
    app_.set_version_flag("--version", "graftwork " GRAFTWORK_VERSION, "Show the version");
    app_.get_formatter()->column_width(28);
    app_.require_subcommand(1);
    app_.footer("`graftwork quantize --help` shows the options of a subcommand and an example.");
    for (const auto& add : kSubcommands) subcommands_.push_back(add(app_));
  }

  std::optional<Request> read(int argc, const char* const* argv) {
    check_subcommand(argc > 1 ? argv[1] : "");
    try {
      app_.parse(argc, argv);
    } catch (const CLI::CallForHelp&) {
      print_out(app_.help());
      return std::nullopt;
    } catch (const CLI::CallForVersion& version) {
      print_out(std::string(version.what()) + "\n");
      return std::nullopt;
    } catch (const CLI::ParseError& error) {
      const Subcommand* chosen = find_chosen();
      refuse(chosen ? chosen->app() : app_, error.what());
    }
    return find_chosen()->request();
  }

 private:
  /// Before anything else is said of the line.
  void check_subcommand(std::string_view first) const {
    std::vector<std::string> names;
    for (const auto& subcommand : subcommands_) names.push_back(subcommand->app().get_name());
    if (first.empty()) refuse(app_, "a subcommand is needed: " + in_words(names, "or"));
    if (first.front() != '-' && std::ranges::find(names, first) == names.end())
      refuse(app_, cat("there is no subcommand ", quoted(first), ", only ", in_words(names, "and")));
  }

  Subcommand* find_chosen() const {
    for (const auto& subcommand : subcommands_) {
      if (subcommand->app().parsed()) return subcommand.get();
    }
    return nullptr;
  }

  CLI::App app_{
      "Takes a PyTorch network to INT8 for TensorRT:\n"
      "  model.pt2 -> import -> transform (fuse) -> calibrate -> quantize -> model.onnx with explicit Q/DQ",
      "graftwork"};
  std::vector<std::unique_ptr<Subcommand>> subcommands_;
};

}  // namespace

std::optional<Request> parse_options(int argc, const char* const* argv) { return CommandLine().read(argc, argv); }

}  // namespace graftwork::core::cli

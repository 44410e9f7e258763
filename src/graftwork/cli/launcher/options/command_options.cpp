#include "graftwork/cli/launcher/options/command_options.h"

#include <array>

namespace graftwork::core::cli {
namespace {

constexpr std::array kSubcommands{add_quantize, add_transform, add_plan,        add_explain,
                                  add_inspect,  add_run,       add_sensitivity, add_compare};

}  // namespace

CommandOptions::CommandOptions() {
  app_.set_help_flag("-h,--help", "Show this text");
  app_.set_version_flag("--version", "graftwork " GRAFTWORK_VERSION, "Show the version");
  app_.get_formatter()->column_width(28);
  app_.require_subcommand(1);
  app_.footer("`graftwork quantize --help` shows the options of a subcommand and an example.");
  for (const auto& add : kSubcommands) subcommands_.push_back(add(app_));
}

}  // namespace graftwork::core::cli

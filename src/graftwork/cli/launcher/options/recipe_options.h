// What to quantize.
#pragma once

#include "graftwork/cli/launcher/options/option_forms.h"
#include "graftwork/cli/requests.h"

namespace graftwork::core::cli {

/// `--config` and `--skip`, `--skip-stub`, `--skip-weight`.
class RecipeOptions {
 public:
  explicit RecipeOptions(RecipeFlags& flags) : flags_(flags) {}

  /// What it has added; this must live while `app` reads a command line.
  std::vector<CLI::Option*> add_to(CLI::App& app);
  /// Once the command line is read.
  void finish();

 private:
  RecipeFlags& flags_;
  std::vector<std::string> skip_;
};

}  // namespace graftwork::core::cli

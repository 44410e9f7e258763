#include "graftwork/cli/launcher/options/recipe_options.h"

namespace graftwork::core::cli {

std::vector<CLI::Option*> RecipeOptions::add_to(CLI::App& app) {
  return {
      add_path(app, "--config", flags_.file, "Recipe in JSON: precision, ranges, modules to skip"),
      add_list(app, "--skip", skip_, "NAME", "Keep this module in floating point: a path, a kind, or with *"),
      add_list(app, "--skip-stub", flags_.skip_stub, "NAME", "As --skip, for its inputs only"),
      add_list(app, "--skip-weight", flags_.skip_weight, "NAME", "As --skip, for its weight only"),
  };
}

void RecipeOptions::finish() {
  flags_.skip_stub.insert(flags_.skip_stub.end(), skip_.begin(), skip_.end());
  flags_.skip_weight.insert(flags_.skip_weight.end(), skip_.begin(), skip_.end());
}

}  // namespace graftwork::core::cli

#include "graftwork/cli/torch/sensitivity/skip_recipe.h"

#include <algorithm>

#include "graftwork/base/file.h"
#include "graftwork/cli/graph/planned.h"

namespace graftwork::core::cli {
namespace {

void append(Json& list, const std::vector<std::string>& names) {
  if (list.is_null()) list = Json::array();
  for (const std::string& name : names) {
    if (std::ranges::find(list, Json(name)) == list.end()) list.push_back(name);
  }
}

}  // namespace

Json skip_recipe(const CalibrationFlags& flags, const std::vector<std::string>& layers) {
  Json recipe = Json::object();
  if (!flags.recipe.file.empty()) {
    read_quant_config(flags.recipe.file);  // says what is wrong with it
    recipe = Json::parse(read_text(flags.recipe.file));
  }
  if (flags.method) {
    recipe["activation"]["calibration_method"] = name_of(*flags.method);
    if (counts_for_weights(*flags.method)) recipe["weight"]["calibration_method"] = name_of(*flags.method);
  }
  append(recipe["skip"]["stub"], flags.recipe.skip_stub);
  append(recipe["skip"]["stub"], layers);
  append(recipe["skip"]["weight"], flags.recipe.skip_weight);
  append(recipe["skip"]["weight"], layers);
  return recipe;
}

}  // namespace graftwork::core::cli

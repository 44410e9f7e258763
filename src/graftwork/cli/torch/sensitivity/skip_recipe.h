// A recipe with further layers to skip, as a file that `--config` takes.
#pragma once

#include <string>
#include <vector>

#include "graftwork/cli/reports/report_json.h"
#include "graftwork/cli/requests.h"

namespace graftwork::core::cli {

/// What the flags say, the recipe file's text among it, and the layers. Throws Error "file.*", "config.*".
Json skip_recipe(const CalibrationFlags& flags, const std::vector<std::string>& layers);

}  // namespace graftwork::core::cli

// The one list of the methods that find ranges.
#pragma once

#include <string>
#include <vector>

namespace graftwork::core {

/// Of every CalibrationMethod, as recipes spell it, in the order in which they are declared.
std::vector<std::string> calibration_method_names();

}  // namespace graftwork::core

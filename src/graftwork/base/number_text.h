// Numbers for people.
#pragma once

#include <string>

namespace graftwork::core {

/// With so many digits behind the point: "2.40".
std::string fixed(double value, int digits);

/// With so many digits that count, and no more zeros than needed: "0.0123", "1.5", "1e+06".
std::string short_number(double value, int digits = 3);

}  // namespace graftwork::core

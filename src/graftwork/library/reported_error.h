// An Error from its report.
#pragma once

#include <graftwork/error.h>

#include <optional>
#include <string_view>

namespace graftwork::detail {

/// The first Error in what a program has written, whose report() stands there from the beginning of a line to the end
/// of the text; nothing where there is none.
std::optional<Error> reported_error(std::string_view text);

}  // namespace graftwork::detail

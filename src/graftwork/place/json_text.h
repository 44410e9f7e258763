// JSON as the text of a file.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace graftwork::core {

/// A document as the text of a file, which may be shown: bytes that are no UTF-8 are replaced, characters that nobody
/// sees are escaped, so that they read back. `indent` as nlohmann's `dump` has it: -1 for one line.
std::string json_text(const nlohmann::ordered_json& document, int indent = 2);

}  // namespace graftwork::core

// Text to JSON for files that may be hostile or older than strict JSON.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace graftwork::core::pt2 {

/// Deepest nesting of brackets that is read; exported programs of real networks stay below 40.
inline constexpr int kMaxJsonDepth = 512;

/// Values that a JSON text may hold: so many, and one more for so many of its bytes. A value takes up to 100 bytes of
/// memory and may be written in two; those of torch.export take about eight on average.
inline constexpr size_t kMostJsonValues = size_t{1} << 20;
inline constexpr size_t kBytesPerJsonValue = 12;

/// Parses `text`. The bare tokens NaN, Infinity and -Infinity, which torch 2.6 writes, become the strings that later
/// versions write. Throws Error "pt2.json".
nlohmann::json parse_json(std::string_view text);

/// `text` with the bare tokens quoted; nothing when there are none.
std::optional<std::string> quote_non_finite(std::string_view text);

}  // namespace graftwork::core::pt2

#include "graftwork/place/json_text.h"

#include <nlohmann/json.hpp>
#include <string_view>

#include "graftwork/base/text.h"

namespace graftwork::core {
namespace {

using Json = nlohmann::ordered_json;

/// A character of UTF-8 as JSON spells it in ASCII.
std::string json_escape(std::string_view character) {
  const std::string escaped = Json(character).dump(-1, ' ', true);
  return escaped.substr(1, escaped.size() - 2);
}

}  // namespace

std::string json_text(const Json& document, int indent) {
  const std::string written = document.dump(indent, ' ', false, Json::error_handler_t::replace);
  std::string text;
  text.reserve(written.size() + 1);
  // Outside of strings all is ASCII, and what is written is UTF-8.
  for (size_t begin = 0, end = 0; begin < written.size(); begin = end) {
    const auto first = static_cast<unsigned char>(written[begin]);
    end = begin + (first < 0xc0 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4);
    const std::string_view character = std::string_view(written).substr(begin, end - begin);
    const bool is_hidden = first >= 0x7f && visible(character) != character;
    if (is_hidden) {
      text += json_escape(character);
    } else {
      text += character;
    }
  }
  return text + "\n";
}

}  // namespace graftwork::core

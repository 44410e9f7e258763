#include "graftwork/cli/page/page.h"

#include <array>
#include <string_view>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"

namespace graftwork::core {

// The files of this folder, as CMake has put them into the program.
std::string_view page_frame();
std::string_view page_style();
std::string_view page_dom_script();
std::string_view page_model_script();
std::string_view page_layout_script();
std::string_view page_view_script();
std::string_view page_moved_script();
std::string_view page_details_script();
std::string_view page_main_script();

}  // namespace graftwork::core

namespace graftwork::core::cli {
namespace {

/// As `visible` has it, but other texts stay other texts: the page finds things by their names, so that a character
/// that is escaped must not become a name that spells it.
std::string shown(std::string_view text) {
  std::string doubled;
  for (const char c : text) doubled.append(c == '\\' ? 2 : 1, c);
  return visible(doubled, true);
}

/// The data with all their texts, names of members too, as they may be shown.
Json shown(const Json& data) {
  if (data.is_string()) return shown(std::string_view(data.get_ref<const std::string&>()));
  if (!data.is_structured()) return data;
  Json all = data.is_array() ? Json::array() : Json::object();
  if (data.is_array()) {
    for (const Json& one : data) all.push_back(shown(one));
  } else {
    for (const auto& [name, one] : data.items()) all[shown(std::string_view(name))] = shown(one);
  }
  return all;
}

/// JSON in which no end of a script and no comment of HTML can stand: of all that begins either there is "<" first,
/// which JSON may spell otherwise.
std::string script_data(const Json& data) {
  std::string text;
  for (const char c : shown(data).dump(-1, ' ', false, Json::error_handler_t::replace)) {
    if (c == '<') {
      text += "\\u003c";
    } else {
      text += c;
    }
  }
  return text;
}

}  // namespace

std::string page_html(const Json& data) {
  const std::array<std::string_view, 7> scripts{page_dom_script(),  page_model_script(), page_layout_script(),
                                                page_view_script(), page_moved_script(), page_details_script(),
                                                page_main_script()};
  std::string script;
  for (const std::string_view part : scripts) script += part;
  std::string html;
  std::string_view rest = page_frame();
  const auto put = [&](std::string_view place, std::string_view text) {
    const size_t at = rest.find(place);
    GRAFTWORK_ASSERT(at != std::string_view::npos);
    html += rest.substr(0, at);
    html += text;
    rest.remove_prefix(at + place.size());
  };
  put("<!--style-->\n", page_style());
  put("<!--data-->", script_data(data));
  put("<!--script-->\n", script);
  html += rest;
  return html;
}

}  // namespace graftwork::core::cli

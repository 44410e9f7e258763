#include "graftwork/cli/launcher/options/option_forms.h"

#include <cctype>
#include <charconv>
#include <cmath>
#include <optional>
#include <string_view>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"

namespace graftwork::core::cli {

void refuse(const CLI::App& app, const std::string& what) {
  const std::string subcommand = app.get_parent() ? app.get_name() + " " : "";
  throw Error("usage", what, cat("`graftwork ", subcommand, "--help`"));
}

CLI::Option* add_path(CLI::App& app, const std::string& name, std::filesystem::path& path, const std::string& text) {
  return app.add_option_function<std::string>(
                name, [&path](const std::string& value) { path = value; }, text)
      ->type_name("FILE");
}

CLI::Option* add_list(CLI::App& app, const std::string& name, std::vector<std::string>& values, const std::string& type,
                      const std::string& text) {
  return app.add_option(name, values, text)->allow_extra_args(false)->type_name(type);
}

namespace {

/// Nothing where the text is no size, or none of a byte to an exabyte.
std::optional<int64_t> size_in(std::string_view text) {
  static constexpr std::string_view kUnits = "KMGT";
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return std::nullopt;
  std::string unit(end, text.data() + text.size());
  if (unit.size() > 1 && unit.front() == ' ') unit.erase(0, 1);
  for (char& c : unit) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  const bool is_binary = unit.ends_with("IB");
  if (is_binary) unit.resize(unit.size() - 2);
  if (!is_binary && unit.ends_with("B")) unit.pop_back();
  const size_t power = unit.empty() ? 0 : kUnits.find(unit) + 1;
  if (unit.size() > 1 || (!unit.empty() && power == 0) || (is_binary && unit.empty())) return std::nullopt;
  const double bytes = number * std::pow(is_binary ? 1024.0 : 1000.0, static_cast<double>(power));
  if (!(bytes >= 1 && bytes <= 1e18)) return std::nullopt;
  return static_cast<int64_t>(bytes);
}

}  // namespace

CLI::Option* add_size(CLI::App& app, const std::string& name, int64_t& bytes, const std::string& text) {
  const auto read = [&app, &bytes, name](const std::string& given) {
    const auto size = size_in(given);
    if (!size)
      refuse(app, cat(name, ": ", quoted(given),
                      " is no size: a number of bytes, or one of KB, MB, GB or TB, as in 500MB or 8 GiB"));
    bytes = *size;
  };
  return app.add_option_function<std::string>(name, read, text)->type_name("SIZE");
}

std::string in_words(std::vector<std::string> items, const std::string& conjunction) {
  if (items.size() < 2) return join(items);
  const std::string last = items.back();
  items.pop_back();
  return cat(join(items), " ", conjunction, " ", last);
}

}  // namespace graftwork::core::cli

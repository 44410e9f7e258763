#include "graftwork/cli/launcher/options/option_forms.h"

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

std::string in_words(std::vector<std::string> items, const std::string& conjunction) {
  if (items.size() < 2) return join(items);
  const std::string last = items.back();
  items.pop_back();
  return cat(join(items), " ", conjunction, " ", last);
}

}  // namespace graftwork::core::cli

#include "graftwork/cli/launcher/options/network_options.h"

namespace graftwork::core::cli {

void add_network(CLI::App& app, std::filesystem::path& model) {
  add_path(app, "MODEL", model, "Network written by torch.export.save (.pt2)")->required();
}

void add_network_or_graph(CLI::App& app, std::filesystem::path& model) {
  add_path(app, "MODEL", model, "Network (.pt2), or a printed graph (.gir)")->required();
}

void add_backend(CLI::App& app, BackendFlags& flags) {
  app.add_option("--backend", flags.name, "The engine that the file is for: tensorrt")->type_name("NAME");
  app.add_option_function<std::vector<std::string>>(
         "--patterns",
         [&flags](const std::vector<std::string>& values) { flags.patterns.assign(values.begin(), values.end()); },
         "Patterns of your own (.gpat, docs/patterns.md), in front of the built-in ones")
      ->allow_extra_args(false)
      ->type_name("FILE");
}

void add_plan_to_follow(CLI::App& app, std::filesystem::path& plan) {
  add_path(app, "--plan", plan, "Do what this plan says (`graftwork plan`), edited or not");
}

}  // namespace graftwork::core::cli

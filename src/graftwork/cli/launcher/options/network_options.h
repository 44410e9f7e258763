// Which network, for which engine, and what of its transformation is decided already.
#pragma once

#include "graftwork/cli/launcher/options/option_forms.h"
#include "graftwork/cli/requests.h"

namespace graftwork::core::cli {

/// MODEL, of a subcommand that computes with the network.
void add_network(CLI::App& app, std::filesystem::path& model);
/// MODEL, of one that looks at its graph alone.
void add_network_or_graph(CLI::App& app, std::filesystem::path& model);

/// `--backend` and `--patterns`.
void add_backend(CLI::App& app, BackendFlags& flags);

/// `--plan`, to follow.
void add_plan_to_follow(CLI::App& app, std::filesystem::path& plan);

}  // namespace graftwork::core::cli

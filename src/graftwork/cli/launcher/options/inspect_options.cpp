#include "graftwork/cli/launcher/options/network_options.h"
#include "graftwork/cli/launcher/options/open_options.h"
#include "graftwork/cli/launcher/options/subcommand.h"

namespace graftwork::core::cli {
namespace {

class Inspect final : public Subcommand {
 public:
  explicit Inspect(CLI::App& command)
      : Subcommand(*command.add_subcommand("inspect", "Show what a network consists of")) {
    CLI::App& own = app();
    add_network_or_graph(own, request_.model);
    open_.add_to(own);
    CLI::Option* const json = own.add_flag("--json", request_.json, "For machines");
    own.add_flag("--quiet", request_.quiet, "Open it and say nothing but what is wrong with it")->excludes(json);
    own.footer(
        "Use it first on a new network: it shows inputs, operators, parameters, graph, and what is not supported.\n\n"
        "Example:\n  graftwork inspect resnet18.pt2");
  }

  Request request() override {
    open_.finish(app(), request_.model);
    return request_;
  }

 private:
  InspectRequest request_;
  OpenOptions open_{request_.open};
};

}  // namespace

std::unique_ptr<Subcommand> add_inspect(CLI::App& command) { return std::make_unique<Inspect>(command); }

}  // namespace graftwork::core::cli

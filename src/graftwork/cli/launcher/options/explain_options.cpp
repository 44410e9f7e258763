#include "graftwork/cli/launcher/options/network_options.h"
#include "graftwork/cli/launcher/options/open_options.h"
#include "graftwork/cli/launcher/options/subcommand.h"

namespace graftwork::core::cli {
namespace {

class Explain final : public Subcommand {
 public:
  explicit Explain(CLI::App& command)
      : Subcommand(*command.add_subcommand("explain", "Say what became of a node, and why it did not fuse")) {
    CLI::App& own = app();
    add_network_or_graph(own, request_.model);
    open_.add_to(own);
    own.add_option("NODE", request_.node, "A value (%relu or relu), or the path of a module (layer1.0.conv1)")
        ->required();
    add_backend(own, request_.backend);
    own.footer(
        "Use it when something did not fuse: it names the patterns that could have, and what was in their way.\n\n"
        "Example:\n  graftwork explain resnet18.pt2 layer1.0.relu");
  }

  Request request() override {
    open_.finish(app(), request_.model);
    return request_;
  }

 private:
  ExplainRequest request_;
  OpenOptions open_{request_.open};
};

}  // namespace

std::unique_ptr<Subcommand> add_explain(CLI::App& command) { return std::make_unique<Explain>(command); }

}  // namespace graftwork::core::cli

#include "graftwork/cli/launcher/options/network_options.h"
#include "graftwork/cli/launcher/options/open_options.h"
#include "graftwork/cli/launcher/options/subcommand.h"

namespace graftwork::core::cli {
namespace {

class Transform final : public Subcommand {
 public:
  explicit Transform(CLI::App& command)
      : Subcommand(*command.add_subcommand("transform", "Show the graph after conversions and fusions")) {
    CLI::App& own = app();
    add_network_or_graph(own, request_.model);
    open_.add_to(own);
    add_path(own, "-o,--output", request_.output, "Write the graph here (.gir); default: print it");
    add_plan_to_follow(own, request_.plan);
    add_backend(own, request_.backend);
    add_path(own, "--report", request_.report, "Write which pattern did what, and why others did not, in JSON");
    own.footer(
        "Use it to see what is fused, and to learn the module names that --skip takes.\n\n"
        "Example:\n  graftwork transform resnet18.pt2 -o resnet18.gir --report report.json");
  }

  Request request() override {
    open_.finish(app(), request_.model);
    return request_;
  }

 private:
  TransformRequest request_;
  OpenOptions open_{request_.open};
};

}  // namespace

std::unique_ptr<Subcommand> add_transform(CLI::App& command) { return std::make_unique<Transform>(command); }

}  // namespace graftwork::core::cli

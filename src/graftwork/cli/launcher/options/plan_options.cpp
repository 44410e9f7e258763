#include "graftwork/cli/launcher/options/network_options.h"
#include "graftwork/cli/launcher/options/open_options.h"
#include "graftwork/cli/launcher/options/recipe_options.h"
#include "graftwork/cli/launcher/options/subcommand.h"

namespace graftwork::core::cli {
namespace {

class Plan final : public Subcommand {
 public:
  explicit Plan(CLI::App& command)
      : Subcommand(*command.add_subcommand("plan", "Write every decision down, to edit and replay")) {
    CLI::App& own = app();
    add_network_or_graph(own, request_.model);
    open_.add_to(own);
    CLI::Option* const quantize = own.add_flag("--quantize", request_.quantize, "Plan Q/DQ too");
    own.add_flag("--dry-run", request_.dry_run,
                 "Print what each rule and policy of the recipe decides, and write nothing")
        ->needs(quantize);
    for (CLI::Option* option : recipe_.add_to(own)) option->needs(quantize);
    add_path(own, "--plan", request_.plan, "Keep the transformation of this plan, edited or not; plan Q/DQ behind it");
    add_backend(own, request_.backend);
    add_path(own, "-o,--output", request_.output, "The plan to write (JSON)");
    own.footer(
        "Use it to see every decision before it is carried out, to change one, and to do the same again later.\n\n"
        "Example:\n  graftwork plan resnet18.pt2 --quantize -o plan.json\n"
        "  graftwork quantize resnet18.pt2 --plan plan.json --calibrate images.npy -o resnet18_int8.onnx");
  }

  Request request() override {
    open_.finish(app(), request_.model);
    if (request_.output.empty() && !request_.dry_run) refuse(app(), "--output is required");
    recipe_.finish();
    return request_;
  }

 private:
  PlanRequest request_;
  OpenOptions open_{request_.open};
  RecipeOptions recipe_{request_.recipe};
};

}  // namespace

std::unique_ptr<Subcommand> add_plan(CLI::App& command) { return std::make_unique<Plan>(command); }

}  // namespace graftwork::core::cli

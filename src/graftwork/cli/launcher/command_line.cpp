#include "graftwork/cli/launcher/command_line.h"

#include <csignal>
#include <filesystem>
#include <system_error>
#include <tuple>

#include "graftwork/base/error.h"
#include "graftwork/base/file.h"
#include "graftwork/cli/graph/command_explain.h"
#include "graftwork/cli/graph/command_inspect.h"
#include "graftwork/cli/graph/command_plan.h"
#include "graftwork/cli/graph/command_transform.h"
#include "graftwork/cli/launcher/options/parse_options.h"
#include "graftwork/cli/launcher/standard_streams.h"
#include "graftwork/cli/launcher/torch_half.h"
#include "graftwork/cli/output/guard.h"
#include "graftwork/ir/text/parse.h"
#include "graftwork/patterns/backend.h"

namespace graftwork::core::cli {
namespace {

GraphModule read_graph(const std::filesystem::path& path) {
  return parse(read_text(path), path.string(), get_backend()->kinds);
}

void perform(const QuantizeRequest& request) { run_torch_half(request); }
void perform(const RunRequest& request) { run_torch_half(request); }
void perform(const SensitivityRequest& request) { run_torch_half(request); }
void perform(const CompareRequest& request) { run_torch_half(request); }

void perform(const TransformRequest& request) {
  if (!is_printed_graph(request.model)) run_torch_half(request);
  transform(read_graph(request.model), {}, request);
}

void perform(const PlanRequest& request) {
  if (!is_printed_graph(request.model)) run_torch_half(request);
  plan(read_graph(request.model), request);
}

void perform(const ExplainRequest& request) {
  if (!is_printed_graph(request.model)) run_torch_half(request);
  explain(read_graph(request.model), request);
}

void perform(const InspectRequest& request) {
  if (!is_printed_graph(request.model)) run_torch_half(request);
  const GraphModule graph = read_graph(request.model);
  if (!request.quiet) inspect(graph, {}, request);
}

/// Names of files lead nowhere then, and MKL ends a process with a message that speaks of torch.
void check_working_folder() {
  std::error_code gone;
  std::ignore = std::filesystem::current_path(gone);
  if (gone)
    throw Error("file.folder", "the working folder is gone: " + gone.message(), "changing to one that is there");
}

/// Where SIGCHLD is ignored, which programs inherit, the system keeps no word of how a process of ours ended.
void keep_ends_of_processes() { std::signal(SIGCHLD, SIG_DFL); }

template <class Request>
void check_outputs(const Request& request) {
  request.files.check_outputs();
}
/// Of the processes of torchrun one writes; which one, the torch half knows.
void check_outputs(const QuantizeRequest&) {}

}  // namespace

int run_command_line(int argc, const char* const* argv) noexcept {
  prepare_standard_streams();
  keep_ends_of_processes();
  return guarded([&] {
    if (const auto parsed = parse_options(argc, argv)) {
      std::visit(
          [](const auto& request) {
            check_working_folder();
            check_outputs(request);
            perform(request);
          },
          *parsed);
    }
  });
}

}  // namespace graftwork::core::cli

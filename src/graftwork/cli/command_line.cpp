#include "graftwork/cli/command_line.h"

#include <csignal>

#include "graftwork/base/file.h"
#include "graftwork/cli/command_explain.h"
#include "graftwork/cli/command_inspect.h"
#include "graftwork/cli/command_plan.h"
#include "graftwork/cli/command_transform.h"
#include "graftwork/cli/guard.h"
#include "graftwork/cli/parse_options.h"
#include "graftwork/cli/torch_half.h"
#include "graftwork/ir/text/parse.h"

namespace graftwork::cli {
namespace {

GraphModule read_graph(const std::filesystem::path& path) { return parse(read_text(path), path.string()); }

void perform(const QuantizeOptions& options) { run_torch_half(options); }
void perform(const RunOptions& options) { run_torch_half(options); }

void perform(const TransformOptions& options) {
  if (!is_printed_graph(options.model)) run_torch_half(options);
  transform(read_graph(options.model), {}, options);
}

void perform(const PlanOptions& options) {
  if (!is_printed_graph(options.model)) run_torch_half(options);
  plan(read_graph(options.model), options);
}

void perform(const ExplainOptions& options) {
  if (!is_printed_graph(options.model)) run_torch_half(options);
  explain(read_graph(options.model), options);
}

void perform(const InspectOptions& options) {
  if (!is_printed_graph(options.model)) run_torch_half(options);
  inspect(read_graph(options.model), {}, options);
}

}  // namespace

int run_command_line(int argc, const char* const* argv) noexcept {
  // A file that grows beyond a limit is to fail with a message, as one on a full disk does.
  std::signal(SIGXFSZ, SIG_IGN);
  return guarded([&] {
    if (const auto request = parse_options(argc, argv)) {
      std::visit([](const auto& options) { perform(options); }, *request);
    }
  });
}

}  // namespace graftwork::cli

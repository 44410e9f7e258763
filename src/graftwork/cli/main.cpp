// The launcher: answers what needs no torch, hands over the rest.
#include "graftwork/base/file.h"
#include "graftwork/cli/command_inspect.h"
#include "graftwork/cli/command_transform.h"
#include "graftwork/cli/guard.h"
#include "graftwork/cli/parse_options.h"
#include "graftwork/cli/torch_half.h"
#include "graftwork/ir/text/parse.h"

namespace graftwork::cli {
namespace {

GraphModule read_graph(const std::filesystem::path& path) { return parse(read_text(path), path.string()); }

int perform(int status) { return status; }
int perform(const QuantizeOptions& options) { return run_torch_half(options); }
int perform(const RunOptions& options) { return run_torch_half(options); }

int perform(const TransformOptions& options) {
  if (!is_printed_graph(options.model)) return run_torch_half(options);
  transform(read_graph(options.model), {}, options);
  return kSuccess;
}

int perform(const InspectOptions& options) {
  if (!is_printed_graph(options.model)) return run_torch_half(options);
  inspect(read_graph(options.model), {}, options);
  return kSuccess;
}

}  // namespace
}  // namespace graftwork::cli

int main(int argc, char** argv) {
  using namespace graftwork::cli;
  int status = kSuccess;
  const int failure = guarded([&] {
    status = std::visit([](const auto& request) { return perform(request); }, parse_options(argc, argv));
  });
  return failure == kSuccess ? status : failure;
}

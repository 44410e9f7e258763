#include "graftwork/cli/graph/command_explain.h"

#include "graftwork/cli/graph/planned.h"
#include "graftwork/cli/output/output.h"
#include "graftwork/patterns/explain.h"

namespace graftwork::core::cli {

void explain(const GraphModule& module, const ExplainRequest& request) {
  // "%relu" as graphs print it, "relu" as shells like it.
  const std::string name = request.node.starts_with('%') ? request.node.substr(1) : request.node;
  std::string text;
  const PatternSections lists = patterns_of(request.backend);
  for (const Explanation& explanation : graftwork::core::explain(module, name, lists)) text += explanation.text();
  request.files.check_before_writing();
  print_out(text);
}

}  // namespace graftwork::core::cli

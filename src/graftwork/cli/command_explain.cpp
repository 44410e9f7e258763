#include "graftwork/cli/command_explain.h"

#include "graftwork/cli/output.h"
#include "graftwork/cli/planned.h"
#include "graftwork/patterns/explain.h"

namespace graftwork::cli {

void explain(const GraphModule& module, const ExplainOptions& options) {
  // "%relu" as graphs print it, "relu" as shells like it.
  const std::string name = options.node.starts_with('%') ? options.node.substr(1) : options.node;
  std::string text;
  const PatternSections lists = patterns_of(options.patterns);
  for (const Explanation& explanation : graftwork::explain(module, name, lists)) text += explanation.text();
  print_out(text);
}

}  // namespace graftwork::cli

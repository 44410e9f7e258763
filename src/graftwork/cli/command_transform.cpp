#include "graftwork/cli/command_transform.h"

#include "graftwork/base/file.h"
#include "graftwork/cli/output.h"
#include "graftwork/cli/planned.h"
#include "graftwork/cli/report_json.h"
#include "graftwork/cli/summary.h"
#include "graftwork/ir/text/print.h"

namespace graftwork::cli {

void transform(const GraphModule& module, const std::vector<std::string>& unsupported,
               const TransformOptions& options) {
  check_writable(options.output);
  check_writable(options.report);
  const TransformationResult result = transform_by(plan_of(options.plan), module, patterns_of(options.patterns));
  if (!options.report.empty()) {
    Json report = transform_report(options.model, result.model, result.report);
    report["unsupported"] = unsupported;
    write_file(options.report, to_text(report));
  }
  if (options.output.empty()) {
    print_out(print(result.model));
  } else {
    write_file(options.output, print(result.model));
    print_out(options.output.string() + "\n" + graph_summary(result.model));
  }
  warn_unsupported(unsupported);
}

}  // namespace graftwork::cli

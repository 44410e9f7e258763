#include "graftwork/cli/graph/command_transform.h"

#include "graftwork/base/atomic_file.h"
#include "graftwork/cli/graph/planned.h"
#include "graftwork/cli/output/output.h"
#include "graftwork/cli/reports/report_json.h"
#include "graftwork/cli/reports/summary.h"
#include "graftwork/ir/text/print.h"
#include "graftwork/place/json_text.h"

namespace graftwork::core::cli {

void transform(const GraphModule& module, const std::vector<std::string>& unsupported,
               const TransformRequest& request) {
  const TransformationResult result = transform_by(plan_of(request.plan), module, patterns_of(request.backend));
  request.files.check_before_writing();
  if (!request.report.empty()) {
    Json report = transform_report(request.model, result.model, result.report);
    report["unsupported"] = unsupported;
    write_file(request.report, json_text(report));
  }
  if (request.output.empty()) {
    print_out(print(result.model));
  } else {
    write_file(request.output, print(result.model));
    print_out(line_of(request.output.string()) + graph_summary(result.model));
  }
  warn_unsupported(unsupported);
}

}  // namespace graftwork::core::cli

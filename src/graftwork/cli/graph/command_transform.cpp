#include "graftwork/cli/graph/command_transform.h"

#include "graftwork/cli/graph/planned.h"
#include "graftwork/cli/output/output.h"
#include "graftwork/cli/output/text_files.h"
#include "graftwork/cli/reports/report_json.h"
#include "graftwork/cli/reports/summary.h"
#include "graftwork/ir/text/print.h"
#include "graftwork/place/json_text.h"

namespace graftwork::core::cli {

void transform(const GraphModule& module, const std::vector<std::string>& unsupported,
               const TransformRequest& request) {
  const TransformationResult result = transform_by(plan_of(request.plan), module, patterns_of(request.backend));
  TextFiles files;
  if (!request.report.empty()) {
    Json report = transform_report(request.model, result.model, result.report);
    report["unsupported"] = unsupported;
    files.add(request.report, json_text(report));
  }
  if (!request.output.empty()) files.add(request.output, print(result.model));
  request.files.check_before_writing();
  files.commit();
  if (request.output.empty()) {
    print_out(print(result.model));
  } else {
    print_out(line_of(request.output.string()) + graph_summary(result.model));
  }
  warn_unsupported(unsupported);
}

}  // namespace graftwork::core::cli

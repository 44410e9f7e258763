// A quantized network as nodes and edges, for the report and its page.
#pragma once

#include <map>
#include <string>

#include "graftwork/cli/reports/report_json.h"
#include "graftwork/ir/graph_module.h"
#include "graftwork/place/stub_plan.h"

namespace graftwork::core::cli {

/// In what a node computes: "int8", "fp8", "int4" (weights in blocks, multiplied by floats), "fp16", "bf16", "fp32", or
/// "other" where its result is no float.
/// Inputs, kernels, modules, operators and results in their order, each
///     {"name", "kind", "op", "module", "scope", "source", "type", "precision",
///      "reads": [{"node", "input", "value", "stub"}], "layers": [{"path", "text"}]}
/// without what it has not. `quantized` has its stubs, which stand on the edges here, those that move over what only
/// moves data on all of them; constants are left out, and of the elements of tuples their names stand as "value".
/// `wide`: the nodes in FP32, with reasons; `float_type`: "fp16", "bf16" or "fp32", that of the others.
Json network_json(const GraphModule& quantized, const StubPlan& plan, const std::map<std::string, std::string>& wide,
                  const std::string& float_type);

}  // namespace graftwork::core::cli

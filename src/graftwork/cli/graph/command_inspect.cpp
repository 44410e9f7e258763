#include "graftwork/cli/graph/command_inspect.h"

#include <algorithm>

#include "graftwork/base/text.h"
#include "graftwork/cli/output/output.h"
#include "graftwork/cli/reports/network_facts.h"
#include "graftwork/cli/reports/report_json.h"
#include "graftwork/ir/text/print.h"
#include "graftwork/place/json_text.h"

namespace graftwork::core::cli {
namespace {

/// A name at the network's border, and the value there.
struct Port {
  std::string name;
  const Node* node = nullptr;
};

std::vector<Port> inputs_of(const GraphModule& module) {
  std::vector<Port> ports;
  for (const Node* node : module.graph().inputs()) ports.push_back({node->name().str(), node});
  return ports;
}

std::vector<Port> outputs_of(const GraphModule& module) {
  std::vector<Port> ports;
  const Node* output = module.graph().output();
  if (!output) return ports;
  for (size_t i = 0; i < output->input_count(); ++i) {
    ports.push_back({module.signature().outputs[i].str(), &output->input(i)});
  }
  return ports;
}

std::string port_lines(const std::string& title, const std::vector<Port>& ports) {
  size_t width = 0;
  for (const Port& port : ports) width = std::max(width, visible(port.name).size());
  std::string text = title + "\n";
  for (const Port& port : ports) {
    const std::string name = visible(port.name);
    text += cat("  ", name, std::string(width - name.size() + 2, ' '), port.node->type().text(), "\n");
  }
  return text;
}

std::string operator_lines(const Counts& counts) {
  std::string text = "operators\n";
  for (const auto& [name, count] : counts) {
    const std::string digits = std::to_string(count);
    text += cat("  ", std::string(digits.size() < 5 ? 5 - digits.size() : 0, ' '), digits, "  ", visible(name), "\n");
  }
  return text;
}

std::string inspect_text(const GraphModule& module, const InspectRequest& request) {
  const ParameterFacts parameters = parameter_facts(module);
  return cat(line_of(request.model.string()), "\n", port_lines("inputs", inputs_of(module)),
             port_lines("outputs", outputs_of(module)), operator_lines(operator_counts(module)), "parameters\n  ",
             counted(parameters.tensors, "tensor"), ", ", human_bytes(parameters.bytes), "\n\n",
             print(module, ShowTypes::kAlways));
}

Json type_json(const Type& type) {
  const TensorType* tensor = type.tensor();
  if (!tensor) return type.text();
  Json shape = Json::array();
  for (const Dim& dim : tensor->dims) {
    if (dim.is_static()) {
      shape.push_back(dim.value());
    } else {
      shape.push_back(dim.text());
    }
  }
  return {{"dtype", dtype_name(tensor->dtype)}, {"shape", std::move(shape)}};
}

Json ports_json(const std::vector<Port>& ports) {
  Json json = Json::array();
  for (const Port& port : ports) json.push_back({{"name", port.name}, {"type", type_json(port.node->type())}});
  return json;
}

std::string inspect_json(const GraphModule& module, const std::vector<std::string>& unsupported,
                         const InspectRequest& request) {
  const ParameterFacts facts = parameter_facts(module);
  Json parameters = Json::object();
  for (const auto& [name, type] : module.parameters()) parameters[name] = type_json(type);
  Json json;
  json["version"] = GRAFTWORK_VERSION;
  json["model"] = request.model.filename().string();
  json["inputs"] = ports_json(inputs_of(module));
  json["outputs"] = ports_json(outputs_of(module));
  json["operators"] = operator_counts(module);
  json["parameter_bytes"] = facts.bytes;
  json["parameters"] = std::move(parameters);
  json["unsupported"] = unsupported;
  json["graph"] = print(module);
  return json_text(json);
}

}  // namespace

void inspect(const GraphModule& module, const std::vector<std::string>& unsupported, const InspectRequest& request) {
  const std::string text = request.json ? inspect_json(module, unsupported, request) : inspect_text(module, request);
  request.files.check_before_writing();
  print_out(text);
  warn_unsupported(unsupported);
}

}  // namespace graftwork::core::cli

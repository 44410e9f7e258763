#include "graftwork/onnx/prune.h"

#include <algorithm>
#include <string_view>
#include <unordered_set>

namespace graftwork::core::onnx {

void prune(Graph& graph) {
  std::unordered_set<std::string_view> needed;
  for (const ValueInfo& output : graph.outputs) needed.insert(output.name);
  std::vector<bool> keep(graph.nodes.size(), false);
  for (size_t i = graph.nodes.size(); i-- > 0;) {
    const Node& node = graph.nodes[i];
    const auto is_needed = [&](const std::string& output) { return !output.empty() && needed.contains(output); };
    keep[i] = std::any_of(node.outputs.begin(), node.outputs.end(), is_needed);
    if (keep[i]) needed.insert(node.inputs.begin(), node.inputs.end());
  }
  std::erase_if(graph.initializers, [&](const Tensor& tensor) { return !needed.contains(tensor.name); });
  std::erase_if(graph.value_infos, [&](const ValueInfo& value) { return !needed.contains(value.name); });
  size_t kept = 0;
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    if (!keep[i]) continue;
    if (kept != i) graph.nodes[kept] = std::move(graph.nodes[i]);
    ++kept;
  }
  graph.nodes.resize(kept);
}

}  // namespace graftwork::core::onnx

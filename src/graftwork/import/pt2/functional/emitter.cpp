#include "graftwork/import/pt2/functional/emitter.h"

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/import/pt2/argument_names.h"
#include "graftwork/import/pt2/functional/view.h"
#include "graftwork/import/pt2/types.h"

namespace graftwork::pt2 {

NamedArgument positional(std::string name, Argument value) {
  return {.name = std::move(name), .arg = std::move(value), .kind = ArgumentKind::kPositional};
}

Argument tensor(const std::string& name) { return {TensorName{name}}; }

Emitter::Emitter(Graph& graph) : graph_(graph), most_nodes_(10'000 + 4 * graph.nodes.size()) {
  const auto take = [&](const std::string& name) { names_.take(name); };
  for (const Argument& input : graph.inputs) each_name(input, take);
  for (const Node& node : graph.nodes) {
    for (const Argument& output : node.outputs) each_name(output, take);
  }
}

void Emitter::append(Node node) {
  if (graph_.nodes.size() >= most_nodes_) {
    throw Error("pt2.in_place",
                cat("making the in-place writes functional takes more than ", most_nodes_, " operators"),
                "writing the out-of-place form in the model");
  }
  graph_.nodes.push_back(std::move(node));
}

std::string Emitter::call(std::string_view op, std::vector<NamedArgument> inputs, const TensorMeta* meta,
                          const Node& origin, const std::string& wanted) {
  const std::string name = unique(wanted);
  graph_.tensor_values.erase(name);  // of a name that was released
  if (meta != nullptr) graph_.tensor_values.emplace(name, *meta);
  append({.target = cat("torch.ops.", op),
          .inputs = std::move(inputs),
          .outputs = {tensor(name)},
          .metadata = origin.metadata,
          .name = name,
          .is_hop_single_tensor_return = {}});
  return name;
}

Argument Emitter::sizes(const TensorMeta& meta, const std::string& like, bool infer, const Node& origin) {
  std::vector<int64_t> numbers;
  size_t symbolic = 0;
  for (const SymInt& size : meta.sizes) {
    const auto number = dim_of(size).maybe_value();
    symbolic += number ? 0 : 1;
    numbers.push_back(number.value_or(-1));
  }
  if (symbolic == 0 || (symbolic == 1 && infer)) return {numbers};
  std::vector<SymIntArgument> mixed;
  for (size_t i = 0; i < numbers.size(); ++i) {
    if (numbers[i] >= 0) {
      mixed.emplace_back(numbers[i]);
      continue;
    }
    const std::string name = unique(cat(like, "_size_", i));
    graph_.sym_int_values.insert_or_assign(name, meta.sizes[i]);
    append({.target = "torch.ops.aten.sym_size.int",
            .inputs = {positional("self", tensor(like)), positional("dim", {static_cast<int64_t>(i)})},
            .outputs = {{SymIntArgument(SymbolName{name})}},
            .metadata = origin.metadata,
            .name = name,
            .is_hop_single_tensor_return = {}});
    mixed.emplace_back(SymbolName{name});
  }
  return {mixed};
}

}  // namespace graftwork::pt2

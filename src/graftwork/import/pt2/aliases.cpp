#include "graftwork/import/pt2/aliases.h"

#include <algorithm>
#include <functional>

#include "graftwork/base/text.h"
#include "graftwork/import/pt2/origin.h"
#include "graftwork/nn/operator_call.h"

namespace graftwork::pt2 {
namespace {

/// Calls `visit` with the name of every tensor that the argument names.
template <class Visit>
void each_tensor(const Argument& argument, const Visit& visit) {
  if (const auto* one = argument.get_if<TensorName>()) visit(one->name);
  if (const auto* many = argument.get_if<std::vector<TensorName>>()) {
    for (const TensorName& tensor : *many) visit(tensor.name);
  }
  if (const auto* many = argument.get_if<std::vector<OptionalTensorName>>()) {
    for (const OptionalTensorName& tensor : *many) {
      if (tensor.name) visit(*tensor.name);
    }
  }
}

const c10::AliasInfo* alias_of(const c10::FunctionSchema& schema, const std::string& argument) {
  const auto index = schema.argumentIndexWithName(argument);
  return index ? schema.arguments()[static_cast<size_t>(*index)].alias_info() : nullptr;
}

}  // namespace

Symbol operator_name(std::string_view target) {
  if (target.starts_with("torch.ops.")) return target.substr(10);
  for (const std::string_view prefix : {"_operator.", "torch.sym_", "math."}) {
    if (target.starts_with(prefix)) return cat("sym.", target.substr(prefix.size()));
  }
  return target;
}

bool writes_in_place(Symbol op) {
  const auto handle = find_operator(op);
  return handle && handle->schema().is_mutable();
}

std::optional<Symbol> functional_form(Symbol op) {
  const std::string& text = op.str();
  const size_t dot = text.rfind('.');
  if (dot == std::string::npos || dot == 0 || text[dot - 1] != '_') return std::nullopt;
  const Symbol name = text.substr(0, dot - 1) + text.substr(dot);
  const auto in_place = find_operator(op);
  const auto functional = find_operator(name);
  if (!in_place || !functional || functional->schema().is_mutable()) return std::nullopt;
  for (const c10::Argument& argument : in_place->schema().arguments()) {
    if (!functional->schema().argumentIndexWithName(argument.name())) return std::nullopt;
  }
  return name;
}

std::vector<std::string> writes_through_views(const Graph& graph) {
  std::unordered_map<std::string, size_t> memory;     // value → the memory that it shares
  std::unordered_map<std::string, size_t> last_read;  // value → last node that reads it
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    for (const NamedArgument& input : graph.nodes[i].inputs)
      each_tensor(input.arg, [&](const std::string& name) { last_read[name] = i; });
  }
  for (const Argument& output : graph.outputs)
    each_tensor(output, [&](const std::string& name) { last_read[name] = graph.nodes.size(); });

  std::vector<std::string> found;
  size_t next_memory = 0;
  const auto memory_of = [&](const std::string& name) -> size_t {
    const auto [at, fresh] = memory.emplace(name, next_memory);
    if (fresh) ++next_memory;
    return at->second;
  };
  std::unordered_map<size_t, std::vector<std::string>> sharing;
  const auto share = [&](const std::string& name, size_t place) {
    memory[name] = place;
    sharing[place].push_back(name);
  };
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const Node& node = graph.nodes[i];
    const auto handle = find_operator(operator_name(node.target));
    std::optional<size_t> aliased;
    for (const NamedArgument& input : node.inputs) {
      each_tensor(input.arg, [&](const std::string& name) {
        if (!memory.contains(name)) share(name, memory_of(name));
        const c10::AliasInfo* alias = handle ? alias_of(handle->schema(), input.name) : nullptr;
        if (!alias) return;
        aliased = memory_of(name);
        if (!alias->isWrite()) return;
        // Who is not read from here on never will be, and is dropped; the first who is, is reported.
        std::vector<std::string>& names = sharing[*aliased];
        const auto is_read_later = [&](const std::string& at) {
          const auto read = last_read.find(at);
          return read != last_read.end() && read->second > i;
        };
        const auto is_harmed = [&](const std::string& at) { return at != name && is_read_later(at); };
        auto other = std::find_if(names.begin(), names.end(), is_harmed);
        const auto dead = std::remove_if(names.begin(), other, std::not_fn(is_read_later));
        other = names.erase(dead, other);
        if (other == names.end()) return;
        const std::string place = node.name.value_or(node.target);
        const Origin origin = origin_of(node, place);
        found.push_back(cat("%", place, " = ", operator_name(node.target).str(), " writes into %", name,
                            ", which shares memory with %", *other, " that is read later",
                            origin.source.empty() ? "" : " (" + origin.source.str() + ")"));
      });
    }
    // An in-place result is the written value itself under a new name: later reads of either are renamed.
    const bool in_place = handle && handle->schema().is_mutable();
    for (const Argument& output : node.outputs) {
      each_tensor(output, [&](const std::string& name) {
        if (aliased && !in_place) share(name, *aliased);
        if (aliased && in_place) memory[name] = *aliased;
      });
    }
  }
  return found;
}

}  // namespace graftwork::pt2

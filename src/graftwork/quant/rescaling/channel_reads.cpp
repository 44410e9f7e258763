#include "graftwork/quant/rescaling/channel_reads.h"

#include <algorithm>

#include "graftwork/ir/kind.h"
#include "graftwork/quant/rescaling/channel_walk.h"

namespace graftwork::core {
namespace {

/// The axis of the channels that a module makes; nothing where it is no source.
std::optional<size_t> channel_axis(const ModuleRecord& record, const TensorType& result) {
  const std::string& kind = record.kind.str();
  if (kind == "nn.LayerNorm" || kind == "nn.RMSNorm") {
    const auto& shape = *attribute_of(record, "normalized_shape")->get<std::vector<int64_t>>();
    if (shape.size() != 1) return std::nullopt;
    return result.rank() - 1;
  }
  if (kind == "nn.Linear") return result.rank() - 1;
  if (kind.starts_with("nn.Conv") || kind.starts_with("nn.BatchNorm")) return size_t{1};
  return std::nullopt;
}

bool feeds_batch_norm(const Node& node, const ModuleTable& modules) {
  const Use* use = node.uses();
  if (!use || use->next() || use->user()->kind() != NodeKind::kCallModule) return false;
  return modules[use->user()->module()].kind.str().starts_with("nn.BatchNorm");
}

std::optional<ChannelLayout> layout_of(const Node& made, const ModuleTable& modules) {
  if (made.kind() != NodeKind::kCallModule || !made.tensor()) return std::nullopt;
  const std::optional<size_t> axis = channel_axis(modules[made.module()], *made.tensor());
  const std::vector<Dim>& dims = made.tensor()->dims;
  if (!axis || *axis >= dims.size() || !dims[*axis].is_static() || feeds_batch_norm(made, modules)) return std::nullopt;
  return ChannelLayout(dims, *axis);
}

/// What leaves the kernel as its result of that number: nothing where nobody reads it.
const Node* result_of(const Node& call, int64_t number) {
  if (call.tensor()) return &call;
  for (const Use* use = call.uses(); use; use = use->next()) {
    if (use->user()->kind() == NodeKind::kGetItem && use->user()->item_index() == number) return use->user();
  }
  return nullptr;
}

bool share_channels(const ChannelLayout& a, const ChannelLayout& b) {
  const std::vector<int64_t> left = a.channels(), right = b.channels();
  std::vector<int64_t> both;
  std::ranges::set_intersection(left, right, std::back_inserter(both));
  return !both.empty();
}

/// Those of the parts of a kernel.
void add_sources(const GraphModule& module, const Node& call, std::vector<ChannelSource>& sources) {
  const ChannelWalk kernel(module, call);
  for (const Node& part : kernel.body().nodes()) {
    const std::optional<ChannelLayout> layout = layout_of(part, module.modules());
    if (!layout) continue;
    ChannelWalk walk(module, call);
    const Node* twin = nullptr;
    for (const Node& node : walk.body().nodes()) {
      if (node.id() == part.id()) twin = &node;
    }
    walk.run(*twin, *layout);
    const auto& results = walk.results();
    const auto count = static_cast<int64_t>(layout->channels().size());
    std::string refusal = walk.reads().refusal;
    if (refusal.empty() && !walk.reads().readers.empty()) refusal = "a layer inside the kernel reads it";
    if (!refusal.empty()) {
      sources.push_back({&call, part.module(), count, nullptr, *layout, std::move(refusal)});
      continue;
    }
    for (const auto& [number, found] : results) {
      const bool is_alone = std::none_of(results.begin(), results.end(), [&, mine = number](const auto& other) {
        return other.first != mine && share_channels(other.second, results.at(mine));
      });
      const Node* value = result_of(call, number);
      if (is_alone && value) sources.push_back({&call, part.module(), count, value, found, {}});
    }
  }
}

}  // namespace

ChannelReads channel_reads(const GraphModule& module, const Node& value, const ChannelLayout& layout) {
  ChannelWalk walk(module);
  walk.run(value, layout);
  return walk.reads();
}

ChannelReads channel_reads(const GraphModule& module, const std::vector<const Use*>& uses,
                           const ChannelLayout& layout) {
  ChannelWalk walk(module);
  walk.run(uses, layout);
  return walk.reads();
}

std::vector<ChannelSource> channel_sources(const GraphModule& module) {
  std::vector<ChannelSource> sources;
  for (const Node& node : module.graph().nodes()) {
    if (node.kind() != NodeKind::kCallModule) continue;
    if (module.record(node).body) {
      add_sources(module, node, sources);
    } else if (const std::optional<ChannelLayout> layout = layout_of(node, module.modules())) {
      sources.push_back({&node, node.module(), static_cast<int64_t>(layout->channels().size()), &node, *layout, {}});
    }
  }
  return sources;
}

ModuleUses::ModuleUses(const GraphModule& module) : counts_(module.modules().size(), 0) {
  std::vector<ModuleId> open;
  const auto count = [&](ModuleId id) {
    if (counts_[id.index]++ == 0) open.push_back(id);
  };
  for (const Node& node : module.graph().nodes()) {
    if (node.kind() == NodeKind::kCallModule) count(node.module());
  }
  while (!open.empty()) {
    const ModuleRecord& record = module.modules()[open.back()];
    open.pop_back();
    for (const auto& [role, part] : record.children) count(part);
  }
}

}  // namespace graftwork::core

// %y = aten.mean.dim(%x) {dim=[2, 3], keepdim=true}   =>   %y = nn.AdaptiveAvgPool2d @path(%x) {output_size=[1, 1]}
//
// Global average pooling as core ATen and many models spell it; without keepdim an nn.Flatten follows.
#include <algorithm>
#include <numeric>

#include "graftwork/base/text.h"
#include "graftwork/patterns/recompositions/patterns.h"
#include "graftwork/patterns/recompositions/raise.h"

namespace graftwork::core {
namespace {

struct RaiseMeanPattern final : Pattern {
  Pat x = any();
  Pat mean = op("aten.mean.dim")(x);

  std::string_view name() const override { return "RaiseMeanPattern"; }
  std::vector<Pat> roots() const override { return {mean}; }

  Outcome graft(const Match& match, Graft& graft) const override {
    Node& node = match[mean];
    const TensorType* in = match[x].tensor();
    if (!in || (in->rank() != 4 && in->rank() != 5)) return declined("its input is neither 4-D nor 5-D");
    const auto rank = static_cast<int64_t>(in->rank());
    const Attribute* attr = node.attrs().find("dim");
    const auto* listed = attr ? attr->get<std::vector<int64_t>>() : nullptr;
    if (!listed) return declined("it does not average over the spatial dimensions alone");
    std::vector<int64_t> dims = *listed;
    for (int64_t& dim : dims) dim = dim < 0 ? dim + rank : dim;
    std::sort(dims.begin(), dims.end());
    const Attribute* dtype = node.attrs().find("dtype");
    const auto spatial = static_cast<size_t>(rank - 2);
    std::vector<int64_t> all(spatial);
    std::iota(all.begin(), all.end(), 2);
    if (dims != all || (dtype && !dtype->is_none())) {
      return declined("it does not average over the spatial dimensions alone");
    }
    ModuleRecord record = module_at(node, cat("nn.AdaptiveAvgPool", spatial, "d"));
    record.attrs.set("output_size", Attribute(std::vector<int64_t>(spatial, 1)));
    if (flag_of(node, "keepdim", false)) return raise_to(graft, node, std::move(record), {&match[x]});
    ModuleRecord flatten = module_at(node, "nn.Flatten");
    flatten.path = flatten.path.str() + ".flatten";
    record.path = record.path.str() + ".pool";
    Node& pooled = graft.call_module(graft.share_record(std::move(record)), {&match[x]});
    return raise_to(graft, node, std::move(flatten), {&pooled});
  }
};

}  // namespace

std::shared_ptr<const Pattern> make_raise_mean_pattern() { return std::make_shared<RaiseMeanPattern>(); }

}  // namespace graftwork::core

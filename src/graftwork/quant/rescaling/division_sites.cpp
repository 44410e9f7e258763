#include "graftwork/quant/rescaling/division_sites.h"

#include <algorithm>
#include <map>

#include "graftwork/place/node_index.h"
#include "graftwork/quant/rescaling/channel_factors.h"

namespace graftwork::core {
namespace {

class SiteSearch {
 public:
  SiteSearch(const GraphModule& module, const StubPlan& plan)
      : module_(module), plan_(plan), nodes_(module), uses_(module) {
    for (ChannelSource& source : channel_sources(module)) {
      if (source.value) sources_.emplace(source.value, std::move(source));
    }
    for (const PlannedStub& stub : plan.stubs) ++stubs_[stub.tensor];
  }

  std::optional<DivisionSite> site_of(size_t index) const {
    const PlannedStub& stub = plan_.stubs[index];
    const bool is_alone = stubs_.at(stub.tensor) == 1;  // readers of two precisions have a stub each
    if (!is_alone || stub.given || !stub.value.empty() || !stub.scale_group.empty()) return std::nullopt;
    DivisionSite site{index, nodes_.by_name.at(stub.tensor), 0, {}, {}, {}};
    if (into_source(site) || into_operator(site)) return site;
    return std::nullopt;
  }

 private:
  /// Whether what makes the channels can divide them.
  bool into_source(DivisionSite& site) const {
    const auto found = sources_.find(site.tensor);
    if (found == sources_.end()) return false;
    const ChannelSource& source = found->second;
    if (static_cast<int64_t>(source.layout.channels().size()) != source.channels) return false;
    if (!takes_factors(module_, uses_, source.module, source.call->module())) return false;
    ChannelReads reads = channel_reads(module_, *site.tensor, source.layout);
    const auto is_direct = [&](const ChannelReader& reader) { return fits(reader, *site.tensor); };
    if (!reads.refusal.empty() || reads.readers.empty() || !std::ranges::all_of(reads.readers, is_direct)) return false;
    site.readers = std::move(reads.readers);
    site.channels = source.channels;
    site.source = source.module;
    return true;
  }

  /// Whether an operator between tensor and stub can: layers alone read the stub, not through data movement.
  bool into_operator(DivisionSite& site) const {
    const std::vector<Dim>& dims = site.tensor->tensor()->dims;
    if (dims.empty() || !dims.back().is_static()) return false;
    std::vector<const Use*> uses;
    for (const StubReader& reader : plan_.stubs[site.stub].readers) {
      for (const Node* caller : nodes_.callers.at(reader.module)) {
        const Use& use = caller->inputs()[static_cast<size_t>(reader.input)];
        if (use.producer() != site.tensor) return false;
        uses.push_back(&use);
      }
    }
    ChannelReads reads = channel_reads(module_, uses, ChannelLayout(dims, dims.size() - 1));
    const auto is_direct = [&](const ChannelReader& reader) { return fits(reader, *site.tensor); };
    if (!reads.refusal.empty() || reads.readers.empty() || !std::ranges::all_of(reads.readers, is_direct)) return false;
    site.channels = dims.back().value();
    site.uses = std::move(uses);
    site.readers = std::move(reads.readers);
    return is_in_front_of_linear(module_, site);
  }

  /// Transposed convolutions stay in floating point, and have their input channels elsewhere.
  bool fits(const ChannelReader& reader, const Node& tensor) const {
    const bool is_transposed = module_.modules()[reader.layer].kind.str().starts_with("nn.ConvTranspose");
    return !is_transposed && reader.input == tensor.name() &&
           takes_factors(module_, uses_, reader.layer, module_.modules().find(reader.kernel));
  }

  const GraphModule& module_;
  const StubPlan& plan_;
  NodeIndex nodes_;
  ModuleUses uses_;
  std::map<const Node*, ChannelSource> sources_;  // by what leaves the kernel
  std::map<Symbol, int> stubs_;                   // of each tensor
};

}  // namespace

std::vector<DivisionSite> division_sites(const GraphModule& module, const StubPlan& plan) {
  const SiteSearch search(module, plan);
  std::vector<DivisionSite> sites;
  for (size_t i = 0; i < plan.stubs.size(); ++i) {
    if (std::optional<DivisionSite> site = search.site_of(i)) sites.push_back(std::move(*site));
  }
  return sites;
}

bool is_in_front_of_linear(const GraphModule& module, const DivisionSite& site) {
  return std::ranges::all_of(site.readers, [&](const ChannelReader& reader) {
    return module.modules()[reader.layer].kind == Symbol("nn.Linear");
  });
}

}  // namespace graftwork::core

#include "graftwork/quant/rescaling/outlier_channels.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/ir/text/print.h"
#include "graftwork/place/node_index.h"
#include "graftwork/quant/rescaling/channel_factors.h"
#include "graftwork/quant/rescaling/limiting_factors.h"
#include "graftwork/quant/rescaling/product_error.h"
#include "graftwork/quant/rescaling/sampled_rows.h"
#include "graftwork/quant/rescaling/smoothing_search.h"
#include "graftwork/quant/sample_workers.h"

namespace graftwork {
namespace {

constexpr int64_t kMicroBatches = 4;
constexpr double kLeastGain = 2;  // error in front over error behind

struct Site {
  size_t stub = 0;  // of the plan
  Node* tensor = nullptr;
  std::vector<const Use*> uses;  // by what reads the stub
  std::vector<ChannelReader> readers;
  std::optional<ModuleId> source;  // takes the factors in
  LimitedChannels found;
  double gain = 1;
};

class OutlierDivision {
 public:
  OutlierDivision(Network& network, StubPlan& plan, const QuantConfig& config)
      : network_(network), plan_(plan), config_(config), uses_(network.module) {
    const NodeIndex nodes(network.module);
    for (ChannelSource& source : channel_sources(network.module)) {
      if (source.value) sources_.emplace(source.value, std::move(source));
    }
    std::map<Symbol, int> stubs;  // readers of two precisions have a stub each
    for (const PlannedStub& stub : plan.stubs) ++stubs[stub.tensor];
    for (size_t i = 0; i < plan.stubs.size(); ++i) {
      if (stubs.at(plan.stubs[i].tensor) > 1) continue;
      if (std::optional<Site> site = site_of(i, nodes)) sites_.push_back(std::move(*site));
    }
  }

  std::vector<DividedTensor> run(const SampleSource& samples, const CalibrationOptions& options) {
    if (sites_.empty()) return {};
    std::map<Symbol, int64_t> axes;
    for (const Site& site : sites_) axes.emplace(site.tensor->name(), axis_of(site));
    const std::map<Symbol, at::Tensor> rows = sampled_rows(network_, axes, samples, kMicroBatches, options);
    SampleWorkers(options.threads, static_cast<int64_t>(sites_.size())).run([&](int64_t i, int64_t) {
      const at::NoGradGuard no_grad;
      Site& site = sites_[static_cast<size_t>(i)];
      if (const auto seen = rows.find(site.tensor->name()); seen != rows.end()) search(site, seen->second);
    });
    std::vector<DividedTensor> divided;
    Graft graft(network_.module);
    for (Site& site : sites_) {
      if (site.gain >= kLeastGain) divided.push_back(divide(graft, site));
    }
    if (divided.empty()) return divided;
    graft.apply();
    for (size_t i = 0; i < made_.size(); ++i) plan_.stubs[made_[i].first].tensor = made_[i].second->name();
    plan_.graph = fingerprint(network_.module);
    return divided;
  }

 private:
  int64_t axis_of(const Site& site) const { return input_axis(network_.module.modules()[site.readers.front().layer]); }

  /// Nothing where something else than layers reads the stub, or through data movement.
  std::optional<Site> site_of(size_t index, const NodeIndex& nodes) const {
    const PlannedStub& stub = plan_.stubs[index];
    if (stub.given || !stub.value.empty() || !stub.scale_group.empty()) return std::nullopt;
    Site site{index, nodes.by_name.at(stub.tensor), {}, {}, {}, {}, 1};
    if (into_source(site)) return site;
    for (const StubReader& reader : stub.readers) {
      for (const Node* caller : nodes.callers.at(reader.module)) {
        const Use& use = caller->inputs()[static_cast<size_t>(reader.input)];
        if (use.producer() != site.tensor) return std::nullopt;
        site.uses.push_back(&use);
      }
    }
    if (!into_operator(site)) return std::nullopt;
    return site;
  }

  /// Whether what makes the channels can divide them.
  bool into_source(Site& site) const {
    const auto found = sources_.find(site.tensor);
    if (found == sources_.end()) return false;
    const ChannelSource& source = found->second;
    if (static_cast<int64_t>(source.layout.channels().size()) != source.channels) return false;
    if (!takes_factors(network_.module, uses_, source.module, source.call->module())) return false;
    ChannelReads reads = channel_reads(network_.module, *site.tensor, source.layout);
    const auto is_direct = [&](const ChannelReader& reader) { return fits(reader, *site.tensor); };
    if (!reads.refusal.empty() || reads.readers.empty() || !std::ranges::all_of(reads.readers, is_direct)) return false;
    site.readers = std::move(reads.readers);
    site.source = source.module;
    return true;
  }

  bool into_operator(Site& site) const {
    const std::vector<Dim>& dims = site.tensor->tensor()->dims;
    if (dims.empty() || !dims.back().is_static()) return false;
    ChannelReads reads = channel_reads(network_.module, site.uses, ChannelLayout(dims, dims.size() - 1));
    const auto is_direct_and_linear = [&](const ChannelReader& reader) {
      return fits(reader, *site.tensor) && network_.module.modules()[reader.layer].kind == Symbol("nn.Linear");
    };
    if (!reads.refusal.empty() || !std::ranges::all_of(reads.readers, is_direct_and_linear)) return false;
    site.readers = std::move(reads.readers);
    return true;
  }

  bool fits(const ChannelReader& reader, const Node& tensor) const {
    return reader.input == tensor.name() &&
           takes_factors(network_.module, uses_, reader.layer, network_.module.modules().find(reader.kernel));
  }

  double error_of(const Site& site, const at::Tensor& rows, const at::Tensor& factors) const {
    double error = 0;
    for (const ChannelReader& reader : site.readers) {
      const LayerProducts products = layer_products(network_.module.modules()[reader.layer], network_.tensors, rows);
      error += product_error(products, factors.defined() ? by_input(factors, reader.channels) : factors, config_);
    }
    return error;
  }

  void search(Site& site, const at::Tensor& rows) const {
    const double before = error_of(site, rows, {});
    double last = before;
    int worse = 0;
    for (LimitedChannels& limited : limited_channels(rows.abs().amax(0))) {
      const double error = error_of(site, rows, limited.factors.to(at::kFloat));
      worse = error > last ? worse + 1 : 0;
      last = error;
      if (before / error > site.gain) {
        site.gain = before / error;
        site.found = std::move(limited);
      }
      if (worse == 2) break;  // from here on the weights lose more than the activation wins
    }
  }

  DividedTensor divide(Graft& graft, const Site& site) {
    const ModuleTable& modules = network_.module.modules();
    DividedTensor divided{site.tensor->name(),       {}, {}, site.found.limit, site.found.factors.max().item<double>(),
                          10 * std::log10(site.gain)};
    if (site.source) {
      divide_channels(graft, *site.source, site.found.factors, network_.tensors);
      divided.source = modules[*site.source].path;
    } else {
      insert_scale(graft, site);
    }
    for (const ChannelReader& reader : site.readers) {
      multiply_inputs(graft, reader, site.found.factors, network_.tensors);
      divided.readers.push_back(modules[reader.layer].path);
    }
    return divided;
  }

  void insert_scale(Graft& graft, const Site& site) {
    ModuleRecord record;
    record.kind = "ChannelScale";
    record.path = cat(site.tensor->name().str(), ".channel_scale");
    record.attrs.set("channels", site.found.factors.numel());
    record.attrs.set("axis", static_cast<int64_t>(site.tensor->tensor()->rank()) - 1);
    const Symbol leaf = record.path.str() + ".weight";
    network_.tensors.set(leaf, site.found.factors.reciprocal().to(at::kFloat));
    record.set_param("weight", network_.tensors.leaf(leaf));
    Node& scaled = graft.call_module(graft.add_record(std::move(record)), {site.tensor});
    for (const Use* use : site.uses) {
      const Outcome rewired = graft.rewire(*use->user(), use->slot(), scaled);
      GRAFTWORK_ASSERT(rewired);
    }
    made_.emplace_back(site.stub, &scaled);
  }

  Network& network_;
  StubPlan& plan_;
  const QuantConfig& config_;
  ModuleUses uses_;
  std::map<const Node*, ChannelSource> sources_;  // by what leaves the kernel
  std::vector<Site> sites_;
  std::vector<std::pair<size_t, const Node*>> made_;  // stubs and what they quantize now
};

}  // namespace

std::vector<DividedTensor> divide_outlier_channels(Network& network, StubPlan& plan, const SampleSource& samples,
                                                   const QuantConfig& config, const CalibrationOptions& options) {
  const at::NoGradGuard no_grad;
  return OutlierDivision(network, plan, config).run(samples, options);
}

}  // namespace graftwork

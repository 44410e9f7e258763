#include "graftwork/quant/rescaling/outlier_channels.h"

#include <cmath>
#include <set>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/ir/text/print.h"
#include "graftwork/quant/rescaling/channel_factors.h"
#include "graftwork/quant/rescaling/division_search.h"

namespace graftwork::core {
namespace {

/// Divides at sites of a network, all in one step.
class Divider {
 public:
  Divider(Network& network, StubPlan& plan) : network_(network), plan_(plan), graft_(network.module) {}

  void divide(const DivisionSite& site, DividedTensor divided) {
    divided.tensor = site.tensor->name();
    if (site.source) {
      divide_channels(graft_, *site.source, divided.factors, network_.tensors);
      divided.source = network_.module.modules()[*site.source].path;
    } else {
      insert_scale(site, divided.factors);
    }
    for (const ChannelReader& reader : site.readers) {
      multiply_inputs(graft_, reader, divided.factors, network_.tensors);
      divided.readers.push_back(network_.module.modules()[reader.layer].path);
    }
    divided_.push_back(std::move(divided));
  }

  std::vector<DividedTensor> finish() {
    if (divided_.empty()) return divided_;
    graft_.apply();
    for (const auto& [stub, scaled] : made_) plan_.stubs[stub].tensor = scaled->name();
    plan_.graph = fingerprint(network_.module);
    return std::move(divided_);
  }

 private:
  void insert_scale(const DivisionSite& site, const at::Tensor& factors) {
    ModuleRecord record;
    record.kind = "ChannelScale";
    record.path = fresh_name(cat(site.tensor->name().str(), ".channel_scale"), [&](const std::string& name) {
      return network_.module.modules().find(name) || network_.tensors.contains(name + ".weight");
    });
    record.attrs.set("channels", factors.numel());
    record.attrs.set("axis", static_cast<int64_t>(site.tensor->tensor()->rank()) - 1);
    const Symbol leaf = record.path.str() + ".weight";
    network_.tensors.set(leaf, factors.reciprocal().to(at::kFloat));
    record.set_param("weight", network_.tensors.leaf(leaf));
    Node& scaled = graft_.call_module(graft_.add_record(std::move(record)), {site.tensor});
    for (const Use* use : site.uses) {
      const Outcome rewired = graft_.rewire(*use->user(), use->slot(), scaled);
      GRAFTWORK_ASSERT(rewired);
    }
    made_.emplace_back(site.stub, &scaled);
  }

  Network& network_;
  StubPlan& plan_;
  Graft graft_;
  std::vector<std::pair<size_t, const Node*>> made_;  // stubs and what they quantize now
  std::vector<DividedTensor> divided_;
};

}  // namespace

std::vector<DividedTensor> divide_outlier_channels(Network& network, StubPlan& plan, const SampleSource& samples,
                                                   const QuantConfig& config, const CalibrationOptions& options) {
  const at::NoGradGuard no_grad;
  std::vector<DivisionSite> sites = division_sites(network.module, plan);
  const bool linear_alone = config.activation.outlier_channels == OutlierChannels::kDivideLinear;
  const Batching batching = batching_of(network.module);
  std::erase_if(sites, [&](const DivisionSite& site) {
    return (linear_alone && !is_in_front_of_linear(network.module, site)) || !may_tell(network.module, site, batching);
  });
  if (sites.empty()) return {};
  const std::vector<Division> found = search_divisions(network, plan, sites, samples, config, options);
  Divider divider(network, plan);
  for (size_t i = 0; i < sites.size(); ++i) {
    const auto& [limited, gain] = found[i];
    if (gain >= kLeastDivisionGain)
      divider.divide(sites[i],
                     {.factors = limited.factors, .limit = limited.limit, .gained_db = 10 * std::log10(gain)});
  }
  return divider.finish();
}

ChannelFactors sparse(const at::Tensor& factors) {
  const at::Tensor dense = factors.contiguous();
  const double* values = dense.const_data_ptr<double>();
  ChannelFactors found{dense.numel(), {}};
  for (int64_t i = 0; i < dense.numel(); ++i) {
    if (values[i] != 1) found.by.emplace(i, values[i]);
  }
  return found;
}

std::vector<DividedTensor> divide_channels_by(Network& network, StubPlan& plan,
                                              const std::map<Symbol, ChannelFactors>& factors) {
  const at::NoGradGuard no_grad;
  if (factors.empty()) return {};
  Divider divider(network, plan);
  std::set<Symbol> unknown;
  for (const auto& [tensor, values] : factors) unknown.insert(tensor);
  for (const DivisionSite& site : division_sites(network.module, plan)) {
    const Symbol tensor = site.tensor->name();
    if (unknown.erase(tensor) == 0) continue;
    const ChannelFactors& given = factors.at(tensor);
    if (given.channels != site.channels)
      throw Error("scales.value", cat("%", tensor.str(), " has ", site.channels, " channels, not ", given.channels),
                  "the network that the scale table was made of");
    at::Tensor dense = at::ones({site.channels}, at::kDouble);
    for (const auto& [channel, factor] : given.by) dense[channel] = factor;
    divider.divide(site, {.factors = dense});
  }
  if (!unknown.empty())
    throw Error("scales.unknown", cat("the channels of %", unknown.begin()->str(), " cannot be divided here"),
                "the recipe or plan that the scale table was made with");
  return divider.finish();
}

}  // namespace graftwork::core

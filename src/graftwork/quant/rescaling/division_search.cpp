#include "graftwork/quant/rescaling/division_search.h"

#include <algorithm>
#include <map>

#include "graftwork/quant/rescaling/channel_factors.h"
#include "graftwork/quant/rescaling/product_error.h"
#include "graftwork/quant/rescaling/sampled_rows.h"
#include "graftwork/quant/rescaling/smoothing_search.h"
#include "graftwork/quant/sample_workers.h"

namespace graftwork::core {
namespace {

constexpr int64_t kLeastRows = 64;
constexpr double kLargestGain = 1e12;  // of what is exact behind

/// One of the layers behind a site.
struct Part {
  LayerProducts products;
  OperandRounding rounding;  // as the plan has it
  std::vector<int64_t> channels;
};

double error_of(const std::vector<Part>& parts, const at::Tensor& factors) {
  double error = 0;
  for (const Part& part : parts)
    error +=
        product_error(part.products, factors.defined() ? by_input(factors, part.channels) : factors, part.rounding);
  return error;
}

/// Σ w² of the weights that meet each channel.
at::Tensor energy_of(const std::vector<Part>& parts, int64_t channels) {
  at::Tensor energy = at::zeros({channels}, at::kFloat);
  for (const Part& part : parts) energy.index_add_(0, at::tensor(part.channels), weight_energy(part.products));
  return energy;
}

/// What the rounding of weights does to products with the rows.
double weight_error_of(const std::vector<Part>& parts, const at::Tensor& rows) {
  const at::Tensor energy = rows.square().sum(0);
  double error = 0;
  for (const Part& part : parts) {
    if (!part.rounding.weight) continue;
    const at::Tensor errors = weight_errors(part.products, *part.rounding.weight);
    error += at::dot(errors, by_input(energy, part.channels)).item<double>();
  }
  return error;
}

/// Limits that can win enough if the weights lose no more than they do now, by some of the rows: products take a
/// hundred times as long.
std::vector<LimitedChannels> promising(const std::vector<Part>& parts, const TensorQuantConfig& activation,
                                       const at::Tensor& rows) {
  const at::Tensor some = rows.slice(0, 0, std::nullopt, std::max<int64_t>(1, rows.size(0) / kLeastRows));
  const at::Tensor energy = energy_of(parts, rows.size(1));
  const auto error_by = [&](const at::Tensor& factors) {
    return at::dot(activation_errors(some, factors, activation), energy).item<double>();
  };
  const double before = error_by({});
  std::vector<std::pair<double, LimitedChannels>> limits;  // with the activation's error
  for (LimitedChannels& limited : limited_channels(rows.abs().amax(0))) {
    const double error = error_by(limited.factors.to(at::kFloat));
    if (before >= kLeastDivisionGain * error) limits.emplace_back(error, std::move(limited));
  }
  std::vector<LimitedChannels> found;
  if (limits.empty()) return found;
  const double by_weights = weight_error_of(parts, some);
  for (auto& [error, limited] : limits) {
    if (before + by_weights >= kLeastDivisionGain * (error + by_weights)) found.push_back(std::move(limited));
  }
  return found;
}

Division best(const std::vector<Part>& parts, const TensorQuantConfig& activation, const at::Tensor& rows) {
  Division found;
  std::vector<LimitedChannels> limits = promising(parts, activation, rows);
  if (limits.empty()) return found;
  const double before = error_of(parts, {});
  double last = before;
  int worse = 0;
  for (LimitedChannels& limited : limits) {
    const double error = error_of(parts, limited.factors.to(at::kFloat));
    worse = error > last ? worse + 1 : 0;
    last = error;
    const double gain = std::min(before / error, kLargestGain);
    if (gain > found.gain) found = {std::move(limited), gain};
    if (worse == 2) break;  // from here on the weights lose more than the activation wins
  }
  return found;
}

/// Whether it is the first extent of an input, of which a sample has one.
bool is_batch(const GraphModule& module, const Dim& dim) {
  const std::vector<Node*> inputs = module.graph().inputs();
  return std::ranges::any_of(inputs, [&](const Node* input) {
    const TensorType* type = input->tensor();
    return type && !type->dims.empty() && type->dims.front() == dim;
  });
}

}  // namespace

bool may_tell(const GraphModule& module, const DivisionSite& site, const Batching& batching) {
  int64_t rows = batching.micro_batches(kSearchSamples);
  for (const Dim& dim : site.tensor->tensor()->dims) {
    if (dim.is_static()) {
      rows *= dim.value();
    } else if (!is_batch(module, dim)) {
      return true;
    }
  }
  return rows >= kLeastRows * site.channels;
}

std::vector<Division> search_divisions(const Network& network, const StubPlan& plan,
                                       const std::vector<DivisionSite>& sites, const SampleSource& samples,
                                       const QuantConfig& config, const CalibrationOptions& options) {
  const ModuleTable& modules = network.module.modules();
  std::map<Symbol, int64_t> axes;
  for (const DivisionSite& site : sites)
    axes.emplace(site.tensor->name(), input_axis(modules[site.readers.front().layer]));
  const std::map<Symbol, at::Tensor> rows = sampled_rows(network, axes, samples, kSearchSamples, options);
  std::vector<Division> found(sites.size());
  SampleWorkers(options.threads, static_cast<int64_t>(sites.size())).run([&](int64_t i, int64_t) {
    const at::NoGradGuard no_grad;
    const DivisionSite& site = sites[static_cast<size_t>(i)];
    const auto seen = rows.find(site.tensor->name());
    if (seen == rows.end() || seen->second.size(0) < kLeastRows) return;
    std::vector<Part> parts;
    for (const ChannelReader& reader : site.readers) {
      const ModuleRecord& layer = modules[reader.layer];
      parts.push_back({layer_products(layer, network.tensors, seen->second),
                       rounding_by(plan, modules, reader.kernel, layer.path, config), reader.channels});
    }
    // One stub serves all that it is in front of; others read the tensor as it is.
    const auto quantized =
        std::ranges::find_if(parts, [](const Part& part) { return part.rounding.activation.has_value(); });
    if (quantized == parts.end()) return;
    found[static_cast<size_t>(i)] = best(parts, *quantized->rounding.activation, seen->second);
  });
  return found;
}

}  // namespace graftwork::core

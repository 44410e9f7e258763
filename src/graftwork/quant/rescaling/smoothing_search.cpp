#include "graftwork/quant/rescaling/smoothing_search.h"

#include <limits>

#include "graftwork/quant/rescaling/channel_factors.h"
#include "graftwork/quant/rescaling/limiting_factors.h"
#include "graftwork/quant/rescaling/product_error.h"
#include "graftwork/quant/rescaling/sampled_rows.h"
#include "graftwork/quant/sample_workers.h"

namespace graftwork::core {
namespace {

constexpr int kSteps = 20;

}  // namespace

at::Tensor smoothing_factors(const ChannelMagnitudes& magnitudes, double alpha) {
  const at::Tensor x = magnitudes.activations.to(at::kDouble), w = magnitudes.weights.to(at::kDouble);
  const at::Tensor factors = x.pow(alpha) / w.pow(1 - alpha);
  return at::where(at::logical_and(x > 0, w > 0), factors, at::ones_like(factors));
}

void SmoothingSearch::add(std::vector<ChannelReader> readers, ChannelMagnitudes magnitudes) {
  pairs_.push_back({std::move(readers), std::move(magnitudes)});
}

std::vector<FoundFactors> SmoothingSearch::run(const SampleSource& samples, const CalibrationOptions& options) const {
  std::vector<FoundFactors> found(pairs_.size());
  if (pairs_.empty()) return found;
  std::map<Symbol, int64_t> axes;
  for (const Pair& pair : pairs_) {
    for (const ChannelReader& reader : pair.readers)
      axes.emplace(reader.input, input_axis(network_.module.modules()[reader.layer]));
  }
  const std::map<Symbol, at::Tensor> rows = sampled_rows(network_, axes, samples, kSearchSamples, options);
  SampleWorkers(options.threads, static_cast<int64_t>(pairs_.size())).run([&](int64_t i, int64_t) {
    const at::NoGradGuard no_grad;
    found[static_cast<size_t>(i)] = best(pairs_[static_cast<size_t>(i)], rows);
  });
  return found;
}

FoundFactors SmoothingSearch::best(const Pair& pair, const std::map<Symbol, at::Tensor>& rows) const {
  std::vector<FoundFactors> candidates;
  for (int step = 0; step <= kSteps; ++step) {
    const double alpha = static_cast<double>(step) / kSteps;
    candidates.push_back({alpha, {}, smoothing_factors(pair.magnitudes, alpha)});
  }
  for (LimitedChannels& limited : limited_channels(pair.magnitudes.activations))
    candidates.push_back({{}, limited.limit, std::move(limited.factors)});
  double least = std::numeric_limits<double>::infinity();
  FoundFactors best = candidates.front();
  for (FoundFactors& candidate : candidates) {
    const double error = error_of(pair, candidate.factors.to(at::kFloat), rows);
    if (!(error < least)) continue;
    least = error;
    best = std::move(candidate);
  }
  return best;
}

double SmoothingSearch::error_of(const Pair& pair, const at::Tensor& factors,
                                 const std::map<Symbol, at::Tensor>& rows) const {
  double error = 0;
  for (const ChannelReader& reader : pair.readers) {
    const ModuleTable& modules = network_.module.modules();
    const ModuleRecord& layer = modules[reader.layer];
    const auto seen = rows.find(reader.input);
    if (seen == rows.end()) continue;  // empty on these samples
    const LayerProducts products = layer_products(layer, network_.tensors, seen->second);
    const OperandRounding rounding = rounding_by(plan_, modules, reader.kernel, layer.path, config_);
    error += product_error(products, by_input(factors, reader.channels), rounding);
  }
  return error;
}

}  // namespace graftwork::core

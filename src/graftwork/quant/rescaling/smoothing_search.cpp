#include "graftwork/quant/rescaling/smoothing_search.h"

#include <limits>

#include "graftwork/ir/kind.h"
#include "graftwork/quant/rescaling/product_error.h"
#include "graftwork/quant/rescaling/sampled_rows.h"
#include "graftwork/quant/sample_workers.h"

namespace graftwork {
namespace {

constexpr int64_t kMicroBatches = 4;
constexpr int kSteps = 20;

}  // namespace

at::Tensor smoothing_factors(const ChannelMagnitudes& magnitudes, double alpha) {
  const at::Tensor x = magnitudes.activations.to(at::kDouble), w = magnitudes.weights.to(at::kDouble);
  const at::Tensor factors = x.pow(alpha) / w.pow(1 - alpha);
  return at::where(at::logical_and(x > 0, w > 0), factors, at::ones_like(factors));
}

int64_t input_axis(const ModuleRecord& layer) { return 1 - static_cast<int64_t>(layer.param("weight")->type().rank()); }

void SmoothingSearch::add(std::vector<ChannelReader> readers, ChannelMagnitudes magnitudes) {
  pairs_.push_back({std::move(readers), std::move(magnitudes)});
}

std::vector<double> SmoothingSearch::run(const SampleSource& samples, const CalibrationOptions& options) const {
  std::vector<double> found(pairs_.size());
  if (pairs_.empty()) return found;
  std::map<Symbol, int64_t> axes;
  for (const Pair& pair : pairs_) {
    for (const ChannelReader& reader : pair.readers)
      axes.emplace(reader.input, input_axis(network_.module.modules()[reader.layer]));
  }
  const std::map<Symbol, at::Tensor> rows = sampled_rows(network_, axes, samples, kMicroBatches, options);
  SampleWorkers(options.threads, static_cast<int64_t>(pairs_.size())).run([&](int64_t i, int64_t) {
    const at::NoGradGuard no_grad;
    found[static_cast<size_t>(i)] = best(pairs_[static_cast<size_t>(i)], rows);
  });
  return found;
}

double SmoothingSearch::best(const Pair& pair, const std::map<Symbol, at::Tensor>& rows) const {
  const ModuleTable& modules = network_.module.modules();
  double least = std::numeric_limits<double>::infinity(), best = 0;
  for (int step = 0; step <= kSteps; ++step) {
    const double alpha = static_cast<double>(step) / kSteps;
    const at::Tensor factors = smoothing_factors(pair.magnitudes, alpha).to(at::kFloat);
    double error = 0;
    for (const ChannelReader& reader : pair.readers) {
      const ModuleRecord& layer = modules[reader.layer];
      const Attribute* groups = attribute_of(layer, "groups");
      const LayerProducts products{rows.at(reader.input), evaluate(*layer.param("weight"), network_.tensors),
                                   groups ? *groups->get<int64_t>() : 1};
      error += product_error(products, factors.index_select(0, at::tensor(reader.channels, at::kLong)), config_);
    }
    if (error < least) {
      least = error;
      best = alpha;
    }
  }
  return best;
}

}  // namespace graftwork

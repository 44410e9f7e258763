// How much SmoothQuant moves, by what it does to the products of the layers behind.
#pragma once

#include <ATen/ATen.h>

#include <optional>
#include <vector>

#include "graftwork/place/stub_plan.h"
#include "graftwork/quant/calibrator.h"
#include "graftwork/quant/input_axis.h"
#include "graftwork/quant/rescaling/channel_reads.h"

namespace graftwork::core {

/// Largest magnitudes of each channel, [channels], float: of what the readers read, and of the weights that meet it.
struct ChannelMagnitudes {
  at::Tensor activations;
  at::Tensor weights;
};

/// s = activations^α / weights^(1 − α), 1 where either is 0; double.
at::Tensor smoothing_factors(const ChannelMagnitudes& magnitudes, double alpha);

/// What serves a pair best.
struct FoundFactors {
  std::optional<double> alpha;  ///< Or a limit:
  std::optional<double> limit;
  at::Tensor factors;  ///< [channels], double
};

/// Finds for each pair, of smoothing_factors() with α of 0, 0.05, …, 1 and of limited_channels(), the factors with the
/// least product_error() of its readers together, each rounded as the plan has it, on four samples; of equal ones the
/// first.
class SmoothingSearch {
 public:
  SmoothingSearch(const Network& network, const StubPlan& plan, const QuantConfig& config)
      : network_(network), plan_(plan), config_(config) {}

  void add(std::vector<ChannelReader> readers, ChannelMagnitudes magnitudes);
  /// One for each pair, in the order in which they were added.
  std::vector<FoundFactors> run(const SampleSource& samples, const CalibrationOptions& options) const;

 private:
  struct Pair {
    std::vector<ChannelReader> readers;
    ChannelMagnitudes magnitudes;
  };

  double error_of(const Pair& pair, const at::Tensor& factors, const std::map<Symbol, at::Tensor>& rows) const;
  FoundFactors best(const Pair& pair, const std::map<Symbol, at::Tensor>& rows) const;

  const Network& network_;
  const StubPlan& plan_;
  const QuantConfig& config_;
  std::vector<Pair> pairs_;
};

}  // namespace graftwork::core

// quantize() in its parts: what is settled before the data come, what is asked of them, what is done with the answer.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "graftwork/quant/quantize.h"
#include "graftwork/quant/scale_form.h"
#include "graftwork/quant/statistics.h"
#include "graftwork/quant/steps/step.h"

namespace graftwork::core {

/// What quantize() refuses whatever the data are. Throws Error "config.*", "plan.*".
void check_quantization(const Network& network, const QuantConfig& config, const QuantizeOptions& options);

class Quantization {
 public:
  /// Plans, rescales channels, gives weights their scales. Keeps references to `samples`, of which what changes the
  /// network before ranges are taken, or codes of weights, is learned in runs of its own. Throws as quantize() does.
  Quantization(const Network& network, const SampleSource& samples, const QuantConfig& config,
               const QuantizeOptions& options);
  Quantization(const Quantization&) = delete;
  Quantization& operator=(const Quantization&) = delete;

  /// The float network whose values `request` names.
  const Network& network() const { return network_; }
  const StatisticsRequest& request() const { return request_; }
  /// What the scale table says instead of calibration; absent where it does not say all. Throws Error "scales.missing"
  /// where there are no samples either.
  std::optional<Statistics> known() const;

  /// `seen`: what was asked for, of so many samples; or, without a number, what was known. To be called once.
  QuantizationResult finish(const Statistics& seen, std::optional<int64_t> samples);

 private:
  void rescale();
  std::vector<std::unique_ptr<Step>> steps() const;

  const SampleSource& samples_;
  QuantConfig config_;
  QuantizeOptions options_;
  std::shared_ptr<const Backend> backend_;
  ScaleForm form_;
  Network network_;
  QuantizationResult result_;
  std::vector<std::unique_ptr<Step>> steps_;
  StatisticsRequest request_;
};

}  // namespace graftwork::core

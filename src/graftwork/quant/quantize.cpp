#include "graftwork/quant/quantize.h"

#include "graftwork/quant/affordable_threads.h"
#include "graftwork/quant/quantization.h"

namespace graftwork::core {

QuantizationResult quantize(const Network& network, const SampleSource& samples, const QuantConfig& config,
                            const QuantizeOptions& given) {
  QuantizeOptions options = given;
  if (samples.size() > 0) {
    CalibrationOptions& calibration = options.calibration;
    const int threads = calibration.threads;
    calibration.threads = affordable_threads(network, samples, threads, calibration.memory_limit);
    if (options.losses)
      options.losses->threads = affordable_threads(network, samples, threads, calibration.memory_limit, kLosses);
  }
  Quantization quantization(network, samples, config, options);
  if (const std::optional<Statistics> known = quantization.known()) return quantization.finish(*known, std::nullopt);
  return quantization.finish(calibrate(quantization.network(), quantization.request(), samples, options.calibration),
                             samples.size());
}

}  // namespace graftwork::core

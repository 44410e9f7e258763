#include "graftwork/quant/quantize.h"

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/quant/affordable_threads.h"
#include "graftwork/quant/quantization.h"

namespace graftwork::core {
namespace {

/// There is a way around what does not fit.
int threads_for_losses(const Network& network, const SampleSource& samples, int threads, int64_t limit) {
  try {
    return affordable_threads(network, samples, threads, limit, kLosses);
  } catch (const Error& error) {
    if (error.code() != "memory.limit") throw;
    auto told = Error("memory.losses", error.message(), cat(error.hint(), ", or no measuring of losses"));
    for (const std::string& where : error.context()) told.at(where);
    throw told;
  }
}

}  // namespace

QuantizationResult quantize(const Network& network, const SampleSource& samples, const QuantConfig& config,
                            const QuantizeOptions& given) {
  QuantizeOptions options = given;
  if (samples.size() > 0) {
    CalibrationOptions& calibration = options.calibration;
    const int threads = calibration.threads;
    calibration.threads = affordable_threads(network, samples, threads, calibration.memory_limit);
    if (options.losses)
      options.losses->threads = threads_for_losses(network, samples, threads, calibration.memory_limit);
  }
  Quantization quantization(network, samples, config, options);
  if (const std::optional<Statistics> known = quantization.known()) return quantization.finish(*known, std::nullopt);
  return quantization.finish(calibrate(quantization.network(), quantization.request(), samples, options.calibration),
                             samples.size());
}

}  // namespace graftwork::core

// quantize() for data that come one batch after another and are not kept.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "graftwork/quant/input_check.h"
#include "graftwork/quant/observer.h"
#include "graftwork/quant/pushed/sample_window.h"
#include "graftwork/quant/quantization.h"
#include "graftwork/quant/side_by_side.h"

namespace graftwork::core {

/// What changes the network before ranges are taken (SmoothQuant, outlying channels) and what chooses codes of weights
/// (GPTQ, AdaRound) is learned from the first samples, 64 at most and of 256 MiB at most, but 4 at least, which are
/// kept until the end. Of the others each is seen once. With no more samples than that the result is quantize()'s, and
/// so it is for any number of them where the recipe has none of these. Not safe to use from several threads at once.
class PushedQuantization {
 public:
  /// Throws as quantize() does: here what no data are needed for, Error "config.*", "plan.*", and later the rest.
  PushedQuantization(const Network& network, const QuantConfig& config, const QuantizeOptions& options);

  /// Inputs in signature order, of any number of samples; the tensors may change afterwards. Throws Error "data.*",
  /// "nn.input" for what does not fit, "memory.limit" for more at once than there is memory for, which count for
  /// nothing then; "interrupted"; "quant.finished".
  void observe(const std::vector<at::Tensor>& inputs);
  /// The same, and what the float network gives for them, in signature order. Where the graph holds its batch fast,
  /// they have to be as many samples: Error "nn.input".
  std::vector<at::Tensor> run(const std::vector<at::Tensor>& inputs);
  /// That were observed.
  int64_t samples() const { return window_.size(); }

  /// Writes all that was observed, to go on later. Throws Error "file.*", "quant.finished".
  void save(const std::filesystem::path& path) const;
  /// Goes on where the one stopped that has written the file, with the same network, recipe and options; the result is
  /// that of one which was never stopped, to the bit. Throws Error "checkpoint.other", "checkpoint.damaged", "file.*",
  /// "checkpoint.late" once something was observed; nothing has changed then.
  void resume(const std::filesystem::path& path);

  /// To be called once: Error "quant.finished" later. Throws Error "data.empty" where there was no sample, and the
  /// scale table does not say all.
  QuantizationResult finish();

 private:
  void take(const std::vector<at::Tensor>& inputs);
  void check_fit(const std::vector<at::Tensor>& inputs);
  int64_t kept_samples() const;
  void begin(SampleWindow kept);
  std::string identity() const;
  void observe_up_to(int64_t micro_batch, const ObservedMicroBatch& done);
  std::vector<at::Tensor> run_float(const std::vector<at::Tensor>& inputs) const;

  Network network_;
  QuantConfig config_;
  QuantizeOptions options_;
  InputCheck check_;
  bool any_batch_;
  InferenceRunner float_;
  int64_t fitting_ = 0;  // elements of the largest batch that was found to fit into memory
  SampleWindow window_;
  std::unique_ptr<SampleWindow> kept_;
  std::unique_ptr<Quantization> quantization_;
  std::optional<Observer> observer_;
  Statistics statistics_;
  int64_t done_ = 0;  // micro-batches
  bool finished_ = false;
};

}  // namespace graftwork::core

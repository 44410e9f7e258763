// Quantization: what becomes codes, which numbers they stand for, and training with them in place.
#pragma once

#include <graftwork/network.h>
#include <graftwork/pattern.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace torch::optim {
class Optimizer;
}

namespace graftwork {

enum class Precision {
  INT8,
  INT4,   ///< Of weights; of activations for study.
  INT16,  ///< For study: no file for TensorRT can have it.
  FP8,    ///< E4M3.
};

/// How a range is found in calibration data, or in a weight.
enum class CalibrationMethod {
  MINMAX,                 ///< All values.
  MOVING_AVERAGE_MINMAX,  ///< The ends of each sample, each new one with a weight of 0.01, in the samples' order.
  HISTOGRAM,              ///< Narrowed as long as that makes the expected squared error less.
  PERCENTILE,             ///< All but a share of the largest.
  ENTROPY,                ///< Least Kullback-Leibler divergence.
  MSE,                    ///< Least expected squared error.
};

struct TensorQuantConfig {
  Precision precision = Precision::INT8;
  /// Without, codes have a zero point, which no file for TensorRT can have.
  bool symmetric = true;
  /// A scale for each output channel of a weight.
  bool per_channel = false;
  CalibrationMethod calibration_method = CalibrationMethod::MINMAX;
  /// Share of the values that PERCENTILE keeps, above 0 and up to 100.
  double percentile = 99.99;

  /// The least and the largest code of an activation, or the largest magnitude of FP8. Weights leave out the least one.
  GRAFTWORK_API double quant_min() const;
  GRAFTWORK_API double quant_max() const;
};

/// What becomes of a tensor of which a few channels are much larger than all others.
enum class OutlierChannels {
  KEEP,           ///< Its scale serves all channels, or clips those.
  DIVIDE_LINEAR,  ///< They are divided, and the weights behind multiplied, in front of linear layers.
  DIVIDE,         ///< In front of convolutions too.
};

/// Where the scale of attention's weights comes from, which are at most 1.
enum class SoftmaxScale {
  CALIBRATED,  ///< From the data; never above 1/127.
  FIXED,       ///< 1/127; of FP8 1/448.
};

/// How activations are quantized: per tensor.
struct ActivationQuantConfig : TensorQuantConfig {
  ActivationQuantConfig() { calibration_method = CalibrationMethod::MSE; }
  SoftmaxScale softmax_scale = SoftmaxScale::CALIBRATED;
  OutlierChannels outlier_channels = OutlierChannels::DIVIDE_LINEAR;
};

/// How the codes of a weight are chosen.
enum class WeightRounding {
  NEAREST,
  GPTQ,      ///< Of linear layers: one input channel after another, the next ones making up for its error on the data.
  ADAROUND,  ///< Up or down, as training on what the layer reads decides for all of them at once.
};

struct WeightQuantConfig : TensorQuantConfig {
  WeightQuantConfig() { per_channel = true; }
  /// Input channels of linear layers that share a scale: 64 or 128, of INT4. 0: a scale for each output channel.
  int64_t block_size = 0;
  WeightRounding rounding = WeightRounding::NEAREST;
  int64_t rounding_iterations = 300;  ///< Of ADAROUND.
  bool bias_correction = true;
  bool cross_layer_equalization = false;
};

/// Modules by what they are: a module of a network, which counts for the kernel that holds it; or text: a path
/// ("layer1.0.conv1", "layer4"), a kind ("nn.Linear", "FusedConvBN"), or a pattern with `*` over paths.
class ModuleSelector {
 public:
  ModuleSelector(const Module& module) : text_(module.path()) {}
  ModuleSelector(std::string text) : text_(std::move(text)) {}
  ModuleSelector(const char* text) : text_(text) {}
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

/// Modules that stay in floating point. An entry that matches nothing is Error "config.skip".
struct ModulesToSkip {
  std::vector<ModuleSelector> stub = {};    ///< Without Q/DQ on their inputs.
  std::vector<ModuleSelector> weight = {};  ///< Without Q/DQ on their weights.
  std::vector<ModuleSelector> smooth = {};  ///< In no pair of SmoothQuant.
};

/// How much of the difference between channels goes from an activation into the weights behind it (alpha, 0 to 1),
/// nothing where that is searched for; of pairs whose norm, value projection or kernel has a path that fits: the first
/// counts.
struct SmoothQuantConfig {
  std::optional<double> alpha = 0.5;
  std::vector<std::pair<std::string, std::optional<double>>> pairs = {};
};

/// The recipe (docs/recipe.md).
struct QuantConfig {
  ActivationQuantConfig activation = {};
  WeightQuantConfig weight = {};
  ModulesToSkip skip = {};
  std::optional<SmoothQuantConfig> smooth_quant = {};
  /// What a recipe file has as "policy", JSON: which layers stay in floating point, or have another precision. Empty:
  /// the default policy.
  std::string policy = {};

  /// Reads what the command's --config reads. Throws Error "config.*" that names the key.
  GRAFTWORK_API static QuantConfig parse(const std::string& json);
  GRAFTWORK_API static QuantConfig read(const std::filesystem::path& path);
  GRAFTWORK_API std::string json() const;
};

/// What the regions around the quantized ones are computed in.
enum class FloatType { FP32, FP16, BF16 };

/// Called with what is done and what there is in all, from one thread at a time.
using Progress = std::function<void(int64_t done, int64_t total)>;

struct QuantizeOptions {
  /// Of the regions in floating point of the file: scales are rounded to it before anything uses them.
  FloatType float_type = FloatType::FP16;
  /// The file is to keep batch norms as they are.
  bool keep_batch_norm = false;
  /// Threads; 0: as many as torch would use. No influence on the result.
  int threads = 0;
  /// Bytes that running the network may take on top of what the process has; 0: what the machine has left. Where it is
  /// not enough for all threads there are fewer.
  int64_t memory_limit = 0;
  /// Where quantize() keeps what it has seen of a source of samples, every ten seconds, and goes on from; empty:
  /// nowhere. Pushed data have no place to go back to: Error "checkpoint.pushed", and Calibrator::save.
  std::filesystem::path checkpoint = {};
  /// Scales that hold instead of what data would tell: what QuantizationResult::scales() gave, edited or not.
  std::string scales = {};
  /// Where Q/DQ go: what QuantizationResult::plan() gave, edited or not. The recipe's modules to skip count for nothing
  /// then.
  std::string plan = {};
  /// Measures what is lost, and where, once it is quantized (QuantizationResult::losses).
  bool losses = false;
  /// Of quantize(), over a source of samples. How many will be pushed, only whoever pushes them knows.
  Progress progress = {};
  /// Polled from several threads; true stops with Error "interrupted".
  std::function<bool()> interrupted = {};
  /// Absent: the one that is used (get_backend).
  std::optional<Backend> backend = {};
};

/// Samples of a network's inputs, asked for in any order and from many threads.
class GRAFTWORK_API SampleSource {
 public:
  virtual ~SampleSource();
  virtual int64_t size() const = 0;
  /// One tensor for each input, in the order of Network::input_names(), whose first axis holds samples begin to end
  /// − 1.
  virtual std::vector<at::Tensor> samples(int64_t begin, int64_t end) const = 0;
};

/// Samples that lie in memory: a tensor for each input, whose first axes count the same samples. Throws Error
/// "data.shape".
class GRAFTWORK_API TensorSamples final : public SampleSource {
 public:
  explicit TensorSamples(std::vector<at::Tensor> inputs);
  ~TensorSamples() override;
  int64_t size() const override;
  std::vector<at::Tensor> samples(int64_t begin, int64_t end) const override;

 private:
  std::vector<at::Tensor> inputs_;
};

/// Files: arrays (.npy, .npz) or pictures, as the command's --calibrate takes them; at most `limit` samples, 0: all.
/// Throws Error "data.*", "file.*".
GRAFTWORK_API std::unique_ptr<SampleSource> open_samples(const Network& network, const std::filesystem::path& path,
                                                         int64_t limit = 0);

/// SQNR of a result of the quantized network, dB.
struct OutputLoss {
  std::string output;
  double sqnr_db;
};

struct QuantizedStub {
  std::string name;    ///< "quant_stub_3".
  std::string tensor;  ///< The value that it quantizes.
  double scale;
  std::string reason;  ///< Why it is there.
};

/// A norm, or the layer that makes the values of attention, and the layers that read it: where SmoothQuant weighs the
/// channels of a tensor against the weights behind it.
struct SmoothedPair {
  std::string source;                ///< Path of the norm or layer.
  std::vector<std::string> readers;  ///< Paths of the layers.
  /// Largest magnitude of each channel of what `source` gives, before anything moved: [channels], float. Undefined
  /// where nothing moved.
  at::Tensor channel_amax;
  std::string refusal;  ///< Why nothing moved; empty where it did.
};

class GRAFTWORK_API QuantizationResult {
 public:
  /// Fake-quantized: what the file computes. Tensors that did not change are those of the network that was given.
  Network model() const;
  int64_t samples() const;
  std::vector<QuantizedStub> stubs() const;
  /// How many weights are quantized.
  size_t quantized_weights() const;
  std::vector<std::string> warnings() const;
  /// Empty unless QuantizeOptions::losses.
  std::vector<OutputLoss> losses() const;
  /// Empty unless QuantConfig::smooth_quant.
  std::vector<SmoothedPair> smoothing() const;
  /// Every Q/DQ, and every missing one, with its reason; as a plan file has it (docs/plans.md).
  std::string plan() const;
  /// All numbers that were found, as a scale table has them (docs/scales.md).
  std::string scales() const;

  struct State;
  explicit QuantizationResult(detail::Held<const State> state) : state_(std::move(state)) {}
  const detail::Held<const State>& state() const { return state_; }

 private:
  detail::Held<const State> state_;
};

/// Places Q/DQ in a transformed network and calibrates; `network` stays as it is. The result depends neither on the
/// number of threads nor on the order of samples (but for moving averages). Throws Error "config.*", "plan.*",
/// "data.*", "quant.*", "scales.*", "interrupted".
GRAFTWORK_API QuantizationResult quantize(const Network& network, const SampleSource& samples,
                                          const QuantConfig& config = {}, const QuantizeOptions& options = {});

/// The same for data that come one batch after another and are seen once each. What changes the network before ranges
/// are taken (SmoothQuant, outlying channels) and what chooses codes of weights (GPTQ, AdaRound) is learned from the
/// first samples: 64, fewer where they have more than 256 MiB, but 4. Not safe to use from several threads at once.
class GRAFTWORK_API Calibrator {
 public:
  /// Throws Error "config.*", "plan.*", "checkpoint.pushed" before any data are asked for.
  explicit Calibrator(const Network& network, const QuantConfig& config = {}, const QuantizeOptions& options = {});
  ~Calibrator();
  Calibrator(Calibrator&&) noexcept;
  Calibrator& operator=(Calibrator&&) noexcept;

  /// Tensors in the order of Network::input_names(), of any number of samples; they may change afterwards. Throws Error
  /// "data.*", "nn.input", "interrupted".
  void observe(const std::vector<at::Tensor>& inputs);
  /// The same, and what the float network gives for them.
  std::vector<at::Tensor> operator()(const std::vector<at::Tensor>& inputs);
  at::Tensor operator()(const at::Tensor& input);
  int64_t samples() const;

  /// Writes all that was observed, with copies of the samples that further steps look at (256 MiB at most, but four).
  /// Throws Error "file.*", "quant.finished".
  void save(const std::filesystem::path& path) const;
  /// Goes on where the one stopped that has written the file, with the same network, recipe and options: data are to
  /// come from sample samples() on, and the result is that of one which was never stopped, to the bit. Throws Error
  /// "checkpoint.other" for a file of another calibration, "checkpoint.damaged", "file.*", "checkpoint.late" once
  /// something was observed; nothing has changed then.
  void resume(const std::filesystem::path& path);

  /// To be called once: Error "quant.finished" later. Throws Error "data.empty", and what quantize() throws.
  QuantizationResult finish();

 private:
  struct State;
  detail::Held<State> state_;
};

/// The same with a loop of the caller's, which runs the network on its data: `forward_loop(model)` calls model(inputs).
template <class ForwardLoop>
  requires requires(ForwardLoop& loop, Calibrator& model) { loop(model); }
QuantizationResult quantize(const Network& network, ForwardLoop&& forward_loop, const QuantConfig& config = {},
                            const QuantizeOptions& options = {}) {
  Calibrator model(network, config, options);
  forward_loop(model);
  return model.finish();
}

struct QatOptions {
  /// Which scales training changes.
  bool learned_activation_scales = true;
  bool learned_weight_scales = true;
};

/// Trains what quantize() has made: every weight and stub rounds in forward, gradients pass straight through, clipped
/// outside the range. Parameters are those of the model, whatever its layers have become; it has its own copies of all
/// that training changes. Begins in evaluation. Not safe to use from several threads at once.
class GRAFTWORK_API QatNetwork {
 public:
  explicit QatNetwork(const QuantizationResult& calibrated, const QatOptions& options = {});
  ~QatNetwork();
  QatNetwork(QatNetwork&&) noexcept;
  QatNetwork& operator=(QatNetwork&&) noexcept;

  /// For an optimiser, in the order of their names. The scales' θ (scale = calibrated · exp(θ)) are best given a
  /// learning rate of their own.
  std::vector<std::pair<std::string, at::Tensor>> named_parameters() const;
  std::vector<at::Tensor> parameters() const;
  std::vector<at::Tensor> model_parameters() const;
  std::vector<at::Tensor> scale_parameters() const;
  std::vector<std::pair<std::string, at::Tensor>> named_buffers() const;

  void train();
  void eval();
  /// Of the modules that `path` names, with their parts. Throws Error "train.module".
  void train(std::string_view path);
  void eval(std::string_view path);
  /// Batch norms compute with their running statistics from then on.
  void freeze_batch_norm();

  std::vector<at::Tensor> forward(const std::vector<at::Tensor>& inputs) const;
  at::Tensor forward(const at::Tensor& input) const;

  /// The network as it is now, to be evaluated and exported: scales rounded as the file holds them.
  Network freeze(FloatType float_type = FloatType::FP16, bool keep_batch_norm = false) const;

  /// All that further steps depend on: parameters, buffers, modes, the optimiser's state (SGD, Adam, AdamW), torch's
  /// random numbers, the number of steps. Throws Error "train.optimizer", "file.unwritable".
  void save(const std::filesystem::path& path, const torch::optim::Optimizer& optimizer, int64_t step) const;
  /// Puts it back and returns the step. Throws Error "train.checkpoint", "train.optimizer" before anything changes.
  int64_t load(const std::filesystem::path& path, torch::optim::Optimizer& optimizer);

 private:
  struct State;
  detail::Held<State> state_;
};

}  // namespace graftwork

#include "graftwork/quant/quantize.h"

#include <graftwork/quantize.h>

#include "graftwork/base/text.h"
#include "graftwork/library/quantization_state.h"
#include "graftwork/library/recipe.h"
#include "graftwork/library/state.h"
#include "graftwork/place/plan_file.h"
#include "graftwork/quant/input_check.h"
#include "graftwork/quant/pushed/pushed_quantization.h"
#include "graftwork/samples/open_samples.h"

namespace graftwork {
namespace {

/// A caller's samples for the rooms.
class GivenSamples final : public core::SampleSource {
 public:
  GivenSamples(const core::Network& network, const graftwork::SampleSource& source)
      : source_(source), check_(network) {}
  int64_t size() const override { return source_.size(); }
  std::vector<at::Tensor> samples(int64_t begin, int64_t end) const override {
    std::vector<at::Tensor> given = source_.samples(begin, end);
    const int64_t came = check_.samples_in(given);
    if (came == end - begin) return given;
    throw Error("data.shape", core::cat("samples ", begin, " to ", end - 1, " were asked for, and ", came, " came"),
                "a source whose samples(begin, end) gives end − begin of them");
  }

 private:
  const graftwork::SampleSource& source_;
  core::InputCheck check_;
};

/// Those of files, for the caller.
class FileSamples final : public SampleSource {
 public:
  explicit FileSamples(std::unique_ptr<core::SampleSource> files) : files_(std::move(files)) {}
  int64_t size() const override { return files_->size(); }
  std::vector<at::Tensor> samples(int64_t begin, int64_t end) const override { return files_->samples(begin, end); }
  const core::SampleSource& files() const { return *files_; }

 private:
  std::unique_ptr<core::SampleSource> files_;
};

}  // namespace

namespace detail {

QuantizationResult result_of(const Network& network, core::QuantizationResult result) {
  if (result.plan.stubs.empty() && result.plan.weights.empty())
    result.warnings.emplace_back("nothing is quantized: the network has no kernels, as transform() makes them");
  core::Network made = result.network.clone();
  const core::FreezeOptions file{.float_type = result.scales.float_type,
                                 .keep_batch_norm = result.scales.keeps_batch_norm};
  Network model = network_of(network, std::move(made), file, result.provenance);
  return QuantizationResult(std::make_shared<const QuantizationResult::State>(
      QuantizationResult::State{std::move(result), network.state()->loaded.trainable, std::move(model)}));
}

}  // namespace detail

SampleSource::~SampleSource() = default;

TensorSamples::TensorSamples(std::vector<at::Tensor> inputs) : inputs_(std::move(inputs)) {
  for (const at::Tensor& input : inputs_) {
    if (input.defined() && input.dim() > 0 && input.size(0) == inputs_.front().size(0)) continue;
    throw Error("data.shape", "the inputs have different numbers of samples, or none",
                "tensors whose first axis counts the same samples");
  }
}

TensorSamples::~TensorSamples() = default;

int64_t TensorSamples::size() const { return inputs_.empty() ? 0 : inputs_.front().size(0); }

std::vector<at::Tensor> TensorSamples::samples(int64_t begin, int64_t end) const {
  std::vector<at::Tensor> batch;
  for (const at::Tensor& input : inputs_) batch.push_back(input.slice(0, begin, end));
  return batch;
}

std::unique_ptr<SampleSource> open_samples(const Network& network, const std::filesystem::path& path, int64_t limit) {
  return std::make_unique<FileSamples>(
      core::open_samples(network.state()->module(), path, core::SampleOptions{limit, {}}));
}

QuantizationResult quantize(const Network& network, const SampleSource& samples, const QuantConfig& config,
                            const QuantizeOptions& options) {
  const at::NoGradGuard no_grad;
  const GivenSamples given(network.state()->network(), samples);
  // Files know their names, for messages.
  const auto* files = dynamic_cast<const FileSamples*>(&samples);
  return detail::result_of(
      network,
      core::quantize(network.state()->network(), files ? files->files() : static_cast<const core::SampleSource&>(given),
                     detail::to_core(config), detail::to_core(options)));
}

struct Calibrator::State {
  State(const Network& given, const QuantConfig& config, const QuantizeOptions& options)
      : network(given), quantization(given.state()->network(), detail::to_core(config), pushed(options)) {}

  static core::QuantizeOptions pushed(const QuantizeOptions& options) {
    if (!options.checkpoint.empty())
      throw Error("checkpoint.pushed", "nobody but who pushes data knows when to keep what was seen of them",
                  "Calibrator::save and Calibrator::resume");
    core::QuantizeOptions made = detail::to_core(options);
    made.calibration.progress = {};
    return made;
  }

  Network network;
  core::PushedQuantization quantization;
};

Calibrator::Calibrator(const Network& network, const QuantConfig& config, const QuantizeOptions& options)
    : state_(std::make_shared<State>(network, config, options)) {}

Calibrator::~Calibrator() = default;
Calibrator::Calibrator(Calibrator&&) noexcept = default;
Calibrator& Calibrator::operator=(Calibrator&&) noexcept = default;

void Calibrator::observe(const std::vector<at::Tensor>& inputs) {
  const at::NoGradGuard no_grad;
  state_->quantization.observe(inputs);
}

std::vector<at::Tensor> Calibrator::operator()(const std::vector<at::Tensor>& inputs) {
  const at::NoGradGuard no_grad;
  return state_->quantization.run(inputs);
}

at::Tensor Calibrator::operator()(const at::Tensor& input) {
  const std::vector<at::Tensor> results = (*this)(std::vector<at::Tensor>{input});
  if (results.size() == 1) return results.front();
  throw Error("nn.output", "the network has several results", "passing a vector of inputs, which gives a vector");
}

void Calibrator::save(const std::filesystem::path& path) const { state_->quantization.save(path); }

void Calibrator::resume(const std::filesystem::path& path) {
  const at::NoGradGuard no_grad;
  state_->quantization.resume(path);
}

int64_t Calibrator::samples() const { return state_->quantization.samples(); }

QuantizationResult Calibrator::finish() {
  const at::NoGradGuard no_grad;
  return detail::result_of(state_->network, state_->quantization.finish());
}

Network QuantizationResult::model() const { return state_->model; }
int64_t QuantizationResult::samples() const { return state_->result.samples; }

std::vector<QuantizedStub> QuantizationResult::stubs() const {
  std::vector<QuantizedStub> stubs;
  for (const core::PlannedStub& stub : state_->result.plan.stubs) {
    const core::StubScale* scale = state_->result.scales.stub(stub.stub);
    stubs.push_back({stub.stub.str(), stub.tensor.str(), scale ? scale->scale : 0, stub.reason});
  }
  return stubs;
}

size_t QuantizationResult::quantized_weights() const { return state_->result.plan.quantized_weights(); }
std::vector<std::string> QuantizationResult::warnings() const { return state_->result.warnings; }

std::vector<OutputLoss> QuantizationResult::losses() const {
  std::vector<OutputLoss> losses;
  for (const core::OutputLoss& loss : state_->result.losses.outputs)
    losses.push_back({loss.output.str(), loss.error.sqnr_db()});
  return losses;
}

std::vector<SmoothedPair> QuantizationResult::smoothing() const {
  std::vector<SmoothedPair> pairs;
  for (const core::SmoothedPair& pair : state_->result.smoothing)
    pairs.push_back({pair.source.str(), detail::strings_of(pair.readers), pair.channel_amax, pair.refusal});
  return pairs;
}

std::string QuantizationResult::plan() const { return core::plan_text({std::nullopt, state_->result.plan}); }
std::string QuantizationResult::scales() const { return core::scale_table_text(state_->result.scales); }

}  // namespace graftwork

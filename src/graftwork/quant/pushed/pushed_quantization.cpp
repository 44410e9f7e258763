#include "graftwork/quant/pushed/pushed_quantization.h"

#include <algorithm>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/nn/run_memory.h"
#include "graftwork/patterns/backend.h"
#include "graftwork/place/plan_file.h"
#include "graftwork/place/quant_config_text.h"
#include "graftwork/quant/checkpoint_file.h"
#include "graftwork/quant/content_hash.h"
#include "graftwork/quant/pushed/pushed_checkpoint.h"
#include "graftwork/quant/sample_workers.h"

namespace graftwork::core {
namespace {

constexpr int64_t kMostKept = 64;
constexpr int64_t kLeastKept = 4;
constexpr size_t kMostKeptBytes = size_t{256} << 20;

/// What is watched, and in which network.
std::string identity_of(const Quantization& quantization) {
  return std::to_string(hash_text(cat(content_hash(quantization.network()), "\n", quantization.request().text())));
}

}  // namespace

PushedQuantization::PushedQuantization(const Network& network, const QuantConfig& config,
                                       const QuantizeOptions& options)
    : network_(network.clone()),
      config_(config),
      options_(options),
      check_(network_),
      any_batch_(holds_for_any_batch(network_.module)),
      float_(network_),
      window_(check_.batching()) {
  check_quantization(network_, config_, options_);
}

int64_t PushedQuantization::kept_samples() const {
  const size_t bytes = std::max<size_t>(window_.bytes_of_one(), 1);
  return std::clamp(static_cast<int64_t>(kMostKeptBytes / bytes), kLeastKept, kMostKept);
}

void PushedQuantization::begin(SampleWindow kept) {
  kept_ = std::make_unique<SampleWindow>(std::move(kept));
  quantization_ = std::make_unique<Quantization>(network_, *kept_, config_, options_);
  observer_.emplace(quantization_->network(), quantization_->request(), window_);
}

/// What decides, beside the data, what is seen in them and what it comes to.
std::string PushedQuantization::identity() const {
  const std::shared_ptr<const Backend> backend = or_used(options_.backend);
  std::string text = cat(content_hash(network_), "\n", quant_config_text(config_), backend->name, " ",
                         dtype_name(options_.float_type), options_.keep_batch_norm ? " with batch norms\n" : "\n");
  if (options_.plan) text += plan_text({std::nullopt, options_.plan});
  if (options_.scales) text += scale_table_text(*options_.scales);
  return std::to_string(hash_text(text));
}

void PushedQuantization::save(const std::filesystem::path& path) const {
  if (finished_) throw Error("quant.finished", "the calibration is finished", "saving it before");
  PushedCheckpoint checkpoint{identity(), {}, done_, statistics_, SampleWindow(check_.batching()), window_};
  if (observer_) {
    checkpoint.observation = identity_of(*quantization_);
    checkpoint.kept = *kept_;
  }
  write_pushed_checkpoint(path, checkpoint);
}

void PushedQuantization::resume(const std::filesystem::path& path) {
  if (finished_ || window_.size() > 0)
    throw Error("checkpoint.late", "samples have been observed already", "a new calibrator, which resumes first");
  PushedCheckpoint checkpoint = read_pushed_checkpoint(path, identity(), check_);
  if (!checkpoint.observation.empty()) {
    begin(std::move(checkpoint.kept));
    if (identity_of(*quantization_) != checkpoint.observation) {
      observer_.reset();
      refuse_other_checkpoint(path);
    }
  }
  window_ = std::move(checkpoint.window);
  statistics_ = std::move(checkpoint.statistics);
  done_ = checkpoint.done;
}

void PushedQuantization::observe_up_to(int64_t micro_batch, const ObservedMicroBatch& done) {
  observe_side_by_side(*observer_, done_, micro_batch, options_.calibration, statistics_, done);
  done_ = micro_batch;
  window_.drop_before(done_ * check_.batching().size);
}

/// A batch that is no larger than one before it is not asked about again.
void PushedQuantization::check_fit(const std::vector<at::Tensor>& inputs) {
  int64_t elements = 0;
  for (const at::Tensor& input : inputs) elements += input.numel();
  if (elements <= fitting_) return;
  check_memory(network_.module, inputs, options_.calibration.memory_limit);
  fitting_ = elements;
}

/// What is wrong with a batch is said before it counts for anything.
void PushedQuantization::take(const std::vector<at::Tensor>& inputs) {
  if (finished_) throw Error("quant.finished", "the calibration is finished", "another calibrator for further data");
  const int64_t samples = check_.samples_in(inputs);
  check_fit(inputs);
  check_.is_finite(inputs, window_.size());
  window_.push(inputs, samples);
}

void PushedQuantization::observe(const std::vector<at::Tensor>& inputs) {
  take(inputs);
  if (!observer_ && window_.size() < kept_samples()) return;
  if (!observer_) begin(window_.first(kept_samples()));
  const int64_t whole = window_.size() / check_.batching().size;
  if (whole - done_ >= SampleWorkers(options_.calibration.threads, whole).count()) {
    observe_up_to(whole, [](int64_t, const auto&) {});
  }
}

std::vector<at::Tensor> PushedQuantization::run_float(const std::vector<at::Tensor>& inputs) const {
  const at::NoGradGuard no_grad;
  return float_.run(inputs, {}, any_batch_);
}

std::vector<at::Tensor> PushedQuantization::run(const std::vector<at::Tensor>& inputs) {
  const int64_t first = window_.size();
  if (!observer_ || !any_batch_) {
    std::vector<at::Tensor> results = run_float(inputs);
    observe(inputs);
    return results;
  }
  take(inputs);
  std::vector<std::vector<at::Tensor>> parts(static_cast<size_t>(window_.size() - first));
  observe_up_to(window_.size(), [&](int64_t micro_batch, Observer::Observed& observed) {
    if (micro_batch >= first) parts[static_cast<size_t>(micro_batch - first)] = std::move(observed.results);
  });
  const std::span<const Use> made = network_.module.graph().output()->inputs();
  std::vector<at::Tensor> results;
  for (size_t i = 0; i < made.size(); ++i) {
    std::vector<at::Tensor> rows;
    for (const std::vector<at::Tensor>& part : parts) rows.push_back(part[i]);
    const bool is_batched = made[i].producer()->kind() != NodeKind::kConstant;
    results.push_back(is_batched && rows.size() > 1 ? at::cat(rows) : rows[0]);
  }
  return results;
}

QuantizationResult PushedQuantization::finish() {
  if (finished_) throw Error("quant.finished", "the calibration is finished", "its result, which finish() gave");
  if (!observer_) begin(window_.first(kept_samples()));
  finished_ = true;
  if (const std::optional<Statistics> known = quantization_->known())
    return quantization_->finish(*known, std::nullopt);
  if (window_.size() == 0) throw Error("data.empty", "there is no sample to calibrate with");
  observe_up_to(check_.batching().micro_batches(window_.size()), [](int64_t, const auto&) {});
  complete(statistics_, quantization_->request());
  return quantization_->finish(statistics_, window_.size());
}

}  // namespace graftwork::core

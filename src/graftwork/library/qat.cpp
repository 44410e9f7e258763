#include "graftwork/library/quantization_state.h"
#include "graftwork/library/recipe.h"
#include "graftwork/library/state.h"
#include "graftwork/train/checkpoint.h"
#include "graftwork/train/qat_network.h"

namespace graftwork {

struct QatNetwork::State {
  State(const QuantizationResult& calibrated, const QatOptions& options)
      : origin(calibrated.model()),
        network(calibrated.state()->result,
                {{options.learned_activation_scales, options.learned_weight_scales}, calibrated.state()->trainable}) {}

  Network origin;
  core::QatNetwork network;
};

QatNetwork::QatNetwork(const QuantizationResult& calibrated, const QatOptions& options)
    : state_(std::make_shared<State>(calibrated, options)) {}
QatNetwork::~QatNetwork() = default;
QatNetwork::QatNetwork(QatNetwork&&) noexcept = default;
QatNetwork& QatNetwork::operator=(QatNetwork&&) noexcept = default;

std::vector<std::pair<std::string, at::Tensor>> QatNetwork::named_parameters() const {
  return state_->network.named_parameters();
}
std::vector<at::Tensor> QatNetwork::parameters() const { return state_->network.parameters(); }
std::vector<at::Tensor> QatNetwork::model_parameters() const { return state_->network.model_parameters(); }
std::vector<at::Tensor> QatNetwork::scale_parameters() const { return state_->network.scale_parameters(); }
std::vector<std::pair<std::string, at::Tensor>> QatNetwork::named_buffers() const {
  return state_->network.named_buffers();
}

void QatNetwork::train() { state_->network.train(); }
void QatNetwork::eval() { state_->network.eval(); }
void QatNetwork::train(std::string_view path) { state_->network.train(path); }
void QatNetwork::eval(std::string_view path) { state_->network.eval(path); }
void QatNetwork::freeze_batch_norm() { state_->network.freeze_batch_norm(); }

std::vector<at::Tensor> QatNetwork::forward(const std::vector<at::Tensor>& inputs) const {
  return state_->network.forward(inputs);
}
at::Tensor QatNetwork::forward(const at::Tensor& input) const { return state_->network.forward(input); }

Network QatNetwork::freeze(FloatType float_type, bool keep_batch_norm) const {
  const core::FreezeOptions file{.float_type = detail::to_core(float_type), .keep_batch_norm = keep_batch_norm};
  return detail::network_of(state_->origin, state_->network.freeze(file), file);
}

void QatNetwork::save(const std::filesystem::path& path, const torch::optim::Optimizer& optimizer, int64_t step) const {
  core::save_checkpoint(path, state_->network, optimizer, step);
}

int64_t QatNetwork::load(const std::filesystem::path& path, torch::optim::Optimizer& optimizer) {
  return core::load_checkpoint(path, state_->network, optimizer);
}

}  // namespace graftwork

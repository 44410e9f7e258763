// A fake-quantized network that is trained.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "graftwork/nn/executor.h"
#include "graftwork/quant/quantize.h"
#include "graftwork/train/learned_scales.h"
#include "graftwork/train/module_modes.h"

namespace graftwork::core {

struct QatOptions {
  LearnedScales learned_scales;
  /// Whether training changes a stored tensor, by name (LoadedNetwork::trainable). What is not in it is trained where a
  /// module reads it, and left where it is a constant of the graph.
  std::map<std::string, bool> trainable;
};

/// What the file is like that a trained network goes to, as ExportOptions say it.
struct FreezeOptions {
  /// Type of the float regions, kF32, kF16 or kBF16.
  DType float_type = DType::kF16;
  /// Batch norms behind layers stay nodes of their own: scales of weights are not multiplied by theirs.
  bool keep_batch_norm = false;
  std::shared_ptr<const Backend> backend = nullptr;  ///< Null: the one that is used (get_backend).
};

/// A tensor that training changes or reads, by the name that the model has for it.
using NamedTensor = std::pair<std::string, at::Tensor>;

/// Trains what `quantize` has made: every weight and stub rounds in forward, gradients pass straight through
/// (nn/fake_quant.h). Parameters are those of the float network, whatever its layers have become: what kernels read are
/// expressions over them. It has its own copies of all that training changes; the network that it was made from stays.
/// Begins in evaluation. Not safe to use from several threads at once.
class QatNetwork {
 public:
  explicit QatNetwork(const QuantizationResult& calibrated, QatOptions options = {});

  const GraphModule& module() const { return network_.module; }
  /// content_hash of the network as training began: its graph and its numbers.
  const std::string& origin() const { return origin_; }

  /// Tensors for an optimiser, in the order of their names: those of the model, and θ of learned scales
  /// ("<quantizer>.log_scale", learned_scales.h), whose step is a share of the scale and which therefore are best given
  /// a learning rate of their own.
  std::vector<NamedTensor> named_parameters() const;
  std::vector<at::Tensor> parameters() const;
  std::vector<at::Tensor> model_parameters() const;
  std::vector<at::Tensor> scale_parameters() const;
  /// Running statistics, calibrated scales, constants.
  std::vector<NamedTensor> named_buffers() const;

  /// Batch norm on live statistics, which its running ones follow, and dropout; or neither.
  void train() { modes_.set(Mode::kTrain); }
  void eval() { modes_.set(Mode::kEval); }
  /// The same of the modules that `path` names (module_modes.h).
  void train(std::string_view path) { modes_.set(path, Mode::kTrain); }
  void eval(std::string_view path) { modes_.set(path, Mode::kEval); }
  void freeze_batch_norm() { modes_.freeze_batch_norm(); }

  ModuleModes& modes() { return modes_; }
  const ModuleModes& modes() const { return modes_; }

  /// Results in signature order; any batch size where the graph holds for any. Under autograd where that is on. Throws
  /// as Program::run does.
  std::vector<at::Tensor> forward(std::span<const at::Tensor> inputs) const;
  /// The only result for the only input.
  at::Tensor forward(const at::Tensor& input) const;

  /// The network as it is now, for evaluation and export: copies of its tensors, scales rounded as the file holds them.
  Network freeze(const FreezeOptions& file) const;

 private:
  Network network_;
  std::string origin_;
  StubPlan plan_;
  std::set<std::string> trained_;
  ModuleModes modes_;
  Executor executor_;
  bool any_batch_;
};

}  // namespace graftwork::core

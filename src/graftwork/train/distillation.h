// Losses that hold a network to what the float one says.
#pragma once

#include <span>
#include <vector>

#include "graftwork/nn/inference_runner.h"

namespace graftwork::core {

/// The float network as a teacher. It records no gradients, whoever asks.
class Teacher {
 public:
  /// Copies the network's graph and shares its tensors, which must not change. Throws as InferenceRunner does.
  explicit Teacher(const Network& network);

  /// Results in signature order, for batches as QatNetwork::forward takes them.
  std::vector<at::Tensor> outputs(std::span<const at::Tensor> inputs) const;
  at::Tensor output(const at::Tensor& input) const;

 private:
  Network network_;
  bool any_batch_;
  InferenceRunner runner_;
};

/// Mean squared error, the mean over several results of theirs. Throws Error "train.teacher" where they do not match.
at::Tensor output_loss(std::span<const at::Tensor> student, std::span<const at::Tensor> teacher);

/// T² · KL(softmax(teacher / T) ‖ softmax(student / T)) over the last dimension, the mean over all others, which keeps
/// the size of its gradients the same for any temperature T > 0 (Hinton et al. 2015, section 2). Throws Error
/// "train.teacher" where the shapes differ, "train.temperature".
at::Tensor distillation_loss(const at::Tensor& student, const at::Tensor& teacher, double temperature);

}  // namespace graftwork::core

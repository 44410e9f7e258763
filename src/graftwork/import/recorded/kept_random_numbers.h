// The random numbers that a caller of ours draws after us.
#pragma once

#include <ATen/core/Generator.h>

#include <utility>
#include <vector>

namespace graftwork::core {

/// When this ends, torch's generators are as they were when it began, unless it was told that nothing was drawn: those
/// of the CPU and of the devices that the tensors lie on.
class KeptRandomNumbers {
 public:
  explicit KeptRandomNumbers(const std::vector<at::Tensor>& tensors);
  ~KeptRandomNumbers();
  KeptRandomNumbers(const KeptRandomNumbers&) = delete;
  KeptRandomNumbers& operator=(const KeptRandomNumbers&) = delete;

  /// Then what other threads have drawn meanwhile counts.
  void nothing_was_drawn() { states_.clear(); }

 private:
  std::vector<std::pair<at::Generator, at::Tensor>> states_;
};

}  // namespace graftwork::core

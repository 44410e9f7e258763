// Which modules of a network are in training, which in evaluation.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "graftwork/nn/module_kernels.h"

namespace graftwork::core {

/// Modes of the modules of a table, all of which begin in evaluation. Refers to the table, which must stay as it is.
class ModuleModes {
 public:
  explicit ModuleModes(const ModuleTable& modules);

  /// Of all modules, or of those that `path` names, with their parts: a module ("layer1.0.bn1", "FusedConvBN_3") or
  /// what holds modules ("layer1"). Throws Error "train.module" where it names none.
  void set(Mode mode);
  void set(std::string_view path, Mode mode);

  /// Batch norms compute with their running statistics from then on, and leave them, whatever mode they are in. Their
  /// γ and β stay what they are: parameters.
  void freeze_batch_norm();
  /// The same of one module alone.
  void freeze(ModuleId batch_norm);

  /// By index of the module, as the executor takes them.
  std::span<const Mode> modes() const { return effective_; }

  /// A byte for each module, and back: what a checkpoint stores. Throws Error "train.checkpoint" for other bytes.
  std::vector<uint8_t> state() const;
  void restore(std::span<const uint8_t> state);

 private:
  void apply();

  const ModuleTable& modules_;
  std::vector<Mode> wanted_;
  std::vector<bool> frozen_;
  std::vector<Mode> effective_;
};

}  // namespace graftwork::core

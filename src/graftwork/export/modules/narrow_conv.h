// Quantized convolutions of few channels whose picture is one pixel wide (docs/decisions/narrow-convolutions.md).
#pragma once

#include <optional>

#include "graftwork/export/module_lowering.h"

namespace graftwork::core {

/// One with further axes of one element in front of its own: [N, C, L] as [N, C, 1, L], [N, C, H, 1] as [N, C, 1, H,
/// 1].
class NarrowConvolution {
 public:
  /// `call` must outlive it.
  NarrowConvolution(const ModuleCall& call, size_t added);

  /// The codes as the convolution reads them.
  at::Tensor weight(at::Tensor codes) const;
  std::string lower(Lowering& lowering, const std::string& weight, const std::string& bias) const;

 private:
  const ModuleCall& call_;
  ModuleRecord record_;
  std::vector<int64_t> axes_;
};

/// Absent where the engine takes the convolution as it is.
std::optional<NarrowConvolution> as_narrow(const Lowering& lowering, const ModuleCall& call);

}  // namespace graftwork::core

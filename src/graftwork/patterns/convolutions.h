// Convolutions and the batch norms behind them, in one, two and three dimensions.
#pragma once

#include <array>

#include "graftwork/base/symbol.h"

namespace graftwork {

inline std::array<Symbol, 3> forward_convolutions() { return {"nn.Conv1d", "nn.Conv2d", "nn.Conv3d"}; }

/// Transposed ones too.
inline std::array<Symbol, 6> convolutions() {
  return {"nn.Conv1d", "nn.Conv2d", "nn.Conv3d", "nn.ConvTranspose1d", "nn.ConvTranspose2d", "nn.ConvTranspose3d"};
}

inline std::array<Symbol, 3> batch_norms() { return {"nn.BatchNorm1d", "nn.BatchNorm2d", "nn.BatchNorm3d"}; }

}  // namespace graftwork

// The activations that TensorRT takes into the kernel in front of them (rule F2).
#pragma once

#include <array>

#include "graftwork/base/symbol.h"

namespace graftwork {

inline std::array<Symbol, 12> fusible_activations() {
  return {"nn.ReLU",      "nn.ReLU6",       "nn.LeakyReLU", "nn.ELU",  "nn.GELU",  "nn.SiLU",
          "nn.Hardswish", "nn.Hardsigmoid", "nn.Sigmoid",   "nn.Tanh", "nn.PReLU", "nn.Mish"};
}

}  // namespace graftwork

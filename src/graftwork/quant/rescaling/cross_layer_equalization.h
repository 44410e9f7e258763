// Cross-layer equalization: weights of one layer that differ between channels meet those of the next one half way.
#pragma once

#include <vector>

#include "graftwork/nn/tensor_store.h"

namespace graftwork::core {

/// A layer, and the layers that read its channels.
struct EqualizedPair {
  Symbol source;                ///< Path of the layer.
  std::vector<Symbol> readers;  ///< Paths of the layers.
  double smallest = 1;          ///< Of the factors s: the source's channels are divided by them.
  double largest = 1;
  std::string refusal = {};  ///< Why nothing was moved; empty where it was.
};

/// Changes the weights of `network`, a copy whose tensors are shared, so that its function stays what it was: with r1
/// the largest weight of each output channel of a layer, through the batch norm behind it, and r2 that of the input
/// channels of the layers that read it, s = √(r1 / r2), and 1 where either is 0, makes both √(r1 · r2) (Nagel et al.
/// 2019, "Data-Free Quantization Through Weight Equalization and Bias Correction", section 4.1). Between them may stand
/// what a positive factor passes: ReLU, LeakyReLU, PReLU, pooling, data movement. Chains are equalized in turns, until
/// no factor moves by more than a thousandth, twenty times at most. Every layer that is read by no layer alone is
/// listed with what is in the way.
std::vector<EqualizedPair> equalize_layers(Network& network);

}  // namespace graftwork::core

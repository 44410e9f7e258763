// What the inputs of a network look like on calibration data, beside what its first batch norms expect.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "graftwork/base/symbol.h"
#include "graftwork/quant/inputs/norm_fit.h"

namespace graftwork::core {

/// The convolution that reads an input, and the batch norm behind it.
struct ExpectedInput {
  Symbol layer;
  Symbol batch_norm;
  NormFit fit;
};

struct InputFacts {
  Symbol input;
  double min = 0, max = 0;
  std::vector<double> mean;    ///< By channel (the axis behind that of the samples), of one to four; else one number.
  std::vector<double> stddev;  ///< Likewise.
  /// Where a convolution with batch norm reads the input itself, and the running statistics are those of a training.
  std::optional<ExpectedInput> expected;
};

/// "x: 0 to 1, mean 0.48, 0.46, 0.41, std 0.23, 0.22, 0.23; as bn1 behind conv1 expects".
std::string text_of(const InputFacts& facts);
/// What to say of a mismatch; nothing where there is none.
std::vector<std::string> input_warnings(const std::vector<InputFacts>& inputs);

}  // namespace graftwork::core

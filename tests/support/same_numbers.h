// Whether two networks compute the same.
#pragma once

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "unit/nn/random_tensors.h"

namespace graftwork::core::testing {

/// Runs both on the same inputs and parameters; a sentence when their results differ by more than `tolerance`, relative
/// to the largest value of the result.
inline std::optional<std::string> different_numbers(const GraphModule& before, const GraphModule& after,
                                                    const TensorStore& tensors, double tolerance, uint64_t seed) {
  const at::NoGradGuard no_grad;
  const std::vector<at::Tensor> inputs = random_inputs(before, seed);
  try {
    const std::vector<at::Tensor> expected = Executor(before).run(tensors, inputs);
    const std::vector<at::Tensor> got = Executor(after).run(tensors, inputs);
    if (got.size() != expected.size()) return cat(got.size(), " results, not ", expected.size());
    for (size_t i = 0; i < got.size(); ++i) {
      const double difference = relative_difference(got[i], expected[i]);
      if (!(difference <= tolerance))
        return cat("result ", i, " differs by ", difference, ", relative to its largest value");
    }
    return std::nullopt;
  } catch (const Error& error) {
    return error.report();
  }
}

}  // namespace graftwork::core::testing

// How quantization rounds what a layer multiplies.
#pragma once

#include <optional>

#include "graftwork/place/stub_plan.h"

namespace graftwork::core {

/// Precision, method and blocks of each operand; nothing where it stays in floating point.
struct OperandRounding {
  std::optional<TensorQuantConfig> activation;
  std::optional<WeightQuantConfig> weight;
};

/// By the plan: `layer`, the path of a layer, as a part of the called module `kernel`. Methods are the recipe's, where
/// the precision takes them.
OperandRounding rounding_by(const StubPlan& plan, const ModuleTable& modules, Symbol kernel, Symbol layer,
                            const QuantConfig& config);

}  // namespace graftwork::core

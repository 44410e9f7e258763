#include "graftwork/quant/rounding/layer_inputs.h"

#include <algorithm>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"

namespace graftwork::core {

std::vector<ValueRef> values_of(const std::vector<LayerInputs>& layers) {
  std::vector<ValueRef> values;
  for (const LayerInputs& inputs : layers) {
    for (const ValueRef& input : inputs) {
      if (std::find(values.begin(), values.end(), input) == values.end()) values.push_back(input);
    }
  }
  return values;
}

void check_finite(const ValueRef& seen, const at::Tensor& value, int64_t begin, int64_t end) {
  if (at::isfinite(value).all().item<bool>()) return;
  throw Error("data.value",
              cat("%", seen.node->name().str(), " becomes NaN or infinite on samples ", begin, " to ", end - 1),
              "checking the network and the scaling of the data");
}

}  // namespace graftwork::core

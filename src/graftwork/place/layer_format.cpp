#include "graftwork/place/layer_format.h"

#include "graftwork/base/text.h"

namespace graftwork::core {

std::string LayerFormat::text() const {
  const auto title = [](const std::optional<Precision>& precision) {
    return precision ? std::string(title_of(*precision)) : std::string("float");
  };
  if (!activation && !weight) return "floating point";
  if (block_size > 0) return cat(title(weight), " weights in blocks of ", block_size);
  if (activation == weight) return title(weight);
  return cat(title(weight), " weights, ", title(activation), " activations");
}

Outcome can_be_written(const LayerFormat& format) {
  if (!format.activation && !format.weight) return applied();
  if (!format.activation && format.block_size > 0) return applied();
  if (format.activation == Precision::kInt16 || format.weight == Precision::kInt16)
    return declined("TensorRT has no type for INT16 (rule E02)");
  if (format.activation == Precision::kInt4)
    return declined("TensorRT has no INT4 activations: the type is for weights alone (rule Q1)");
  if (format.weight == Precision::kInt4)
    return declined("TensorRT takes INT4 weights in blocks, read by activations in floating point (rule Q1)");
  if (format.activation != format.weight)
    return declined("weight and activation of a product are quantized to one type, or both are not (rule W1)");
  return applied();
}

}  // namespace graftwork::core

#include "graftwork/export/value_info.h"

#include "graftwork/base/error.h"

namespace graftwork::core {

onnx::ValueInfo value_info(const std::string& name, const Type& type) {
  if (!type.tensor()) throw Error("export.types", name + " is " + type.text() + ", not a tensor of known shape");
  onnx::ValueInfo info{name, type.tensor()->dtype, {}};
  for (const Dim& dim : type.tensor()->dims) {
    const auto value = dim.maybe_value();
    info.dims.push_back(value ? onnx::Dimension(*value) : onnx::Dimension(dim.text()));
  }
  return info;
}

}  // namespace graftwork::core

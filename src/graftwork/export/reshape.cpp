#include "graftwork/export/reshape.h"

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/export/runtime_shape.h"

namespace graftwork::core {

std::string lower_reshape(Lowering& lowering, const std::string& name, const std::string& input, const Type& from,
                          const Type& to, const std::string& output) {
  if (!from.tensor() || !to.tensor()) throw Error("export.shape", name + ": its shape is not known");
  const std::vector<Dim>& source = from.tensor()->dims;
  const std::vector<Dim>& target = to.tensor()->dims;
  std::vector<int64_t> shape;
  size_t open = 0;
  for (size_t i = 0; i < target.size(); ++i) {
    if (target[i].is_static()) {
      shape.push_back(target[i].value());
    } else if (i < source.size() && source[i] == target[i]) {
      shape.push_back(0);
    } else {
      shape.push_back(-1);
      ++open;
    }
  }
  if (open > 1)
    return lowering.add("Reshape", name, {input, lower_shape(lowering, name + "_shape", *to.tensor())}, {}, output);
  return lowering.add("Reshape", name, {input, lowering.integers(name + "_shape", shape)}, {}, output);
}

}  // namespace graftwork::core

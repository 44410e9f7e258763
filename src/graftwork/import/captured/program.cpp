#include "graftwork/import/captured/program.h"

#include "graftwork/base/error.h"

namespace graftwork::captured {

const Argument* Call::input(std::string_view wanted) const {
  for (const NamedArgument& input : inputs) {
    if (input.name == wanted) return &input.arg;
  }
  return nullptr;
}

Type type_of(const TensorMeta& meta) {
  if (!meta.dtype.known) return {};
  return TensorType{*meta.dtype.known, meta.sizes};
}

void contradiction(const std::string& what) { throw Error("pt2.graph", what, "exporting the model again"); }

}  // namespace graftwork::captured

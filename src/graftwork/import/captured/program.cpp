#include "graftwork/import/captured/program.h"

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/ir/bounds.h"

namespace graftwork::core::captured {

const Argument* Call::input(std::string_view wanted) const {
  for (const NamedArgument& input : inputs) {
    if (input.name == wanted) return &input.arg;
  }
  return nullptr;
}

Type type_of(const TensorMeta& meta) {
  if (!meta.dtype.known) return {};
  if (meta.sizes.size() > kMostDimensions)
    throw Error("ir.size", cat("a tensor has at most ", kMostDimensions, " dimensions, not ", meta.sizes.size()));
  return TensorType{*meta.dtype.known, meta.sizes};
}

Call size_call(const std::string& tensor, size_t axis, const std::string& name, const Call& origin) {
  return {.op = "aten.sym_size.int",
          .inputs = {{"self", captured::tensor(tensor)}, {"dim", {static_cast<int64_t>(axis)}}},
          .outputs = {{NumberName{name}}},
          .name = name,
          .provenance = origin.provenance};
}

void contradiction(const std::string& what) { throw Error("pt2.graph", what, "exporting the model again"); }

}  // namespace graftwork::core::captured

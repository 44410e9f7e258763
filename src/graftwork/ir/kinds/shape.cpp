// Modules that move or drop nothing but shape: nn.Flatten, nn.Dropout, nn.Identity.
#include "graftwork/base/text.h"
#include "graftwork/ir/kinds/kinds.h"

namespace graftwork::core {
namespace {

Type flatten_shape(const ShapeQuery& query) {
  const TensorType& input = query.tensor(0);
  const auto rank = static_cast<int64_t>(input.rank());
  const auto wrap = [&](int64_t axis) { return axis < 0 ? axis + rank : axis; };
  const int64_t start = wrap(query.integer("start_dim"));
  const int64_t end = wrap(query.integer("end_dim"));
  if (start < 0 || start > end || end >= rank)
    refuse_shape(cat("cannot flatten ", start, "..", end, " of ", input.text()));
  TensorType result{input.dtype, {}};
  Dim product(1);
  for (int64_t axis = 0; axis < rank; ++axis) {
    const Dim& dim = input.dims[static_cast<size_t>(axis)];
    if (axis < start || axis > end) {
      result.dims.push_back(dim);
      continue;
    }
    product = product * dim;
    if (axis == end) result.dims.push_back(product);
  }
  return result;
}

}  // namespace

std::vector<Kind> shape_kinds() {
  const AttrForm axis = AttrForm::integer(-64);  // negative ones count from the last
  Kind flatten;
  flatten.name = "nn.Flatten";
  flatten.attrs = {{"start_dim", axis, Attribute(1)}, {"end_dim", axis, Attribute(-1)}};
  flatten.shape = flatten_shape;

  Kind dropout;
  dropout.name = "nn.Dropout";
  dropout.attrs = {{"p", AttrForm::number(), Attribute(0.5)}};
  dropout.shape = same_as_input;

  Kind identity;
  identity.name = "nn.Identity";
  identity.shape = same_as_input;
  return {flatten, dropout, identity};
}

}  // namespace graftwork::core

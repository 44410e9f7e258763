// nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d.
#include "graftwork/base/text.h"
#include "graftwork/ir/kinds/kinds.h"

namespace graftwork {
namespace {

Type batch_norm_shape(const ShapeQuery& query) {
  const TensorType& input = query.tensor(0);
  if (input.rank() < 2 || input.dims[1] != Dim(query.integer("num_features"))) {
    refuse_shape(cat("batch norm over ", query.integer("num_features"), " channels, its input is ", input.text()));
  }
  return query.inputs[0];
}

Kind batch_norm(Symbol name) {
  Kind kind;
  kind.name = name;
  kind.attrs = {{"num_features", AttrForm::integer(1)},
                {"eps", AttrForm::number(), Attribute(1e-05)},
                {"momentum", AttrForm::number(), Attribute(0.1)}};
  kind.params = {{"weight", true}, {"bias", true}, {"running_mean"}, {"running_var"}};
  kind.shape = batch_norm_shape;
  kind.param_type = [](const ModuleRecord& record, Symbol) {
    return std::optional(TensorType{DType::kF32, {Dim(*attribute_of(record, "num_features")->get<int64_t>())}});
  };
  return kind;
}

}  // namespace

std::vector<Kind> norm_kinds() {
  return {batch_norm("nn.BatchNorm1d"), batch_norm("nn.BatchNorm2d"), batch_norm("nn.BatchNorm3d")};
}

}  // namespace graftwork

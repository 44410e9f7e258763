// nn.Linear.
#include "graftwork/base/text.h"
#include "graftwork/ir/kinds/kinds.h"

namespace graftwork::core {
namespace {

Type linear_shape(const ShapeQuery& query) {
  TensorType result = query.tensor(0);
  if (result.dims.empty() || result.dims.back() != Dim(query.integer("in_features"))) {
    refuse_shape(
        cat("the linear layer takes ", query.integer("in_features"), " features, its input is ", result.text()));
  }
  result.dims.back() = Dim(query.integer("out_features"));
  return result;
}

std::optional<TensorType> linear_param(const ModuleRecord& record, Symbol name) {
  const Dim in(*attribute_of(record, "in_features")->get<int64_t>());
  const Dim out(*attribute_of(record, "out_features")->get<int64_t>());
  if (name == Symbol("bias")) return TensorType{DType::kF32, {out}};
  return TensorType{DType::kF32, {out, in}};
}

}  // namespace

std::vector<Kind> linear_kinds() {
  Kind kind;
  kind.name = "nn.Linear";
  kind.attrs = {{"in_features", AttrForm::integer(1)}, {"out_features", AttrForm::integer(1)}};
  kind.params = {{"weight"}, {"bias", true}};
  kind.output_channel_axis = 0;
  kind.shape = linear_shape;
  kind.param_type = linear_param;
  return {kind};
}

}  // namespace graftwork::core

// nn.BatchNormNd and nn.InstanceNormNd, nn.GroupNorm, nn.LayerNorm, nn.RMSNorm.
#include "graftwork/base/text.h"
#include "graftwork/ir/kinds/kinds.h"

namespace graftwork::core {
namespace {

Type batch_norm_shape(const ShapeQuery& query) {
  const TensorType& input = query.tensor(0);
  if (input.rank() < 2 || input.dims[1] != Dim(query.integer("num_features"))) {
    refuse_shape(cat("batch norm over ", query.integer("num_features"), " channels, its input is ", input.text()));
  }
  return query.inputs[0];
}

/// One value per channel in each parameter.
std::function<std::optional<TensorType>(const ModuleRecord&, Symbol)> per_channel(Symbol channels) {
  return [channels](const ModuleRecord& record, Symbol) {
    return std::optional(TensorType{DType::kF32, {Dim(*attribute_of(record, channels)->get<int64_t>())}});
  };
}

Kind batch_norm(Symbol name) {
  Kind kind;
  kind.name = name;
  kind.attrs = {{"num_features", AttrForm::integer(1)},
                {"eps", AttrForm::number(), Attribute(1e-05)},
                {"momentum", AttrForm::number(), Attribute(0.1)}};
  kind.params = {{"weight", true}, {"bias", true}, {"running_mean"}, {"running_var"}};
  kind.shape = batch_norm_shape;
  kind.param_type = per_channel("num_features");
  return kind;
}

Type instance_norm_shape(const ShapeQuery& query, size_t spatial) {
  const TensorType& input = query.tensor(0);
  if (input.rank() != spatial + 2 || input.dims[1] != Dim(query.integer("num_features"))) {
    refuse_shape(cat(spatial, "-D instance norm over ", query.integer("num_features"), " channels, its input is ",
                     input.text()));
  }
  return query.inputs[0];
}

Type group_norm_shape(const ShapeQuery& query) {
  const TensorType& input = query.tensor(0);
  const int64_t channels = query.integer("num_channels");
  if (input.rank() < 2 || input.dims[1] != Dim(channels) || channels % query.integer("num_groups") != 0) {
    refuse_shape(cat("group norm over ", channels, " channels in ", query.integer("num_groups"),
                     " groups, its input is ", input.text()));
  }
  return query.inputs[0];
}

/// The last dimensions must be those that are normalized.
Type trailing_norm_shape(const ShapeQuery& query) {
  const TensorType& input = query.tensor(0);
  const std::vector<int64_t>& shape = query.integers("normalized_shape");
  bool fits = !shape.empty() && input.rank() >= shape.size();
  for (size_t i = 0; fits && i < shape.size(); ++i) fits = input.dims[input.rank() - shape.size() + i] == Dim(shape[i]);
  if (!fits) {
    refuse_shape(cat("a norm over ", query.attr("normalized_shape").text(), ", its input is ", input.text()));
  }
  return query.inputs[0];
}

Kind instance_norm(size_t spatial) {
  Kind kind;
  kind.name = cat("nn.InstanceNorm", spatial, "d");
  kind.attrs = {{"num_features", AttrForm::integer(1)}, {"eps", AttrForm::number(), Attribute(1e-05)}};
  kind.params = {{"weight", true}, {"bias", true}};
  kind.shape = [spatial](const ShapeQuery& query) { return instance_norm_shape(query, spatial); };
  kind.param_type = per_channel("num_features");
  return kind;
}

Kind group_norm() {
  Kind kind;
  kind.name = "nn.GroupNorm";
  kind.attrs = {{"num_groups", AttrForm::integer(1)},
                {"num_channels", AttrForm::integer(1)},
                {"eps", AttrForm::number(), Attribute(1e-05)}};
  kind.params = {{"weight", true}, {"bias", true}};
  kind.shape = group_norm_shape;
  kind.param_type = per_channel("num_channels");
  return kind;
}

/// Over the last dimensions; the parameters have their shape.
Kind trailing_norm(Symbol name, std::vector<ParamSpec> params) {
  Kind kind;
  kind.name = name;
  kind.attrs = {{"normalized_shape", AttrForm::integers(0, 1)}, {"eps", AttrForm::number(), Attribute(1e-05)}};
  kind.params = std::move(params);
  kind.shape = trailing_norm_shape;
  kind.param_type = [](const ModuleRecord& record, Symbol) {
    const auto& shape = *attribute_of(record, "normalized_shape")->get<std::vector<int64_t>>();
    return std::optional(TensorType{DType::kF32, {shape.begin(), shape.end()}});
  };
  return kind;
}

}  // namespace

std::vector<Kind> norm_kinds() {
  std::vector<Kind> kinds;
  for (size_t spatial = 1; spatial <= 3; ++spatial) {
    kinds.push_back(batch_norm(cat("nn.BatchNorm", spatial, "d")));
    kinds.push_back(instance_norm(spatial));
  }
  kinds.push_back(group_norm());
  kinds.push_back(trailing_norm("nn.LayerNorm", {{"weight", true}, {"bias", true}}));
  kinds.push_back(trailing_norm("nn.RMSNorm", {{"weight", true}}));
  return kinds;
}

}  // namespace graftwork::core

// nn.Conv1d, nn.Conv2d, nn.Conv3d and their transposed forms.
#include "graftwork/base/text.h"
#include "graftwork/ir/kinds/kinds.h"

namespace graftwork::core {

Type same_as_input(const ShapeQuery& query) {
  query.tensor(0);
  return query.inputs[0];
}

Dim window_extent(const Dim& in, int64_t padding, int64_t dilation, int64_t kernel, int64_t stride) {
  const Dim out = (in + Dim(padding - dilation * (kernel - 1) - 1)).floor_div(stride) + Dim(1);
  if (out.is_static() && out.value() < 1) {
    refuse_shape(cat("a window of ", dilation * (kernel - 1) + 1, " does not fit into ", in.text(), " and ", padding,
                     " of padding"));
  }
  return out;
}

namespace {

void check_input(const ShapeQuery& query, const TensorType& input, size_t spatial) {
  if (input.rank() != spatial + 2) {
    refuse_shape(cat("a ", spatial, "-D convolution takes a tensor of rank ", spatial + 2, ", not ", input.text()));
  }
  if (input.dims[1] != Dim(query.integer("in_channels"))) {
    const auto channels = static_cast<size_t>(query.integer("in_channels"));
    refuse_shape(cat("the convolution takes ", counted(channels, "channel"), ", its input is ", input.text()));
  }
  const int64_t groups = query.integer("groups");
  if (query.integer("in_channels") % groups != 0 || query.integer("out_channels") % groups != 0) {
    refuse_shape(cat(groups, " groups do not divide ", query.integer("in_channels"), " and ",
                     query.integer("out_channels"), " channels"));
  }
}

/// Batch and channels of the result, with room for its extents.
TensorType without_extents(const ShapeQuery& query, const TensorType& input) {
  TensorType result{input.dtype, {}};
  result.dims.reserve(input.rank());
  result.dims.assign({input.dims[0], Dim(query.integer("out_channels"))});
  return result;
}

Type conv_shape(const ShapeQuery& query, size_t spatial) {
  const TensorType& input = query.tensor(0);
  check_input(query, input, spatial);
  TensorType result = without_extents(query, input);
  for (size_t i = 0; i < spatial; ++i) {
    result.dims.push_back(window_extent(input.dims[i + 2], 2 * query.integers("padding")[i],
                                        query.integers("dilation")[i], query.integers("kernel_size")[i],
                                        query.integers("stride")[i]));
  }
  return result;
}

Type conv_transpose_shape(const ShapeQuery& query, size_t spatial) {
  const TensorType& input = query.tensor(0);
  check_input(query, input, spatial);
  TensorType result = without_extents(query, input);
  for (size_t i = 0; i < spatial; ++i) {
    const int64_t grown = query.integers("dilation")[i] * (query.integers("kernel_size")[i] - 1) +
                          query.integers("output_padding")[i] + 1 - 2 * query.integers("padding")[i];
    result.dims.push_back((input.dims[i + 2] - 1) * Dim(query.integers("stride")[i]) + Dim(grown));
    if (const Dim& out = result.dims.back(); out.is_static() && out.value() < 1) {
      refuse_shape(cat("its padding leaves nothing of ", input.text()));
    }
  }
  return result;
}

std::optional<TensorType> conv_param(const ModuleRecord& record, Symbol name, bool transposed) {
  const int64_t in = *attribute_of(record, "in_channels")->get<int64_t>();
  const int64_t out = *attribute_of(record, "out_channels")->get<int64_t>();
  const int64_t groups = *attribute_of(record, "groups")->get<int64_t>();
  if (name == Symbol("bias")) return TensorType{DType::kF32, {Dim(out)}};
  TensorType weight{DType::kF32, transposed ? std::vector<Dim>{Dim(in), Dim(out / groups)}
                                            : std::vector<Dim>{Dim(out), Dim(in / groups)}};
  for (const int64_t extent : *attribute_of(record, "kernel_size")->get<std::vector<int64_t>>())
    weight.dims.emplace_back(extent);
  return weight;
}

Kind conv(Symbol name, size_t spatial, bool transposed) {
  const Attribute ones(std::vector<int64_t>(spatial, 1));
  const Attribute zeros(std::vector<int64_t>(spatial, 0));
  Kind kind;
  kind.name = name;
  const AttrForm at_least_one = AttrForm::integers(spatial, 1);
  const AttrForm at_least_zero = AttrForm::integers(spatial, 0);
  kind.attrs = {{"in_channels", AttrForm::integer(1)},
                {"out_channels", AttrForm::integer(1)},
                {"kernel_size", at_least_one},
                {"stride", at_least_one, ones},
                {"padding", at_least_zero, zeros},
                {"dilation", at_least_one, ones},
                {"groups", AttrForm::integer(1), Attribute(1)}};
  if (transposed) kind.attrs.push_back({"output_padding", at_least_zero, zeros});
  kind.params = {{"weight"}, {"bias", true}};
  kind.output_channel_axis = transposed ? 1 : 0;
  kind.shape = [=](const ShapeQuery& query) {
    return transposed ? conv_transpose_shape(query, spatial) : conv_shape(query, spatial);
  };
  kind.param_type = [=](const ModuleRecord& record, Symbol param) { return conv_param(record, param, transposed); };
  return kind;
}

}  // namespace

std::vector<Kind> conv_kinds() {
  return {conv("nn.Conv1d", 1, false),         conv("nn.Conv2d", 2, false),
          conv("nn.Conv3d", 3, false),         conv("nn.ConvTranspose1d", 1, true),
          conv("nn.ConvTranspose2d", 2, true), conv("nn.ConvTranspose3d", 3, true)};
}

}  // namespace graftwork::core

// Layers whose parameters are computed at run time, in float; and those that move windows.
#include <algorithm>
#include <numeric>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/export/form.h"

namespace graftwork::core {
namespace {

/// The operand that an argument is, counted over those that are given; nothing when it is left out.
std::optional<size_t> slot_of(const Form& form, const std::vector<std::string_view>& arguments, std::string_view name) {
  size_t slot = 0;
  for (const std::string_view argument : arguments) {
    const Attribute* attr = form.node().attrs().find(Symbol(std::string(argument)));
    const bool left_out = attr && attr->is_none();
    if (argument == name) return left_out || slot >= form.node().input_count() ? std::nullopt : std::optional(slot);
    slot += left_out ? 0 : 1;
  }
  return std::nullopt;
}

const std::vector<std::string_view> kInputWeightBias{"input", "weight", "bias"};

bool is_transposed(const Form& form) {
  return form.node().op().str().starts_with("aten.conv_transpose") || form.flag("transposed");
}

/// Numbers of which one is multiplied by another, and three of these products are added up.
constexpr int64_t kMostOfWindow = int64_t{1} << 30;

/// A file names its arguments freely.
void check_convolution(Form& form, size_t weight) {
  const int64_t rank = form.rank(weight), groups = form.integer("groups", 1);
  bool fits = rank >= 3 && rank <= 5 && groups >= 1 && groups < kMostOfWindow;
  for (const char* name : {"stride", "dilation", "padding", "output_padding"}) {
    if (!form.has(name) || !form.text(name, "").empty()) continue;
    const std::vector<int64_t> values = form.integers(name);
    const int64_t least = std::string_view(name).ends_with("padding") ? 0 : 1;
    fits &= values.size() == 1 || static_cast<int64_t>(values.size()) == rank - 2;
    for (const int64_t value : values) fits &= value >= least && value < kMostOfWindow;
  }
  const bool transposed = is_transposed(form);
  const auto channels = static_cast<size_t>(form.rank() == rank ? 1 : 0);
  fits &= form.rank() == rank || form.rank() == rank - 1;
  for (const TensorType* type : {&form.type(0), &form.type(weight)}) {
    for (const Dim& dim : type->dims) fits &= !dim.is_static() || dim.value() < kMostOfWindow;
  }
  if (fits && form.type(0).dims[channels].is_static()) {
    const std::vector<int64_t> kernel = form.shape(weight);
    fits = form.type(0).dims[channels] == (transposed ? Dim(kernel[0]) : Dim(kernel[1]) * Dim(groups));
  }
  if (!fits) throw Error("export.attribute", "its arguments are none that a convolution takes");
}

/// A convolution; without a batch it gets one for itself.
void convolution(Form& form) {
  const auto weight = slot_of(form, kInputWeightBias, "weight");
  const auto bias = slot_of(form, kInputWeightBias, "bias");
  if (!weight) throw Error("export.attribute", "it has no weight");
  check_convolution(form, *weight);
  const auto spatial = static_cast<size_t>(form.rank(*weight)) - 2;
  const std::vector<int64_t> kernel_shape = form.shape(*weight);
  const std::vector<int64_t> kernel(kernel_shape.begin() + 2, kernel_shape.end());
  const bool transposed = is_transposed(form);
  const std::vector<int64_t> dilation = form.per_axis("dilation", spatial, 1);
  std::vector<int64_t> begin, end;
  const std::string word = form.text("padding", "");
  if (word.empty() || word == "valid") {
    begin = word.empty() ? form.per_axis("padding", spatial, 0) : std::vector<int64_t>(spatial, 0);
    end = begin;
  } else {
    for (size_t i = 0; i < spatial; ++i) {
      const int64_t total = dilation[i] * (kernel[i] - 1);
      begin.push_back(total / 2);
      end.push_back(total - total / 2);
    }
  }
  const std::vector<int64_t> stride = form.per_axis("stride", spatial, 1);
  std::vector<int64_t> extra = form.per_axis("output_padding", spatial, 0);
  // ONNX Runtime takes no more of it than a step: what padding cuts off need not be cut off.
  for (size_t i = 0; transposed && i < spatial; ++i) {
    if (extra[i] < stride[i]) continue;
    const int64_t both = std::min(extra[i], end[i]);
    extra[i] -= both;
    end[i] -= both;
  }
  const std::vector<Dim>& given = form.type(0).dims;
  const std::vector<Dim>& result = form.result_type().dims;
  bool fits = result.size() == given.size();
  for (size_t i = 0; fits && i < spatial; ++i) {
    const auto in = given[given.size() - spatial + i].maybe_value();
    const auto out = result[result.size() - spatial + i].maybe_value();
    if (!in || !out) continue;
    const int64_t window = dilation[i] * (kernel[i] - 1), pad = begin[i] + end[i];
    fits = *out == (transposed ? (*in - 1) * stride[i] - pad + window + extra[i] + 1
                               : (*in + pad - window - 1) / stride[i] + 1);
  }
  if (!fits) throw Error("export.shape", "its result is not of the size that its arguments give");
  std::vector<int64_t> pads = begin;
  pads.insert(pads.end(), end.begin(), end.end());
  Form::Attributes attributes{{"dilations", dilation}, {"group", form.integer("groups", 1)}, {"kernel_shape", kernel}};
  if (transposed) attributes.emplace_back("output_padding", extra);
  attributes.emplace_back("pads", pads);
  attributes.emplace_back("strides", stride);
  // ONNX convolves floats: whole numbers below 2^53 are exact in double precision.
  const DType type = is_floating(form.result_dtype()) ? form.result_dtype() : DType::kF64;
  const bool batched = form.rank() == static_cast<int64_t>(spatial) + 2;
  const std::string axis = batched ? "" : form.list({0});
  const std::string x = form.operand(0, type);
  Form::Values inputs{batched ? x : form.add("Unsqueeze", {x, axis}), form.operand(*weight, type)};
  if (bias) inputs.push_back(form.operand(*bias, type));
  const char* op_type = transposed ? "ConvTranspose" : "Conv";
  const bool whole = type != form.result_dtype();
  if (batched && !whole) return form.result(op_type, inputs, attributes);
  std::string value = form.add(op_type, inputs, attributes);
  if (!batched) value = form.add("Squeeze", {value, axis});
  if (!whole) return form.result(value);
  form.result("Cast", {value}, {{"to", onnx::data_type(form.result_dtype())}});
}

/// One slope for all, or one for each channel.
void prelu(Form& form) {
  std::string slope = form.as_result(1);
  const int64_t rank = form.rank();
  if (rank > 2) {
    std::vector<int64_t> shape(static_cast<size_t>(rank - 1), 1);
    shape[0] = -1;
    slope = form.reshape(slope, shape);
  }
  form.result("PRelu", {form.as_result(0), slope});
}

/// x · weightᵀ + bias.
void linear(Form& form) {
  std::string weight = form.as_result(1);
  if (form.rank(1) == 2) weight = form.transpose(weight, {1, 0});
  if (form.node().input_count() < 3) return form.result("MatMul", {form.as_result(0), weight});
  form.result("Add", {form.add("MatMul", {form.as_result(0), weight}), form.as_result(2)});
}

/// beta · self + alpha · (mat1 · mat2).
void addmm(Form& form) {
  const DType type = form.result_dtype();
  std::string product = form.add("MatMul", {form.as_result(1), form.as_result(2)});
  const double alpha = form.number("alpha", 1), beta = form.number("beta", 1);
  if (alpha != 1) product = form.add("Mul", {product, form.scalar(alpha, type)});
  if (beta == 0) return form.result(product);
  std::string self = form.as_result(0);
  if (beta != 1) self = form.add("Mul", {self, form.scalar(beta, type)});
  form.result("Add", {self, product});
}

/// (x − mean) / √(variance + ε) over some axes, with the mean and what it is multiplied by.
struct Normalised {
  std::string value;
  std::string mean;
  std::string factor;
};

Normalised normalised(Form& form, const std::string& x, const std::vector<int64_t>& axes) {
  const DType type = form.dtype(0);
  const std::string over = form.list(axes);
  const std::string mean = form.add("ReduceMean", {x, over}, {{"keepdims", int64_t{1}}});
  const std::string centred = form.add("Sub", {x, mean});
  const std::string variance =
      form.add("ReduceMean", {form.add("Mul", {centred, centred}), over}, {{"keepdims", int64_t{1}}});
  const std::string raised = form.add("Add", {variance, form.scalar(form.number("eps", 1e-5), type)});
  const std::string factor = form.add("Reciprocal", {form.add("Sqrt", {raised})});
  return {form.add("Mul", {centred, factor}), mean, factor};
}

/// · weight + bias, each of a shape that broadcasts.
std::string scaled_and_shifted(Form& form, std::string value, std::optional<size_t> weight, std::optional<size_t> bias,
                               const std::vector<int64_t>& shape) {
  const auto parameter = [&](size_t slot) {
    return shape.empty() ? form.operand(slot, form.dtype(0)) : form.reshape(form.operand(slot, form.dtype(0)), shape);
  };
  if (weight) value = form.add("Mul", {value, parameter(*weight)});
  if (bias) value = form.add("Add", {value, parameter(*bias)});
  return value;
}

/// Channels in groups: [batch, groups, what is in one].
Normalised normalised_groups(Form& form, int64_t groups) {
  const std::vector<int64_t> shape = form.shape(0);
  if (shape.size() < 2 || groups < 1 || shape[1] % groups != 0)
    throw Error("export.attribute", "its groups do not divide its channels");
  const int64_t rows = (Dim(shape[0]) * Dim(groups)).value();
  const std::string grouped =
      form.reshape(form.operand(0), {shape[0], groups, form.type(0).element_count() / std::max<int64_t>(rows, 1)});
  Normalised made = normalised(form, grouped, {2});
  made.value = form.reshape(made.value, shape);
  return made;
}

std::vector<int64_t> by_channel(int64_t rank) {
  std::vector<int64_t> shape(static_cast<size_t>(rank), 1);
  shape.at(1) = -1;
  return shape;
}

void group_norm(Form& form) {
  const Normalised made = normalised_groups(form, form.integer("num_groups", 1));
  form.result(scaled_and_shifted(form, made.value, slot_of(form, kInputWeightBias, "weight"),
                                 slot_of(form, kInputWeightBias, "bias"), by_channel(form.rank())));
}

/// With what it normalized by: [batch, groups].
void native_group_norm(Form& form) {
  const int64_t groups = form.integer("group", 1);
  const Normalised made = normalised_groups(form, groups);
  const std::vector<int64_t> statistics{form.shape(0).at(0), groups};
  form.result_of(0, scaled_and_shifted(form, made.value, slot_of(form, kInputWeightBias, "weight"),
                                       slot_of(form, kInputWeightBias, "bias"), by_channel(form.rank())));
  form.result_of(1, form.reshape(made.mean, statistics));
  form.result_of(2, form.reshape(made.factor, statistics));
}

std::vector<int64_t> last_axes(Form& form) {
  const auto count = static_cast<int64_t>(form.integers("normalized_shape").size());
  std::vector<int64_t> axes;
  for (int64_t axis = form.rank() - count; axis < form.rank(); ++axis) axes.push_back(axis);
  return axes;
}

void native_layer_norm(Form& form) {
  const Normalised made = normalised(form, form.operand(0), last_axes(form));
  form.result_of(0, scaled_and_shifted(form, made.value, slot_of(form, kInputWeightBias, "weight"),
                                       slot_of(form, kInputWeightBias, "bias"), {}));
  form.result_of(1, made.mean);
  form.result_of(2, made.factor);
}

/// x / √(mean of squares + ε) · weight. Its ε is the type's own where none is given.
void rms_norm(Form& form) {
  const DType type = form.dtype(0);
  const bool half = form.type(0).dtype == DType::kF16;
  const double smallest = half ? 0.0009765625 : 1.1920928955078125e-07;
  const std::string x = form.operand(0);
  const std::string squares =
      form.add("ReduceMean", {form.add("Mul", {x, x}), form.list(last_axes(form))}, {{"keepdims", int64_t{1}}});
  const std::string raised = form.add("Add", {squares, form.scalar(form.number("eps", smallest), type)});
  const std::string value = form.add("Div", {x, form.add("Sqrt", {raised})});
  form.result(scaled_and_shifted(form, value, slot_of(form, {"input", "weight"}, "weight"), std::nullopt, {}));
}

/// Each channel by itself, by its own statistics.
void instance_norm(Form& form) {
  const std::vector<std::string_view> arguments{"input", "weight", "bias", "running_mean", "running_var"};
  if (!form.flag("use_input_stats", true)) throw Error("export.attribute", "it has statistics computed in the graph");
  std::vector<int64_t> axes;
  for (int64_t axis = 2; axis < form.rank(); ++axis) axes.push_back(axis);
  const Normalised made = normalised(form, form.operand(0), axes);
  form.result(scaled_and_shifted(form, made.value, slot_of(form, arguments, "weight"), slot_of(form, arguments, "bias"),
                                 by_channel(form.rank())));
}

/// Normalised over the last dimensions; weight and bias may be missing.
void layer_norm(Form& form) {
  const auto over = static_cast<int64_t>(form.integers("normalized_shape").size());
  const auto weight = slot_of(form, kInputWeightBias, "weight");
  const auto bias = slot_of(form, kInputWeightBias, "bias");
  const std::string scale =
      weight ? form.as_result(*weight) : form.constant(at::ones(form.integers("normalized_shape"), at::kFloat));
  Form::Values inputs{form.as_result(0), scale};
  if (bias) inputs.push_back(form.as_result(*bias));
  form.result("LayerNormalization", inputs, {{"axis", -over}, {"epsilon", form.number("eps", 1e-5)}});
}

/// With given statistics: (x − mean) / √(variance + ε) · weight + bias.
void batch_norm(Form& form) {
  const std::vector<std::string_view> arguments{"input", "weight", "bias", "running_mean", "running_var"};
  if (form.flag("training"))
    throw Error("export.attribute", "it normalizes by the statistics of its input",
                "calling model.eval() before exporting");
  const auto mean = slot_of(form, arguments, "running_mean"), variance = slot_of(form, arguments, "running_var");
  const auto weight = slot_of(form, arguments, "weight"), bias = slot_of(form, arguments, "bias");
  if (!mean || !variance) throw Error("export.attribute", "it has no statistics");
  const at::Tensor ones = at::ones(form.shape(*mean), at::kFloat);
  const Form::Values inputs{form.as_result(0), weight ? form.as_result(*weight) : form.constant(ones),
                            bias ? form.as_result(*bias) : form.constant(at::zeros_like(ones)), form.as_result(*mean),
                            form.as_result(*variance)};
  form.result("BatchNormalization", inputs, {{"epsilon", form.number("eps", 1e-5)}});
}

/// Maxima of windows, and where they stand in the plane: ONNX counts through all planes.
void max_pool_with_indices(Form& form) {
  const std::vector<int64_t> shape = form.shape(0);
  const std::string& op = form.node().op().str();
  const size_t spatial = op.starts_with("aten.max_pool1d") ? 1 : op.starts_with("aten.max_pool2d") ? 2 : 3;
  if (shape.size() != spatial + 1 && shape.size() != spatial + 2)
    throw Error("export.attribute", "its windows have other dimensions than its operand");
  for (const char* name : {"kernel_size", "stride", "padding", "dilation"}) {
    const std::vector<int64_t> values = form.integers(name);
    const int64_t least = name == std::string_view("padding") ? 0 : 1;
    const auto fits = [&](int64_t value) { return value >= least && value < kMostOfWindow; };
    if ((values.size() > 1 && values.size() != spatial) || !std::all_of(values.begin(), values.end(), fits))
      throw Error("export.attribute", cat("its ", name, " is none of a pool"));
  }
  const std::vector<int64_t> kernel = form.per_axis("kernel_size", spatial, 1),
                             padding = form.per_axis("padding", spatial, 0);
  const std::vector<int64_t> stride = form.integers("stride").empty() ? kernel : form.per_axis("stride", spatial, 1);
  std::vector<int64_t> pads = padding;
  pads.insert(pads.end(), padding.begin(), padding.end());
  const bool single = shape.size() == spatial + 1;
  const DType type = is_floating(form.dtype(0)) ? form.dtype(0) : DType::kF64;
  std::string x = form.operand(0, type);
  if (single) x = form.add("Unsqueeze", {x, form.list({0})});
  const auto found = form.add_several("MaxPool", {x}, 2,
                                      {{"ceil_mode", int64_t{form.flag("ceil_mode") ? 1 : 0}},
                                       {"dilations", form.per_axis("dilation", spatial, 1)},
                                       {"kernel_shape", kernel},
                                       {"pads", pads},
                                       {"strides", stride}});
  Dim plane(1);
  for (size_t i = 0; i < spatial; ++i) plane = plane * Dim(shape[shape.size() - spatial + i]);
  std::string value = found[0];
  std::string place = form.add("Mod", {found[1], form.constant(at::scalar_tensor(plane.value(), at::kLong))});
  if (single) {
    value = form.add("Squeeze", {value, form.list({0})});
    place = form.add("Squeeze", {place, form.list({0})});
  }
  form.result_of(0, type == form.dtype(0) ? value : form.cast(value, form.dtype(0)));
  form.result_of(1, place);
}

/// [channels · count, 1, ...kernel]: each kernel has a single 1, at its own place.
at::Tensor one_place_each(int64_t channels, const std::vector<int64_t>& kernel) {
  constexpr int64_t kMostElements = int64_t{1} << 26;
  const int64_t count = std::accumulate(kernel.begin(), kernel.end(), int64_t{1}, std::multiplies<>());
  if (channels > kMostElements / (count * count))
    throw Error("export.attribute", "its windows and channels are more than are copied by a convolution");
  std::vector<int64_t> shape{channels * count, 1};
  shape.insert(shape.end(), kernel.begin(), kernel.end());
  return at::eye(count, at::kFloat).repeat({channels, 1}).reshape(shape);
}

Form::Attributes window(const Form& form, int64_t channels) {
  const std::vector<int64_t> padding = form.per_axis("padding", 2, 0);
  return {{"dilations", form.per_axis("dilation", 2, 1)},
          {"group", channels},
          {"kernel_shape", form.per_axis("kernel_size", 2, 1)},
          {"pads", std::vector<int64_t>{padding[0], padding[1], padding[0], padding[1]}},
          {"strides", form.per_axis("stride", 2, 1)}};
}

/// A file names its windows freely: they are divided by, and become the weight that copies.
void check_window(const Form& form) {
  constexpr int64_t kMost = 1 << 10;
  bool fits = true;
  for (const char* name : {"kernel_size", "dilation", "stride"}) {
    const std::vector<int64_t> values = form.per_axis(name, 2, 1);
    fits &= values.size() == 2;
    for (const int64_t value : values) fits &= value >= 1 && value <= kMost;
  }
  const std::vector<int64_t> kernel = form.per_axis("kernel_size", 2, 1), padding = form.per_axis("padding", 2, 0);
  for (const int64_t value : padding) fits &= value >= 0 && value < kMostOfWindow;
  if (!fits || padding.size() != 2 || kernel[0] * kernel[1] > kMost)
    throw Error("export.attribute", "its windows are larger than any that are written");
}

/// Every window as a column: a convolution that copies.
void im2col(Form& form) {
  check_window(form);
  const std::vector<int64_t> shape = form.shape(0);
  if (shape.size() != 3 && shape.size() != 4) throw Error("export.attribute", "its operand is no picture");
  const int64_t channels = shape[shape.size() - 3];
  // ONNX convolves floats.
  const DType type = is_floating(form.dtype(0)) ? form.dtype(0) : form.lowering().options().float_type;
  std::string x = form.operand(0, type);
  if (shape.size() == 3) x = form.add("Unsqueeze", {x, form.list({0})});
  const std::string weight = form.constant(one_place_each(channels, form.per_axis("kernel_size", 2, 1)));
  std::string windows = form.add("Conv", {x, weight}, window(form, channels));
  if (type != form.dtype(0)) windows = form.cast(windows, form.dtype(0));
  form.result("Reshape", {windows, form.list(form.result_shape())});
}

/// Columns added up where their windows lie: the transposed convolution that copies.
void col2im(Form& form) {
  check_window(form);
  const std::vector<int64_t> size = form.per_axis("output_size", 2, 1);
  const auto fits = [](int64_t extent) { return extent >= 1 && extent < kMostOfWindow; };
  if (size.size() != 2 || !std::all_of(size.begin(), size.end(), fits))
    throw Error("export.attribute", "its result is no picture");
  const std::vector<int64_t> kernel = form.per_axis("kernel_size", 2, 1), dilation = form.per_axis("dilation", 2, 1);
  const std::vector<int64_t> padding = form.per_axis("padding", 2, 0), stride = form.per_axis("stride", 2, 1);
  std::vector<int64_t> counts, rest;
  for (size_t i = 0; i < 2; ++i) {
    const int64_t room = size[i] + 2 * padding[i] - dilation[i] * (kernel[i] - 1) - 1;
    if (room < 0) throw Error("export.attribute", "its windows do not fit into its picture");
    counts.push_back(room / stride[i] + 1);
    rest.push_back(room % stride[i]);
  }
  const std::vector<int64_t> shape = form.shape(0);
  if (shape.size() != 2 && shape.size() != 3) throw Error("export.attribute", "its operand holds no windows");
  const int64_t rows = shape[shape.size() - 2], channels = rows / (kernel[0] * kernel[1]);
  const int64_t batch = shape.size() == 3 ? shape[0] : 1;
  const std::string x = form.reshape(form.operand(0), {batch, rows, counts[0], counts[1]});
  Form::Attributes attributes = window(form, channels);
  attributes.emplace_back("output_padding", rest);
  const std::string image = form.add("ConvTranspose", {x, form.constant(one_place_each(channels, kernel))}, attributes);
  form.result("Reshape", {image, form.list(form.result_shape())});
}

}  // namespace

OperatorLowerings layer_lowerings() {
  OperatorLowerings all{{"aten.linear.default", form(linear)},
                        {"aten.prelu.default", form(prelu)},
                        {"aten.addmm.default", form(addmm)},
                        {"aten.layer_norm.default", form(layer_norm)},
                        {"aten.batch_norm.default", form(batch_norm)},
                        {"aten.group_norm.default", form(group_norm)},
                        {"aten.native_group_norm.default", form(native_group_norm)},
                        {"aten.native_layer_norm.default", form(native_layer_norm)},
                        {"aten.rms_norm.default", form(rms_norm)},
                        {"aten.instance_norm.default", form(instance_norm)},
                        {"aten.max_pool1d_with_indices.default", form(max_pool_with_indices)},
                        {"aten.max_pool2d_with_indices.default", form(max_pool_with_indices)},
                        {"aten.max_pool3d_with_indices.default", form(max_pool_with_indices)},
                        {"aten.im2col.default", form(im2col)},
                        {"aten.col2im.default", form(col2im)}};
  for (const char* op :
       {"aten.conv1d.default", "aten.conv2d.default", "aten.conv3d.default", "aten.conv1d.padding",
        "aten.conv2d.padding", "aten.conv3d.padding", "aten.conv_transpose1d.default", "aten.conv_transpose2d.input",
        "aten.conv_transpose3d.input", "aten.convolution.default", "aten._convolution.default"})
    all.emplace_back(op, form(convolution));
  return all;
}

}  // namespace graftwork::core

// nn.Upsample, nn.PixelShuffle, nn.PixelUnshuffle, nn.ChannelShuffle.
#include "graftwork/export/resize.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/export/module_lowering.h"
#include "graftwork/export/reshape.h"
#include "graftwork/export/runtime_shape.h"

namespace graftwork::core {
namespace {

ResizeMode mode_of(const ModuleCall& call) {
  return {*attribute_of(call.record, "mode")->get<std::string>(), call.flag("align_corners")};
}

/// Whether all who multiply the extent by the factor of the file, in single or in double precision, find this size.
bool reaches(double factor, int64_t from, int64_t to) {
  const auto stored = static_cast<float>(factor);
  return static_cast<int64_t>(std::floor(stored * static_cast<float>(from))) == to &&
         static_cast<int64_t>(std::floor(static_cast<double>(stored) * static_cast<double>(from))) == to;
}

/// How one axis is resized: by a factor, or to a size.
struct AxisScale {
  double factor = 1;
  std::optional<int64_t> size;
};

/// A factor where it says it all: positions follow from it, as in torch where it is given. A size that a rounded factor
/// misses, or need not mean, is named.
AxisScale axis_scale(std::optional<double> factor, std::optional<int64_t> from, std::optional<int64_t> to) {
  if (factor && (!from || !to || reaches(*factor, *from, *to))) return {*factor, {}};
  // The sizes of batch and channels need not be known when the factors are given.
  if (!from || !to)
    throw Error("export.shape", "the size of what it scales is known at run time only", "a scale factor");
  const double ratio = static_cast<float>(static_cast<double>(*to) / static_cast<double>(*from));
  const bool is_exact = ratio * static_cast<double>(*from) == static_cast<double>(*to);
  return !factor && is_exact ? AxisScale{ratio, {}} : AxisScale{1, *to};
}

/// The positions along an axis that nearest resizing reads in torch, asked of torch: its forms round in several ways.
std::vector<int64_t> positions_of_torch(const Lowering& lowering, const ModuleCall& call, int64_t axis) {
  constexpr int64_t kMostElements = int64_t{1} << 26;
  std::vector<int64_t> shape{1, 1};
  Dim elements(1);
  for (size_t i = 2; i < call.input_type.tensor()->rank(); ++i) {
    shape.push_back(call.input_type.tensor()->dims[i].value());
    elements = elements * Dim(shape.back());
  }
  Dim made(1);
  for (size_t i = 2; i < call.output_type.tensor()->rank(); ++i) made = made * call.output_type.tensor()->dims[i];
  if (elements.value() > kMostElements || made.value() > kMostElements)
    throw Error("export.shape", cat(call.input_type.text(), " to ", call.output_type.text(),
                                    " is larger than what is resized to the nearest of its pixels"));
  std::vector<int64_t> along(shape.size(), 1);
  along[static_cast<size_t>(axis)] = shape[static_cast<size_t>(axis)];
  const at::Tensor numbered = at::arange(shape[static_cast<size_t>(axis)], at::kFloat).view(along).expand(shape);
  const c10::IValue input = numbered.contiguous();
  at::Tensor line = run_module(call.record, {&input, 1}, {lowering.modules(), lowering.network().tensors}).toTensor();
  for (int64_t i = line.dim() - 1; i >= 0; --i) {
    if (i != axis) line = line.select(i, 0);
  }
  line = line.to(at::kLong).contiguous();
  return {line.const_data_ptr<int64_t>(), line.const_data_ptr<int64_t>() + line.numel()};
}

/// Whether a Resize reads those positions, in single and in double precision.
bool reads(const std::string& mode, double factor, int64_t from, const std::vector<int64_t>& positions) {
  const bool is_exact = mode == "nearest-exact";
  const auto stored = static_cast<float>(factor);
  const auto within = [&](double position) {
    return std::clamp<int64_t>(static_cast<int64_t>(position), 0, std::max<int64_t>(from - 1, 0));
  };
  for (size_t i = 0; i < positions.size(); ++i) {
    const float at = static_cast<float>(i) + (is_exact ? 0.5F : 0);
    const float single = at / stored;
    const double precise = static_cast<double>(at) / static_cast<double>(stored);
    const int64_t found = within(is_exact ? std::round(single - 0.5F) : std::floor(single));
    if (found != positions[i] || within(std::floor(precise)) != positions[i]) return false;
  }
  return true;
}

std::string resize(Lowering& lowering, const ModuleCall& call, const std::string& name, std::vector<std::string> inputs,
                   const std::string& output) {
  return lowering.add("Resize", name, std::move(inputs), resize_attributes(mode_of(call)), output);
}

/// The axes along which nearest resizing of known extents reads other positions than a Resize would, and those.
std::map<size_t, std::vector<int64_t>> read_axes(const Lowering& lowering, const ModuleCall& call,
                                                 const std::vector<AxisScale>& axes) {
  std::map<size_t, std::vector<int64_t>> result;
  const std::string& mode = *attribute_of(call.record, "mode")->get<std::string>();
  const TensorType* in = call.input_type.tensor();
  const TensorType* out = call.output_type.tensor();
  const auto is_known = [](const Dim& dim) { return dim.is_static(); };
  if (!mode.starts_with("nearest") || !in || !out || !std::all_of(in->dims.begin() + 2, in->dims.end(), is_known))
    return {};
  for (size_t i = 2; i < axes.size(); ++i) {
    const int64_t from = in->dims[i].value(), to = out->dims[i].value();
    const double factor = axes[i].size ? static_cast<double>(to) / static_cast<double>(from) : axes[i].factor;
    std::vector<int64_t> positions = positions_of_torch(lowering, call, static_cast<int64_t>(i));
    if (!reads(mode, factor, from, positions)) result.emplace(i, std::move(positions));
  }
  return result;
}

/// First the axes that are read one by one, then those by size, then those by factor.
std::string upsample(Lowering& lowering, const ModuleCall& call) {
  const std::vector<int64_t> wanted = call.integers("size");
  const std::vector<double> given = *numbers_in(*attribute_of(call.record, "scale_factor"));
  const TensorType* in = call.input_type.tensor();
  const TensorType* out = call.output_type.tensor();
  const auto is_open = [](const Dim& dim) { return !dim.is_static(); };
  if (in && out && given.empty() && std::any_of(in->dims.begin() + 2, in->dims.end(), is_open)) {
    std::vector<std::string> sizes;
    for (const int64_t size : wanted) sizes.push_back(lowering.integers(call.path() + ".size", {size}));
    return lower_resize(lowering, call.path(), call.inputs[0], mode_of(call), *in, *out, sizes, call.output);
  }
  std::vector<AxisScale> axes(2);
  for (size_t i = 2; i < 2 + std::max(wanted.size(), given.size()); ++i) {
    axes.push_back(axis_scale(given.empty() ? std::nullopt : std::optional(given[i - 2]),
                              in ? in->dims[i].maybe_value() : std::nullopt,
                              out ? out->dims[i].maybe_value() : std::nullopt));
  }
  const auto read = read_axes(lowering, call, axes);
  for (const auto& [axis, positions] : read) axes[axis] = {};
  const bool names_sizes = std::any_of(axes.begin(), axes.end(), [](const AxisScale& axis) { return !!axis.size; });
  std::vector<double> factors;
  TensorType sized = in ? *in : TensorType{};
  for (size_t i = 0; i < axes.size(); ++i) {
    // An exact ratio means the same as a size.
    const bool by_size = axes[i].size || (names_sizes && given.empty());
    if (by_size || read.contains(i)) sized.dims[i] = out->dims[i];
    factors.push_back(by_size ? 1 : axes[i].factor);
  }
  const bool has_factors = std::any_of(factors.begin(), factors.end(), [](double factor) { return factor != 1; });
  std::string value = call.inputs[0];
  size_t left = read.size();
  for (const auto& [axis, positions] : read) {
    const bool is_last = --left == 0 && !names_sizes && !has_factors;
    const std::string name = is_last ? call.path() : cat(call.path(), ".axis_", axis);
    value = lowering.add("Gather", name, {value, lowering.integers(name + ".positions", positions)},
                         {{"axis", static_cast<int64_t>(axis)}}, is_last ? call.output : "");
  }
  if (names_sizes) {
    const std::string name = has_factors ? call.path() + ".sized" : call.path();
    const std::string sizes = lower_shape(lowering, name + ".sizes", sized);
    value = resize(lowering, call, name, {value, "", "", sizes}, has_factors ? "" : call.output);
  }
  if (!has_factors && (names_sizes || !read.empty())) return value;
  const std::string scales =
      lowering.constant(call.path() + ".scales", at::tensor(at::ArrayRef<double>(factors)).to(at::kFloat));
  return resize(lowering, call, call.path(), {value, "", scales}, call.output);
}

std::string pixel_shuffle(Lowering& lowering, const ModuleCall& call) {
  return lowering.add("DepthToSpace", call.path(), call.inputs,
                      {{"blocksize", call.integer("upscale_factor")}, {"mode", "CRD"}}, call.output);
}

/// Reshape, Transpose, Reshape through a type of more dimensions.
std::string through(Lowering& lowering, const ModuleCall& call, TensorType split, const std::vector<int64_t>& order) {
  const std::string apart = lower_reshape(lowering, call.path() + ".split", call.inputs[0], call.input_type, split, "");
  TensorType moved{split.dtype, {}};
  for (const int64_t axis : order) moved.dims.push_back(split.dims[static_cast<size_t>(axis)]);
  const std::string turned = lowering.add("Transpose", call.path() + ".transpose", {apart}, {{"perm", order}});
  return lower_reshape(lowering, call.path(), turned, moved, call.output_type, call.output);
}

const TensorType& image(const ModuleCall& call) {
  if (!call.input_type.tensor() || call.input_type.tensor()->rank() != 4)
    throw Error("export.shape", cat("its input is ", call.input_type.text(), ", not an image of rank 4"));
  return *call.input_type.tensor();
}

/// ONNX's SpaceToDepth orders the new channels otherwise.
std::string pixel_unshuffle(Lowering& lowering, const ModuleCall& call) {
  const TensorType& x = image(call);
  const int64_t factor = call.integer("downscale_factor");
  const Dim block(factor);
  return through(
      lowering, call,
      {x.dtype, {x.dims[0], x.dims[1], x.dims[2].floor_div(factor), block, x.dims[3].floor_div(factor), block}},
      {0, 1, 3, 5, 2, 4});
}

std::string channel_shuffle(Lowering& lowering, const ModuleCall& call) {
  const TensorType& x = image(call);
  const int64_t groups = call.integer("groups");
  return through(lowering, call, {x.dtype, {x.dims[0], Dim(groups), x.dims[1].floor_div(groups), x.dims[2], x.dims[3]}},
                 {0, 2, 1, 3, 4});
}

}  // namespace

ModuleLowerings resize_lowerings() {
  return {{"nn.Upsample", upsample},
          {"nn.PixelShuffle", pixel_shuffle},
          {"nn.PixelUnshuffle", pixel_unshuffle},
          {"nn.ChannelShuffle", channel_shuffle}};
}

}  // namespace graftwork::core

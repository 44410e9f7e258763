// nn.Upsample, nn.PixelShuffle, nn.PixelUnshuffle, nn.ChannelShuffle.
#include <algorithm>
#include <cmath>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/export/module_lowering.h"
#include "graftwork/export/reshape.h"
#include "graftwork/export/runtime_shape.h"

namespace graftwork {
namespace {

using Attributes = std::vector<std::pair<std::string, onnx::AttributeValue>>;

/// How torch maps an output position to an input position, in ONNX's words.
Attributes resize_attributes(const std::string& mode, bool align_corners) {
  if (mode == "nearest")
    return {{"coordinate_transformation_mode", "asymmetric"}, {"mode", "nearest"}, {"nearest_mode", "floor"}};
  if (mode == "nearest-exact")
    return {
        {"coordinate_transformation_mode", "half_pixel"}, {"mode", "nearest"}, {"nearest_mode", "round_prefer_ceil"}};
  const char* positions = align_corners ? "align_corners" : "half_pixel";
  if (mode == "bicubic")
    return {{"coordinate_transformation_mode", positions}, {"cubic_coeff_a", -0.75}, {"mode", "cubic"}};
  return {{"coordinate_transformation_mode", positions}, {"mode", "linear"}};
}

/// Whether all who multiply the extent by the factor of the file, in single or in double precision, find this size.
bool reaches(double factor, int64_t from, int64_t to) {
  const auto stored = static_cast<float>(factor);
  return static_cast<int64_t>(std::floor(stored * static_cast<float>(from))) == to &&
         static_cast<int64_t>(std::floor(static_cast<double>(stored) * static_cast<double>(from))) == to;
}

/// The factors of one Resize, and whether sizes have to say instead what it makes of its input.
struct Scaling {
  std::vector<double> factors;
  std::vector<Dim> sizes;
  bool by_sizes = false;
};

std::string resize(Lowering& lowering, const ModuleCall& call, const std::string& input, const Scaling& scaling,
                   const std::string& name, const std::string& output) {
  std::vector<std::string> inputs{input, ""};
  if (scaling.by_sizes) {
    inputs.push_back("");
    inputs.push_back(lower_shape(lowering, name + ".sizes", {call.output_type.tensor()->dtype, scaling.sizes}));
  } else {
    inputs.push_back(
        lowering.constant(name + ".scales", at::tensor(at::ArrayRef<double>(scaling.factors)).to(at::kFloat)));
  }
  const std::string& mode = *attribute_of(call.record, "mode")->get<std::string>();
  return lowering.add("Resize", name, std::move(inputs), resize_attributes(mode, call.flag("align_corners")), output);
}

/// Factors where they say it all: positions follow from them, as in torch where they are given. A size that a rounded
/// factor misses, or need not mean, is named; with both kinds among the dimensions, those by size are resized first.
std::string upsample(Lowering& lowering, const ModuleCall& call) {
  const std::vector<int64_t> wanted = call.integers("size");
  const std::vector<double> given = *numbers_in(*attribute_of(call.record, "scale_factor"));
  const TensorType* in = call.input_type.tensor();
  const TensorType* out = call.output_type.tensor();
  Scaling by_size, by_factor;
  by_size.by_sizes = true;
  if (in) by_size.sizes = in->dims;
  by_factor.factors = {1, 1};
  bool names_sizes = false, has_factors = false;
  for (size_t i = 0; i < std::max(wanted.size(), given.size()); ++i) {
    const auto from = in ? in->dims[i + 2].maybe_value() : std::nullopt;
    const auto to = out ? out->dims[i + 2].maybe_value() : std::nullopt;
    if (!given.empty() && (!from || !to || reaches(given[i], *from, *to))) {
      by_factor.factors.push_back(given[i]);
      has_factors = has_factors || given[i] != 1;
      continue;
    }
    // The sizes of batch and channels need not be known when the factors are given.
    if (!from || !to)
      throw Error("export.shape", "the size of what it scales is known at run time only", "a scale factor");
    const auto ratio = static_cast<float>(static_cast<double>(*to) / static_cast<double>(*from));
    const bool is_exact = static_cast<double>(ratio) * static_cast<double>(*from) == static_cast<double>(*to);
    by_factor.factors.push_back(given.empty() && is_exact ? ratio : 1);
    if (given.empty() && is_exact) {
      has_factors = has_factors || ratio != 1;
      continue;
    }
    names_sizes = true;
    by_size.sizes[i + 2] = Dim(*to);
  }
  if (!names_sizes) return resize(lowering, call, call.inputs[0], by_factor, call.path(), call.output);
  // An exact ratio is the same as a size.
  if (given.empty()) by_size.sizes = out->dims;
  if (given.empty() || !has_factors) return resize(lowering, call, call.inputs[0], by_size, call.path(), call.output);
  const std::string reached = resize(lowering, call, call.inputs[0], by_size, call.path() + ".sized", "");
  return resize(lowering, call, reached, by_factor, call.path(), call.output);
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

}  // namespace graftwork

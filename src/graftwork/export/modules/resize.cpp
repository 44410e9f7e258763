// nn.Upsample, nn.PixelShuffle, nn.PixelUnshuffle, nn.ChannelShuffle.
#include <cmath>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/export/module_lowering.h"
#include "graftwork/export/reshape.h"

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

/// A single-precision factor that makes `to` of `from` when the product is rounded down. Sizes instead of factors would
/// have to name the batch too.
double factor_to(int64_t from, int64_t to) {
  auto factor = static_cast<float>(static_cast<double>(to) / static_cast<double>(from));
  while (static_cast<int64_t>(factor * static_cast<float>(from)) < to) factor = std::nextafterf(factor, INFINITY);
  return factor;
}

std::string upsample(Lowering& lowering, const ModuleCall& call) {
  const std::string& mode = *attribute_of(call.record, "mode")->get<std::string>();
  const std::vector<int64_t> size = call.integers("size");
  const TensorType* input = call.input_type.tensor();
  std::vector<double> factors = *numbers_in(*attribute_of(call.record, "scale_factor"));
  factors.insert(factors.begin(), {1, 1});
  for (size_t i = 0; i < size.size(); ++i) {
    // The sizes of batch and channels need not be known when the factors are given.
    const auto extent = input ? input->dims[i + 2].maybe_value() : std::nullopt;
    if (!extent) throw Error("export.shape", "the size of what it scales is known at run time only", "a scale factor");
    factors.push_back(factor_to(*extent, size[i]));
  }
  const std::string scales =
      lowering.constant(call.path() + ".scales", at::tensor(at::ArrayRef<double>(factors)).to(at::kFloat));
  return lowering.add("Resize", call.path(), {call.inputs[0], "", scales},
                      resize_attributes(mode, call.flag("align_corners")), call.output);
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

// nn.Upsample, nn.PixelShuffle, nn.PixelUnshuffle, nn.ChannelShuffle.
#include <cmath>

#include "graftwork/base/text.h"
#include "graftwork/ir/kinds/kinds.h"

namespace graftwork::core {
namespace {

/// floor(extent · factor).
Dim scaled(const Dim& extent, double factor) {
  constexpr double kExact = 9007199254740992;  // 2⁵³, below which FP64 has every whole number
  if (extent.is_static()) {
    const double size = std::floor(static_cast<double>(extent.value()) * factor);
    if (!(size >= 0 && size < kExact)) refuse_shape(cat("factor ", factor, " of ", extent.text()));
    return {static_cast<int64_t>(size)};
  }
  if (factor == std::floor(factor)) return extent * Dim(static_cast<int64_t>(factor));
  if (1 / factor < kExact && 1 / factor == std::floor(1 / factor))
    return extent.floor_div(static_cast<int64_t>(1 / factor));
  return Dim::symbol(cat("floor((", extent.text(), ")*", factor, ")"));
}

/// Either the output's size or the factors, one for each spatial dimension.
Type upsample_shape(const ShapeQuery& query) {
  TensorType result = query.tensor(0);
  const std::vector<int64_t>& size = query.integers("size");
  const std::vector<double> factors = query.numbers("scale_factor");
  if (size.empty() == factors.empty()) refuse_shape("upsampling takes a size or factors");
  const size_t spatial = std::max(size.size(), factors.size());
  if (result.rank() != spatial + 2)
    refuse_shape(cat("upsampling ", spatial, " dimensions takes a tensor of rank ", spatial + 2, ", not ",
                     query.tensor(0).text()));
  for (size_t i = 0; i < spatial; ++i) {
    if (!factors.empty() && !(factors[i] > 0 && factors[i] < 65536)) refuse_shape(cat("factor ", factors[i]));
    result.dims[i + 2] = size.empty() ? scaled(result.dims[i + 2], factors[i]) : Dim(size[i]);
  }
  return result;
}

/// Moves a block of factor² channels into space.
Type pixel_shuffle_shape(const ShapeQuery& query) {
  TensorType result = query.tensor(0);
  const int64_t factor = query.integer("upscale_factor");
  const auto channels = result.rank() >= 3 ? result.dims[result.rank() - 3].maybe_value() : std::nullopt;
  if (!channels || *channels % (factor * factor) != 0) {
    refuse_shape(cat("pixel shuffle by ", factor, " takes a multiple of ", factor * factor, " channels, its input is ",
                     query.tensor(0).text()));
  }
  result.dims[result.rank() - 3] = Dim(*channels / (factor * factor));
  for (size_t i = 1; i <= 2; ++i) result.dims[result.rank() - i] = result.dims[result.rank() - i] * Dim(factor);
  return result;
}

Type pixel_unshuffle_shape(const ShapeQuery& query) {
  TensorType result = query.tensor(0);
  const int64_t factor = query.integer("downscale_factor");
  if (result.rank() < 3) refuse_shape("pixel unshuffle takes a tensor of rank 3 or more, not " + result.text());
  for (size_t i = 1; i <= 2; ++i) {
    Dim& extent = result.dims[result.rank() - i];
    if (extent.floor_div(factor) * Dim(factor) != extent)
      refuse_shape(cat("pixel unshuffle by ", factor, " does not divide ", query.tensor(0).text()));
    extent = extent.floor_div(factor);
  }
  result.dims[result.rank() - 3] = result.dims[result.rank() - 3] * Dim(factor * factor);
  return result;
}

Type channel_shuffle_shape(const ShapeQuery& query) {
  const TensorType& input = query.tensor(0);
  const auto channels = input.rank() >= 3 ? input.dims[1].maybe_value() : std::nullopt;
  if (!channels || *channels % query.integer("groups") != 0)
    refuse_shape(cat(query.integer("groups"), " groups do not divide the channels of ", input.text()));
  return query.inputs[0];
}

Kind kind_with(Symbol name, std::vector<AttrSpec> attrs, Type (*shape)(const ShapeQuery&)) {
  Kind kind;
  kind.name = name;
  kind.attrs = std::move(attrs);
  kind.shape = shape;
  return kind;
}

}  // namespace

std::vector<Kind> resize_kinds() {
  const AttrForm factor = AttrForm::integer(1);
  return {kind_with("nn.Upsample",
                    {{"mode", AttrForm::text(), Attribute("nearest")},
                     {"size", AttrForm::integers(0, 1), Attribute(std::vector<int64_t>())},
                     {"scale_factor", AttrForm::numbers(0), Attribute(std::vector<int64_t>())},
                     {"align_corners", AttrForm::flag(), Attribute(false)}},
                    upsample_shape),
          kind_with("nn.PixelShuffle", {{"upscale_factor", factor}}, pixel_shuffle_shape),
          kind_with("nn.PixelUnshuffle", {{"downscale_factor", factor}}, pixel_unshuffle_shape),
          kind_with("nn.ChannelShuffle", {{"groups", factor}}, channel_shuffle_shape)};
}

}  // namespace graftwork::core

#include "graftwork/import/captured/decompose/dft_matrices.h"

#include <cmath>
#include <numbers>

#include "graftwork/base/text.h"

namespace graftwork::core::captured {
namespace {

double factor(const Dft& dft) {
  const auto points = static_cast<double>(dft.points);
  if (dft.scale == DftScale::kNone) return 1;
  return dft.scale == DftScale::kRoot ? 1 / std::sqrt(points) : 1 / points;
}

/// cos and sin of 2π·r·c/points, [rows, columns], exact at quarter turns: angles are counted in whole steps.
std::pair<at::Tensor, at::Tensor> waves(const Dft& dft, int64_t columns) {
  const auto longs = at::TensorOptions(at::kLong);
  const at::Tensor step =
      at::remainder(at::arange(dft.rows, longs).unsqueeze(1) * at::arange(columns, longs), dft.points);
  const at::Tensor angle =
      at::arange(dft.points, at::kDouble) * (2 * std::numbers::pi / static_cast<double>(dft.points));
  at::Tensor cosine = at::cos(angle), sine = at::sin(angle);
  const double scale = factor(dft);
  for (int64_t quarter = 0; quarter < 4; ++quarter) {
    if (quarter * dft.points % 4 != 0) continue;
    const int64_t place = quarter * dft.points / 4;
    cosine[place] = quarter == 0 ? 1.0 : quarter == 2 ? -1.0 : 0.0;
    sine[place] = quarter == 1 ? 1.0 : quarter == 3 ? -1.0 : 0.0;
  }
  return {cosine.mul(scale).to(dft.dtype).index({step}), sine.mul(scale).to(dft.dtype).index({step})};
}

std::string key(std::string_view kind, const Dft& dft, int64_t columns) {
  constexpr const char* kScales[] = {"", "_by_root", "_by_count"};
  return cat(kind, "_", dft.points, "_", dft.rows, "_", columns, kScales[static_cast<size_t>(dft.scale)], "_",
             dft.dtype == at::kFloat ? "f32" : c10::toString(dft.dtype));
}

}  // namespace

FormConstant real_dft_matrix(const Dft& dft, int64_t bins) {
  return {.key = key("dft", dft, bins), .shape = {dft.rows, 2 * bins}, .dtype = dft.dtype, .make = [dft, bins] {
            const auto [cosine, sine] = waves(dft, bins);
            return at::cat({cosine, -sine}, 1);
          }};
}

FormConstant complex_dft_matrix(const Dft& dft, bool inverse) {
  return {.key = key(inverse ? "complex_inverse_dft" : "complex_dft", dft, dft.points),
          .shape = {2 * dft.rows, 2 * dft.points},
          .dtype = dft.dtype,
          .make = [dft, inverse] {
            auto [cosine, sine] = waves(dft, dft.points);
            if (!inverse) sine = -sine;
            return at::cat({at::cat({cosine, sine}, 1), at::cat({-sine, cosine}, 1)}, 0);
          }};
}

FormConstant real_inverse_dft_matrix(const Dft& dft) {
  return {.key = key("inverse_dft", dft, dft.points),
          .shape = {2 * dft.rows, dft.points},
          .dtype = dft.dtype,
          .make = [dft] {
            const auto [cosine, sine] = waves(dft, dft.points);
            // Every bin stands for itself and its mirror image, but for the first and the middle one.
            at::Tensor weight = at::full({dft.rows, 1}, 2.0, dft.dtype);
            weight[0] = 1.0;
            if (dft.points % 2 == 0 && dft.rows > dft.points / 2) weight[dft.points / 2] = 1.0;
            return at::cat({cosine * weight, -sine * weight}, 0);
          }};
}

}  // namespace graftwork::core::captured

// Quantiles and histograms.
#include <limits>

#include "graftwork/import/captured/decompose/decomposition.h"

namespace graftwork::core::captured {
namespace {

using Tensors = std::vector<at::Tensor>;

/// The dimension that is looked along in the place of the last; all dimensions as one where none is named.
at::Tensor moved_last(const Arguments& args, const at::Tensor& x) {
  if (!args.is_given("dim")) return at::flatten(x);
  return x.dim() == 0 ? at::reshape(x, {1}) : at::movedim(x, args.integer("dim"), -1);
}

/// [..], or [.., count] with the quantiles behind, as torch orders them.
at::Tensor placed(const Arguments& args, at::Tensor found, bool has_several) {
  const int64_t rank = args.tensor("self").dim();
  if (args.flag("keepdim")) {
    if (args.is_given("dim") && rank > 0) {
      found = at::unsqueeze(found, at::maybe_wrap_dim(args.integer("dim"), rank));
    } else {
      std::vector<int64_t> shape(static_cast<size_t>(rank), 1);
      if (has_several) shape.push_back(found.size(-1));
      found = at::reshape(found, shape);
    }
  }
  return has_several ? at::movedim(found, -1, 0) : found;
}

/// What stands at each place of sorted rows. `places`, [count] or with the rows' leading dimensions, are INT64.
at::Tensor standing_at(const at::Tensor& sorted, const at::Tensor& places) {
  std::vector<int64_t> shape(sorted.sizes().begin(), sorted.sizes().end() - 1);
  shape.push_back(places.size(-1));
  return at::gather(sorted, -1, places.expand(shape));
}

/// Counted from the nearer one, as torch does: that may be infinite.
at::Tensor between(const at::Tensor& low, const at::Tensor& high, const at::Tensor& weight) {
  const at::Tensor width = at::sub(high, low);
  return at::where(at::lt(weight, 0.5), at::add(low, at::mul(width, weight)),
                   at::sub(high, at::mul(width, at::rsub(weight, 1))));
}

at::Tensor middle(const at::Tensor& low, const at::Tensor& high) {
  return at::sub(high, at::mul(at::sub(high, low), 0.5));
}

/// [count]. What is computed of constants alone is computed while the file is opened, whatever its float regions are.
at::Tensor shares(const Arguments& args, at::ScalarType type) {
  if (args.at("q").isTensor()) return at::reshape(args.tensor("q"), {-1}).to(type);
  return at::full({1}, args.number("q"), args.tensor("self").options().dtype(type));
}

Tensors as_result(const Arguments& args, const at::Tensor& found) {
  const bool has_several = args.at("q").isTensor() && args.tensor("q").dim() == 1;
  const at::Tensor made = found.to(args.tensor("self").scalar_type());
  return {placed(args, has_several ? made : at::squeeze(made, -1), has_several)};
}

/// Of rows that are all numbers.
at::Tensor quantile_of(const Arguments& args, const at::Tensor& rows) {
  const std::string how = args.text("interpolation");
  const at::Tensor sorted = std::get<0>(at::sort(rows, -1, false));
  const at::Tensor places = at::mul(shares(args, rows.scalar_type()), rows.size(-1) - 1), below = at::floor(places);
  if (how == "nearest") return standing_at(sorted, at::round(places).to(at::kLong));
  const at::Tensor low = standing_at(sorted, below.to(at::kLong));
  if (how == "lower") return low;
  const at::Tensor high = standing_at(sorted, at::ceil(places).to(at::kLong));
  if (how == "higher") return high;
  return how == "midpoint" ? middle(low, high) : between(low, high, at::sub(places, below));
}

/// NaN for each row that has one.
Tensors quantile(const Arguments& args) {
  const at::Tensor rows = moved_last(args, args.tensor("self"));
  return {as_result(args, at::masked_fill(quantile_of(args, rows), at::any(at::isnan(rows), -1, true),
                                          std::numeric_limits<double>::quiet_NaN()))};
}

/// Places in parts of 2^20, because FP16 has no halves beyond 1024: how far each is behind a whole one. A share is
/// rounded to such a part, so that places which differ by less than the row is long are one.
struct WholePlaces {
  at::Tensor below, above, nearest;  ///< INT64.
  at::Tensor rest;                   ///< INT64, from 0 to 2^20 − 1.
};

constexpr int64_t kRoot = int64_t{1} << 10, kWhole = kRoot * kRoot;

/// `share` of `last`, in parts.
WholePlaces whole_places(const at::Tensor& share, const at::Tensor& last) {
  const at::Tensor parts = at::add(at::mul(share, last), last), below = at::div(parts, kWhole, "floor");
  const at::Tensor ahead = at::sub(at::sub(parts, at::mul(below, kWhole)), last);  // from −last
  const at::Tensor above = at::add(below, at::gt(ahead, last).to(at::kLong));
  const at::Tensor from_half = at::sub(ahead, kWhole / 2),
                   is_odd = at::sub(below, at::mul(at::div(below, 2, "floor"), 2));
  const at::Tensor half = at::add(below, is_odd);  // torch rounds to even places
  const at::Tensor nearest =
      at::where(at::le(at::abs(from_half), last), half, at::add(below, at::gt(from_half, 0).to(at::kLong)));
  return {below, above, nearest, at::clamp_min(ahead, 0)};
}

/// What is no number is sorted behind all others and does not count: places change from row to row.
Tensors nanquantile(const Arguments& args) {
  const std::string how = args.text("interpolation");
  const at::Tensor rows = moved_last(args, args.tensor("self")), missing = at::isnan(rows);
  if (rows.size(-1) > kWhole / 8) return stays("its rows are too long");
  const at::Tensor greatest = at::amax(at::abs(at::masked_fill(rows, missing, 0)), {-1}, true);
  const at::Tensor sorted = std::get<0>(at::sort(at::where(missing, greatest, rows), -1, false));
  const at::Tensor count = at::sum(at::logical_not(missing).to(at::kLong), {-1}, true);
  const at::Tensor share = at::round(at::mul(shares(args, at::kDouble), kWhole)).to(at::kLong);
  const WholePlaces places = whole_places(share, at::clamp_min(at::sub(count, 1), 0));
  const at::Tensor low = standing_at(sorted, how == "nearest" ? places.nearest : places.below);
  const at::Tensor high = standing_at(sorted, places.above);
  const at::Tensor coarse = at::div(places.rest, kRoot, "floor"), fine = at::sub(places.rest, at::mul(coarse, kRoot));
  const auto type = rows.scalar_type();
  const at::Tensor weight = at::div(at::add(coarse.to(type), at::div(fine.to(type), kRoot)), kRoot);
  at::Tensor found = how == "higher" ? high : low;
  if (how == "linear") found = between(low, high, weight);
  if (how == "midpoint") found = middle(low, high);
  return as_result(args, at::masked_fill(found, at::eq(count, 0), std::numeric_limits<double>::quiet_NaN()));
}

/// How many elements fall into each of equal parts of a range, whose end belongs to the last. One without extent is
/// that of the elements.
Tensors histogram(const Arguments& args) {
  const at::Tensor x = at::flatten(args.tensor("self"));
  const int64_t bins = args.divisor("bins");
  if (x.numel() == 0) return {at::zeros({bins}, x.options())};
  at::Tensor least = at::full({}, args.number("min"), x.options());
  at::Tensor most = at::full({}, args.number("max"), x.options());
  if (args.number("min").toDouble() == args.number("max").toDouble()) {
    const at::Tensor same = at::eq(at::amin(x), at::amax(x)).to(x.scalar_type());
    least = at::sub(at::amin(x), same);
    most = at::add(at::amax(x), same);
  }
  const at::Tensor part = at::floor(at::mul(at::div(at::sub(x, least), at::sub(most, least)), bins));
  const at::Tensor inside = at::logical_and(at::ge(x, least), at::le(x, most));
  const at::Tensor bin = at::where(inside, at::clamp(part, 0, bins - 1), -1).to(at::kLong);
  const at::Tensor hits = at::eq(at::unsqueeze(bin, -1), at::arange(bins, bin.options()));
  return {at::sum(hits.to(x.scalar_type()), {0})};
}

}  // namespace

Decompositions order_statistic_decompositions() {
  return {{"aten.quantile.default", quantile},
          {"aten.quantile.scalar", quantile},
          {"aten.nanquantile.default", nanquantile},
          {"aten.nanquantile.scalar", nanquantile},
          {"aten.histc.default", histogram}};
}

}  // namespace graftwork::core::captured

// Pools: without a batch, and with divisors of their own.
#include <ATen/native/Pool.h>

#include <algorithm>

#include "graftwork/import/captured/decompose/decomposition.h"
#include "graftwork/ir/dim.h"

namespace graftwork::core::captured {
namespace {

using Tensors = std::vector<at::Tensor>;

/// Runs a pool on a batch of one.
template <class Pool>
Tensors batched(const Arguments& args, int64_t spatial, const Pool& pool) {
  const at::Tensor& x = args.tensor("self");
  if (x.dim() != spatial + 1) return stays("it has a batch");
  return {at::squeeze(pool(at::unsqueeze(x, 0)), 0)};
}

/// As many places have all windows of a pool together, whose maxima are looked for by tables of places.
constexpr int64_t kMostPlaces = int64_t{1} << 24;

/// What is as large as no picture is left alone: each window is looked at.
std::vector<int64_t> size_of(const Arguments& args) {
  constexpr int64_t kMost = int64_t{1} << 16;
  const std::vector<int64_t> size = args.integers("output_size");
  const auto fits = [](int64_t extent) { return extent >= 1 && extent <= kMost; };
  const bool has_dims = static_cast<int64_t>(size.size()) <= args.tensor("self").dim();
  if (!has_dims || !std::all_of(size.begin(), size.end(), fits)) leave_as_it_is("its sizes are none of a picture");
  return size;
}

/// Where window o of `out` begins and ends: ⌊o · in / out⌋ and ⌈(o + 1) · in / out⌉.
struct Windows {
  at::Tensor begin;
  at::Tensor end;
};

Windows windows_of(int64_t in, int64_t out, const at::Tensor& x) {
  const at::Tensor order = at::arange(out, x.options().dtype(at::kLong));
  const at::Tensor past = at::mul(at::add(order, 1), in);
  return {at::div(at::mul(order, in), out, "trunc"), at::div(at::add(past, out - 1), out, "trunc")};
}

bool same_windows(const at::Tensor& x, const std::vector<int64_t>& size) {
  for (size_t i = 0; i < size.size(); ++i) {
    if (x.size(x.dim() - static_cast<int64_t>(size.size() - i)) % size[i] != 0) return false;
  }
  return true;
}

/// Windows that differ in size, one dimension after the other: means as a product with a matrix of shares.
at::Tensor average(at::Tensor x, const std::vector<int64_t>& size) {
  for (size_t i = 0; i < size.size(); ++i) {
    const int64_t axis = x.dim() - static_cast<int64_t>(size.size() - i), in = x.size(axis);
    if (in == size[i]) continue;
    const Windows windows = windows_of(in, size[i], x);
    const at::Tensor places = at::unsqueeze(at::arange(in, windows.begin.options()), 1);
    const at::Tensor inside = at::logical_and(at::ge(places, windows.begin), at::lt(places, windows.end));
    const at::Tensor width = at::sub(windows.end, windows.begin).to(x.scalar_type());
    const at::Tensor shares = at::div(inside.to(x.scalar_type()), width);
    x = at::transpose(at::matmul(at::transpose(x, axis, -1), shares), axis, -1);
  }
  return x;
}

/// The places in each window, the last repeated where others have more: [out, widest].
at::Tensor places_in(int64_t in, int64_t out, const at::Tensor& x) {
  if (in > kMostPlaces) leave_as_it_is("its input is no picture");
  int64_t widest = 0;
  for (int64_t o = 0; o < out; ++o) widest = std::max(widest, ((o + 1) * in + out - 1) / out - o * in / out);
  const Windows windows = windows_of(in, out, x);
  const at::Tensor step = at::arange(widest, windows.begin.options());
  return at::minimum(at::add(at::unsqueeze(windows.begin, 1), step), at::unsqueeze(at::sub(windows.end, 1), 1));
}

/// The same for maxima.
at::Tensor maximum(at::Tensor x, const std::vector<int64_t>& size) {
  for (size_t i = 0; i < size.size(); ++i) {
    const int64_t axis = x.dim() - static_cast<int64_t>(size.size() - i), in = x.size(axis), out = size[i];
    if (in == out) continue;
    const at::Tensor places = places_in(in, out, x);
    std::vector<int64_t> shape = x.sizes().vec();
    shape[static_cast<size_t>(axis)] = out;
    shape.insert(shape.begin() + axis + 1, places.size(1));
    x = at::amax(at::reshape(at::index_select(x, axis, at::flatten(places)), shape), {axis + 1});
  }
  return x;
}

/// Where in the plane the maxima are, of windows that have these places along each axis: [out, places]. What a window
/// holds stands in a row, by a table of places.
at::Tensor places_of_maxima(const at::Tensor& x, const std::vector<at::Tensor>& axes) {
  const auto spatial = static_cast<int64_t>(axes.size());
  at::Tensor table = at::zeros({1, 1}, x.options().dtype(at::kLong));  // windows, places in one
  std::vector<int64_t> size;
  for (int64_t i = 0; i < spatial; ++i) {
    const at::Tensor& places = axes[static_cast<size_t>(i)];
    const int64_t in = x.size(x.dim() - spatial + i), out = places.size(0);
    size.push_back(out);
    const at::Tensor rows = at::reshape(at::mul(table, in), {table.size(0), 1, table.size(1), 1});
    table = at::reshape(at::add(rows, at::reshape(places, {1, out, 1, places.size(1)})),
                        {table.size(0) * out, table.size(1) * places.size(1)});
  }
  std::vector<int64_t> shape(x.sizes().begin(), x.sizes().end() - spatial), result = shape, windows = shape;
  shape.push_back(-1);
  windows.insert(windows.end(), {table.size(0), table.size(1)});
  result.insert(result.end(), size.begin(), size.end());
  const at::Tensor held = at::reshape(at::index_select(at::reshape(x, shape), -1, at::flatten(table)), windows);
  const at::Tensor which = at::argmax(held, -1, true);
  return at::reshape(at::gather(table.expand(windows), -1, which), result);
}

template <size_t kSpatial>
Tensors adaptive_max_pool(const Arguments& args) {
  const at::Tensor& x = args.tensor("self");
  const std::vector<int64_t> size = size_of(args);
  if (size.size() != kSpatial) return stays("its sizes are not known");
  const bool batched = x.dim() == kSpatial + 2;
  if (batched && same_windows(x, size) && !args.is_read(1)) return stays("it is a module");
  const at::Tensor maxima = maximum(x, size);
  if (!args.is_read(1)) return {maxima, at::zeros(maxima.sizes(), x.options().dtype(at::kLong))};
  std::vector<at::Tensor> axes;
  Dim places(1);
  for (size_t i = 0; i < kSpatial; ++i) {
    axes.push_back(places_in(x.size(x.dim() - static_cast<int64_t>(kSpatial - i)), size[i], x));
    places = places * Dim(axes.back().numel());
  }
  if (places.value() > kMostPlaces) return stays("its windows are none of a picture");
  return {maxima, places_of_maxima(x, axes)};
}

Tensors adaptive_avg_pool1d(const Arguments& args) {
  if (!same_windows(args.tensor("self"), size_of(args))) return {average(args.tensor("self"), size_of(args))};
  return batched(args, 1, [&](const at::Tensor& x) { return at::adaptive_avg_pool1d(x, size_of(args)); });
}
Tensors adaptive_avg_pool2d(const Arguments& args) {
  if (!same_windows(args.tensor("self"), size_of(args))) return {average(args.tensor("self"), size_of(args))};
  return batched(args, 2, [&](const at::Tensor& x) { return at::adaptive_avg_pool2d(x, size_of(args)); });
}
Tensors adaptive_avg_pool3d(const Arguments& args) {
  if (!same_windows(args.tensor("self"), size_of(args))) return {average(args.tensor("self"), size_of(args))};
  return batched(args, 3, [&](const at::Tensor& x) { return at::adaptive_avg_pool3d(x, size_of(args)); });
}

/// How windows move, one number for each dimension of the picture.
struct Moves {
  std::vector<int64_t> kernel;
  std::vector<int64_t> stride;
  std::vector<int64_t> padding;
};

Moves moves_of(const Arguments& args, size_t spatial) {
  const auto each = [&](std::string_view name, const std::vector<int64_t>& fallback) {
    std::vector<int64_t> numbers = args.bounded_list(name);
    if (numbers.empty()) numbers = fallback;
    return numbers.size() == 1 ? std::vector<int64_t>(spatial, numbers[0]) : numbers;
  };
  Moves moves{.kernel = each("kernel_size", {1}), .stride = {}, .padding = each("padding", {0})};
  moves.stride = each("stride", moves.kernel);
  if (moves.kernel.size() != spatial || moves.stride.size() != spatial || moves.padding.size() != spatial)
    leave_as_it_is("its windows have other dimensions");
  for (size_t i = 0; i < spatial; ++i) {
    if (moves.kernel[i] < 1 || moves.stride[i] < 1 || moves.padding[i] < 0) leave_as_it_is("it has no windows");
  }
  return moves;
}

std::vector<int64_t> pooled_size(const at::Tensor& x, const Moves& moves, bool ceil) {
  std::vector<int64_t> size;
  const size_t spatial = moves.kernel.size();
  for (size_t i = 0; i < spatial; ++i) {
    const int64_t in = x.size(x.dim() - static_cast<int64_t>(spatial - i));
    size.push_back(at::native::pooling_output_shape<int64_t>(in, moves.kernel[i], moves.padding[i], moves.stride[i],
                                                             /*dilation=*/1, ceil));
  }
  return size;
}

template <int64_t kSpatial>
at::Tensor run_avg_pool(const at::Tensor& x, const Moves& moves, bool ceil, bool counts_padding) {
  if constexpr (kSpatial == 1)
    return at::avg_pool1d(x, moves.kernel, moves.stride, moves.padding, ceil, counts_padding);
  if constexpr (kSpatial == 2)
    return at::avg_pool2d(x, moves.kernel, moves.stride, moves.padding, ceil, counts_padding);
  if constexpr (kSpatial == 3)
    return at::avg_pool3d(x, moves.kernel, moves.stride, moves.padding, ceil, counts_padding);
}

/// The picture padded by 0 so that no window is cut. `size`: of the result.
at::Tensor padded(const at::Tensor& x, const Moves& moves, const std::vector<int64_t>& size) {
  std::vector<int64_t> widths;
  for (size_t i = size.size(); i-- > 0;) {
    const int64_t in = x.size(x.dim() - static_cast<int64_t>(size.size() - i));
    const int64_t reach = (size[i] - 1) * moves.stride[i] + moves.kernel[i] - in - moves.padding[i];
    widths.insert(widths.end(), {moves.padding[i], std::max<int64_t>(reach, 0)});
  }
  const bool any = std::any_of(widths.begin(), widths.end(), [](int64_t width) { return width > 0; });
  return any ? at::constant_pad_nd(x, widths, 0) : x;
}

/// Of whole numbers, which ONNX does not pool: sums of slices, and how many numbers each window holds.
at::Tensor sums(const at::Tensor& x, const Moves& moves, const std::vector<int64_t>& size) {
  at::Tensor windows = padded(x, moves, size);
  const int64_t first = x.dim() - static_cast<int64_t>(size.size());
  std::vector<int64_t> last;
  for (size_t i = 0; i < size.size(); ++i) {
    const int64_t axis = first + static_cast<int64_t>(i);
    windows = at::slice(windows, axis, 0, (size[i] - 1) * moves.stride[i] + moves.kernel[i]);
    windows = windows.unfold(axis, moves.kernel[i], moves.stride[i]);
    last.push_back(x.dim() + static_cast<int64_t>(i));
  }
  return at::sum(windows, last, false, x.scalar_type());
}

/// Numbers that stand in each window: all of the picture, and its padding where that counts.
at::Tensor held(const at::Tensor& x, const Moves& moves, const std::vector<int64_t>& size, bool counts_padding) {
  const int64_t first = x.dim() - static_cast<int64_t>(size.size());
  at::Tensor ones = at::ones(x.sizes().slice(static_cast<size_t>(first)), x.options());
  Moves inside = moves;
  if (counts_padding) {
    std::vector<int64_t> widths;
    for (size_t i = size.size(); i-- > 0;) widths.insert(widths.end(), {moves.padding[i], moves.padding[i]});
    ones = at::constant_pad_nd(ones, widths, 1);
    inside.padding.assign(size.size(), 0);
  }
  return sums(ones, inside, size);
}

/// A divisor of its own is one factor for all windows.
template <int64_t kSpatial>
Tensors avg_pool(const Arguments& args) {
  const at::Tensor& x = args.tensor("self");
  const Moves moves = moves_of(args, kSpatial);
  const bool ceil = args.flag("ceil_mode"), counts_padding = args.flag("count_include_pad");
  const bool single = x.dim() == kSpatial + 1, whole = !x.is_floating_point();
  const bool divides = kSpatial > 1 && args.has("divisor_override") && args.is_given("divisor_override");
  if (divides && args.number("divisor_override").equal(0)) return stays("it divides by 0");
  if (!single && !divides && !whole) return stays("it is a pool as modules are");
  const at::Tensor batch = single ? at::unsqueeze(x, 0) : x;
  at::Tensor pooled;
  if (divides || whole) {
    const std::vector<int64_t> size = pooled_size(batch, moves, ceil);
    if (whole) {
      pooled = sums(batch, moves, size);
      pooled = divides ? at::div(pooled, args.number("divisor_override"), "trunc")
                       : at::div(pooled, held(batch, moves, size, counts_padding), "trunc");
    } else {
      double elements = 1;
      for (const int64_t extent : moves.kernel) elements *= static_cast<double>(extent);
      const Moves inside{.kernel = moves.kernel, .stride = moves.stride, .padding = std::vector<int64_t>(kSpatial, 0)};
      pooled = run_avg_pool<kSpatial>(padded(batch, moves, size), inside, false, true);
      pooled = at::mul(pooled, elements / args.number("divisor_override").toDouble());
    }
  } else {
    pooled = run_avg_pool<kSpatial>(batch, moves, ceil, counts_padding);
  }
  return {single ? at::squeeze(pooled, 0) : pooled};
}

template <int64_t kSpatial>
Tensors max_pool(const Arguments& args) {
  return batched(args, kSpatial, [&](const at::Tensor& x) {
    const std::vector<int64_t> kernel = args.bounded_list("kernel_size"), stride = args.bounded_list("stride");
    const std::vector<int64_t> padding = args.bounded_list("padding"), dilation = args.bounded_list("dilation");
    const bool ceil = args.flag("ceil_mode");
    if constexpr (kSpatial == 1) return at::max_pool1d(x, kernel, stride, padding, dilation, ceil);
    if constexpr (kSpatial == 2) return at::max_pool2d(x, kernel, stride, padding, dilation, ceil);
    if constexpr (kSpatial == 3) return at::max_pool3d(x, kernel, stride, padding, dilation, ceil);
  });
}

/// The places in each window of a pool along an axis; those in the padding are the window's first that is none.
struct Window {
  int64_t kernel, stride, padding, dilation;
  bool ceil;

  int64_t count(int64_t in) const {
    const int64_t room = in + 2 * padding - dilation * (kernel - 1) - 1;
    int64_t out = (room + (ceil ? stride - 1 : 0)) / stride + 1;
    if (ceil && (out - 1) * stride >= in + padding) --out;
    return out;
  }
  at::Tensor places(int64_t in, const at::Tensor& x) const {
    const auto options = x.options().dtype(at::kLong);
    const at::Tensor begin = at::unsqueeze(at::sub(at::mul(at::arange(count(in), options), stride), padding), 1);
    const at::Tensor steps = at::div(at::add(at::clamp_min(at::neg(begin), 0), dilation - 1), dilation, "trunc");
    const at::Tensor first = at::add(begin, at::mul(steps, dilation));
    const at::Tensor all = at::add(begin, at::mul(at::arange(kernel, options), dilation));
    return at::where(at::logical_and(at::ge(all, 0), at::lt(all, in)), all, first);
  }
};

/// Maxima whose places are read: an engine has no pool that says them.
template <size_t kSpatial>
Tensors max_pool_with_indices(const Arguments& args) {
  const at::Tensor& x = args.tensor("self");
  if (!args.is_read(1)) return stays("it is a pool as modules are");
  if (x.dim() < static_cast<int64_t>(kSpatial)) return stays("its windows have other dimensions");
  const auto given = [&](const char* name, int64_t axis, int64_t fallback) {
    const std::vector<int64_t> list = args.bounded_list(name);
    if (list.size() > 1 && list.size() != kSpatial) leave_as_it_is("its windows have other dimensions");
    return list.empty() ? fallback : list[list.size() == 1 ? 0 : static_cast<size_t>(axis)];
  };
  std::vector<at::Tensor> axes;
  std::vector<int64_t> plane(x.sizes().begin(), x.sizes().end() - kSpatial);
  int64_t elements = 1;
  for (int64_t i = 0; i < static_cast<int64_t>(kSpatial); ++i) {
    const int64_t in = x.size(x.dim() - static_cast<int64_t>(kSpatial) + i), kernel = given("kernel_size", i, 1);
    const Window window{kernel, given("stride", i, kernel), given("padding", i, 0), given("dilation", i, 1),
                        args.flag("ceil_mode")};
    const bool fits = window.kernel > 0 && window.stride > 0 && window.dilation > 0 && window.padding >= 0 &&
                      window.kernel < kMostPlaces && window.dilation < kMostPlaces && window.padding <= kernel / 2;
    const int64_t count = fits ? window.count(in) : 0;
    if (count < 1 || count > kMostPlaces || elements > kMostPlaces / count / kernel)
      return stays("its windows are none of a picture");
    elements *= count * kernel;
    axes.push_back(window.places(in, x));
  }
  plane.push_back(-1);
  const at::Tensor where = places_of_maxima(x, axes);
  std::vector<int64_t> rows(where.sizes().begin(), where.sizes().end() - kSpatial);
  rows.push_back(-1);
  const at::Tensor maxima = at::gather(at::reshape(x, plane), -1, at::reshape(where, rows));
  return {at::reshape(maxima, where.sizes()), where};
}

/// Every value goes where its maximum was found, the rest is 0.
template <size_t kSpatial>
Tensors max_unpool(const Arguments& args) {
  const at::Tensor& x = args.tensor("self");
  const std::vector<int64_t> size = size_of(args);
  if (size.size() != kSpatial) return stays("its sizes are not known");
  std::vector<int64_t> rows(x.sizes().begin(), x.sizes().end() - kSpatial), result = rows, flat = rows;
  int64_t places = 1;
  for (const int64_t extent : size) places *= extent;  // three of at most 2¹⁶
  rows.push_back(-1);
  flat.push_back(places);
  result.insert(result.end(), size.begin(), size.end());
  const at::Tensor empty = at::zeros(flat, x.options());
  const at::Tensor filled = at::scatter(empty, -1, at::reshape(args.tensor("indices"), rows), at::reshape(x, rows));
  return {at::reshape(filled, result)};
}

}  // namespace

Decompositions pool_decompositions() {
  return {{"aten.adaptive_avg_pool1d.default", adaptive_avg_pool1d},
          {"aten.adaptive_avg_pool2d.default", adaptive_avg_pool2d},
          {"aten.adaptive_avg_pool3d.default", adaptive_avg_pool3d},
          {"aten.adaptive_max_pool1d.default", adaptive_max_pool<1>},
          {"aten.adaptive_max_pool2d.default", adaptive_max_pool<2>},
          {"aten.adaptive_max_pool3d.default", adaptive_max_pool<3>},
          {"aten.avg_pool1d.default", avg_pool<1>},
          {"aten.avg_pool2d.default", avg_pool<2>},
          {"aten.avg_pool3d.default", avg_pool<3>},
          {"aten.max_pool1d.default", max_pool<1>},
          {"aten.max_pool2d.default", max_pool<2>},
          {"aten.max_pool3d.default", max_pool<3>},
          {"aten.max_pool1d_with_indices.default", max_pool_with_indices<1>},
          {"aten.max_pool2d_with_indices.default", max_pool_with_indices<2>},
          {"aten.max_pool3d_with_indices.default", max_pool_with_indices<3>},
          {"aten.max_unpool2d.default", max_unpool<2>},
          {"aten.max_unpool3d.default", max_unpool<3>}};
}

}  // namespace graftwork::core::captured

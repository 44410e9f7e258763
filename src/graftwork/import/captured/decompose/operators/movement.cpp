// The same elements elsewhere.
#include <algorithm>
#include <numeric>

#include "graftwork/import/captured/decompose/decomposition.h"
#include "graftwork/ir/dim.h"

namespace graftwork::core::captured {
namespace {

using Tensors = std::vector<at::Tensor>;

int64_t front(int64_t axis, const at::Tensor& x) { return at::maybe_wrap_dim(axis, x.dim()); }

Tensors roll(const Arguments& args) {
  const std::vector<int64_t> shifts = args.integers("shifts"), dims = args.integers("dims");
  if (!dims.empty() && dims.size() != shifts.size()) return stays("it has a shift too many, or a dimension");
  at::Tensor x = args.tensor("self");
  const std::vector<int64_t> shape = x.sizes().vec();
  if (dims.empty()) x = at::flatten(x);
  for (size_t i = 0; i < shifts.size(); ++i) {
    const int64_t axis = dims.empty() ? 0 : front(dims[i], x);
    const int64_t extent = x.size(axis);
    const int64_t places = extent == 0 ? 0 : ((shifts[i] % extent) + extent) % extent;
    if (places == 0) continue;
    x = at::cat({at::slice(x, axis, extent - places, extent), at::slice(x, axis, 0, extent - places)}, axis);
  }
  return {dims.empty() ? at::reshape(x, shape) : x};
}

Tensors rot90(const Arguments& args) {
  const at::Tensor& x = args.tensor("self");
  const std::vector<int64_t> dims = args.integers("dims");
  if (dims.size() != 2) return stays("it turns no plane");
  const int64_t turns = ((args.integer("k") % 4) + 4) % 4;
  if (turns == 0) return {at::clone(x)};
  if (turns == 2) return {at::flip(x, dims)};
  return {at::transpose(at::flip(x, {dims[turns == 1 ? 1 : 0]}), dims[0], dims[1])};
}

Tensors pixel_unshuffle(const Arguments& args) {
  const at::Tensor& x = args.tensor("self");
  const int64_t factor = args.divisor("downscale_factor"), rank = x.dim();
  const int64_t channels = x.size(-3), height = x.size(-2) / factor, width = x.size(-1) / factor;
  std::vector<int64_t> split(x.sizes().begin(), x.sizes().end() - 2), order(static_cast<size_t>(rank - 2));
  split.insert(split.end(), {height, factor, width, factor});
  std::iota(order.begin(), order.end(), 0);
  order.insert(order.end(), {rank - 1, rank + 1, rank - 2, rank});
  std::vector<int64_t> joined(x.sizes().begin(), x.sizes().end() - 3);
  const Dim block = Dim(factor) * Dim(factor);
  joined.insert(joined.end(), {(Dim(channels) * block).value(), height, width});
  return {at::reshape(at::permute(at::reshape(x, split), order), joined)};
}

Tensors channel_shuffle(const Arguments& args) {
  const at::Tensor& x = args.tensor("self");
  const int64_t groups = args.divisor("groups");
  std::vector<int64_t> split{x.size(0), groups, x.size(1) / groups};
  split.insert(split.end(), x.sizes().begin() + 2, x.sizes().end());
  return {at::reshape(at::transpose(at::reshape(x, split), 1, 2), x.sizes())};
}

/// What negative widths of padding leave of a dimension.
at::Tensor cut(const at::Tensor& x, int64_t axis, int64_t left, int64_t right) {
  if (left >= 0 && right >= 0) return x;
  return at::slice(x, axis, std::max<int64_t>(-left, 0), x.size(axis) + std::min<int64_t>(right, 0));
}

/// What stands at each place, or at the nearest that there is: what is cut off at one side may be repeated at the
/// other.
at::Tensor clamped(at::Tensor x, const std::vector<int64_t>& pad) {
  for (size_t i = 0; i * 2 + 1 < pad.size(); ++i) {
    const int64_t axis = x.dim() - 1 - static_cast<int64_t>(i), extent = x.size(axis);
    if (pad[2 * i] == 0 && pad[2 * i + 1] == 0) continue;
    const at::Tensor places = at::arange(-pad[2 * i], extent + pad[2 * i + 1], x.options().dtype(at::kLong));
    x = at::index_select(x, axis, at::clamp(places, 0, extent - 1));
  }
  return x;
}

/// Two numbers for each dimension from the last one on. Negative ones cut, which ONNX knows of constants only.
Tensors pad(const Arguments& args) {
  std::vector<int64_t> pad = args.bounded_list("pad");
  at::Tensor x = args.tensor("self");
  if (static_cast<int64_t>(pad.size()) > 2 * x.dim()) return stays("it pads more dimensions than there are");
  const bool cuts = std::any_of(pad.begin(), pad.end(), [](int64_t width) { return width < 0; });
  if (args.text("mode") != "circular") {
    if (args.text("mode") == "constant" || !cuts) return stays("it is one operator of the file");
    if (args.text("mode") == "replicate") return {clamped(x, pad)};
    for (size_t i = 0; i * 2 + 1 < pad.size(); ++i) {
      x = cut(x, x.dim() - 1 - static_cast<int64_t>(i), pad[2 * i], pad[2 * i + 1]);
      for (const size_t side : {2 * i, 2 * i + 1}) pad[side] = std::max<int64_t>(pad[side], 0);
    }
    const bool any = std::any_of(pad.begin(), pad.end(), [](int64_t width) { return width > 0; });
    return {any ? at::pad(x, pad, args.text("mode")) : at::clone(x)};
  }
  for (size_t i = 0; i * 2 + 1 < pad.size(); ++i) {
    const int64_t axis = x.dim() - 1 - static_cast<int64_t>(i), left = pad[2 * i], right = pad[2 * i + 1];
    x = cut(x, axis, left, right);
    const int64_t extent = x.size(axis);
    Tensors parts;
    if (left > 0) parts.push_back(at::slice(x, axis, extent - left, extent));
    parts.push_back(x);
    if (right > 0) parts.push_back(at::slice(x, axis, 0, right));
    if (parts.size() > 1) x = at::cat(parts, axis);
  }
  return {x};
}

Tensors select_scatter(const Arguments& args) {
  const at::Tensor& x = args.tensor("self");
  const int64_t axis = front(args.integer("dim"), x), extent = x.size(axis);
  const int64_t at = args.integer("index") < 0 ? args.integer("index") + extent : args.integer("index");
  if (at < 0 || at >= extent) return stays("it has no such slice");
  const at::Tensor part = at::unsqueeze(args.tensor("src"), axis).to(x.scalar_type());
  Tensors parts;
  if (at > 0) parts.push_back(at::slice(x, axis, 0, at));
  parts.push_back(part);
  if (at + 1 < extent) parts.push_back(at::slice(x, axis, at + 1, extent));
  return {parts.size() > 1 ? at::cat(parts, axis) : at::clone(part)};
}

Tensors slice_scatter(const Arguments& args) {
  const at::Tensor& x = args.tensor("self");
  const int64_t axis = front(args.integer("dim"), x), extent = x.size(axis), step = args.integer("step");
  const auto bound = [&](std::string_view name, int64_t fallback) {
    const int64_t at = args.is_given(name) ? args.integer(name) : fallback;
    return std::clamp<int64_t>(at < 0 ? at + extent : at, 0, extent);
  };
  const int64_t start = bound("start", 0), end = std::max(start, bound("end", extent));
  if (start == end) return {at::clone(x)};
  if (step != 1) {
    const at::Tensor places = at::arange(start, end, step, x.options().dtype(at::kLong));
    std::vector<int64_t> shape(static_cast<size_t>(x.dim()), 1);
    shape[static_cast<size_t>(axis)] = places.size(0);
    std::vector<int64_t> full = x.sizes().vec();
    full[static_cast<size_t>(axis)] = places.size(0);
    const at::Tensor source = args.tensor("src").to(x.scalar_type()).expand(full);
    return {at::scatter(x, axis, at::reshape(places, shape).expand(full), source)};
  }
  std::vector<int64_t> shape = x.sizes().vec();
  shape[static_cast<size_t>(axis)] = end - start;
  Tensors parts;
  if (start > 0) parts.push_back(at::slice(x, axis, 0, start));
  parts.push_back(args.tensor("src").to(x.scalar_type()).expand(shape));
  if (end < extent) parts.push_back(at::slice(x, axis, end, extent));
  return {parts.size() > 1 ? at::cat(parts, axis) : at::clone(parts[0])};
}

/// Indices of one dimension, spread over the shape of what is written there.
at::Tensor spread(const at::Tensor& index, int64_t axis, const at::Tensor& like) {
  std::vector<int64_t> shape(static_cast<size_t>(like.dim()), 1);
  if (!shape.empty() && axis >= like.dim()) leave_as_it_is("what it writes has another rank");
  if (!shape.empty()) shape[static_cast<size_t>(axis)] = index.numel();
  return at::reshape(index, shape).to(at::kLong).expand(like.sizes());
}

Tensors index_copy(const Arguments& args) {
  const at::Tensor &x = args.tensor("self"), &source = args.tensor("source");
  const int64_t axis = front(args.integer("dim"), x);
  return {at::scatter(x, axis, spread(args.tensor("index"), axis, source), source)};
}

Tensors index_add(const Arguments& args) {
  const at::Tensor& x = args.tensor("self");
  const c10::Scalar alpha = args.number("alpha");
  const at::Tensor source = alpha.equal(1) ? args.tensor("source") : at::mul(args.tensor("source"), alpha);
  const int64_t axis = front(args.integer("dim"), x);
  return {at::scatter_add(x, axis, spread(args.tensor("index"), axis, source), source)};
}

/// Negative ones count from the end.
at::Tensor from_the_front(const at::Tensor& index, int64_t extent) {
  return at::where(at::lt(index, 0), at::add(index, extent), index);
}

Tensors index_fill(const Arguments& args) {
  const at::Tensor& x = args.tensor("self");
  const int64_t axis = front(args.integer("dim"), x);
  std::vector<int64_t> shape = x.sizes().vec();
  if (!shape.empty()) shape[static_cast<size_t>(axis)] = args.tensor("index").numel();
  const at::Tensor value = args.at("value").isTensor() ? args.tensor("value").to(x.scalar_type()).expand(shape)
                                                       : at::full(shape, args.number("value"), x.options());
  if (shape.empty()) return {at::clone(value)};
  const at::Tensor& given = args.tensor("index");
  const at::Tensor index = from_the_front(given, x.size(axis));
  return {at::scatter(x, axis, spread(index, axis, value), value)};
}

/// Means are sums by counts.
at::Tensor reduce_scattered(const at::Tensor& x, int64_t dim, const at::Tensor& index, const at::Tensor& source,
                            const std::string& reduction, bool include_self) {
  if (reduction != "mean") return at::scatter_reduce(x, dim, index, source, reduction, include_self);
  const at::Tensor sum = at::scatter_reduce(x, dim, index, source, "sum", include_self);
  const at::Tensor written =
      at::scatter_add(include_self ? at::ones_like(x) : at::zeros_like(x), dim, index, at::ones_like(source));
  const at::Tensor count = at::clamp_min(written, 1);
  return x.is_floating_point() ? at::div(sum, count) : at::div(sum, count, "floor");
}

/// A number counts as a row of one.
at::Tensor as_row(const at::Tensor& tensor) { return tensor.dim() == 0 ? at::reshape(tensor, {1}) : tensor; }

Tensors scatter_reduce_two(const Arguments& args) {
  if (args.text("reduce") != "mean") return stays("it has a form");
  const bool is_number = args.tensor("self").dim() == 0;
  const at::Tensor index = as_row(args.tensor("index"));
  at::Tensor source = as_row(args.tensor("src"));
  for (int64_t axis = 0; axis < index.dim(); ++axis) {  // torch passes over the rest
    if (source.size(axis) > index.size(axis)) source = at::slice(source, axis, 0, index.size(axis));
  }
  const at::Tensor made = reduce_scattered(as_row(args.tensor("self")), args.integer("dim"), index, source, "mean",
                                           args.flag("include_self"));
  return {is_number ? at::reshape(made, {}) : made};
}

Tensors index_reduce(const Arguments& args) {
  const bool is_number = args.tensor("self").dim() == 0;
  const at::Tensor x = as_row(args.tensor("self")), source = as_row(args.tensor("source"));
  const int64_t axis = front(args.integer("dim"), x);
  const at::Tensor index = spread(args.tensor("index"), axis, source);
  const at::Tensor made = reduce_scattered(x, axis, index, source, args.text("reduce"), args.flag("include_self"));
  return {is_number ? at::reshape(made, {}) : made};
}

Tensors take(const Arguments& args) {
  const at::Tensor& given = args.tensor("index");
  const at::Tensor index = from_the_front(at::flatten(given), args.tensor("self").numel());
  return {at::reshape(at::index_select(at::flatten(args.tensor("self")), 0, index), given.sizes())};
}

Tensors put(const Arguments& args) {
  const at::Tensor& x = args.tensor("self");
  const at::Tensor index = from_the_front(at::flatten(args.tensor("index")), x.numel());
  const at::Tensor flat = at::flatten(x), source = at::flatten(args.tensor("source"));
  const at::Tensor made =
      args.flag("accumulate") ? at::scatter_add(flat, 0, index, source) : at::scatter(flat, 0, index, source);
  return {at::reshape(made, x.sizes())};
}

/// Where a mask says which, and each takes the same, it is a choice.
Tensors index_put(const Arguments& args) {
  const at::Tensor& x = args.tensor("self");
  at::Tensor mask, values = args.tensor("values");
  int64_t ahead = 0;
  for (const c10::IValue& index : args.at("indices").toListRef()) {
    if (!index.isTensor()) {
      ahead += mask.defined() ? 0 : 1;
      continue;
    }
    if (mask.defined()) return stays("it has several indices");
    mask = index.toTensor();
  }
  if (!mask.defined() || (mask.scalar_type() != at::kBool && mask.scalar_type() != at::kByte))
    return stays("it has indices");
  const int64_t behind = x.dim() - ahead - mask.dim();
  while (values.dim() > ahead + 1 + behind && values.size(0) == 1) values = at::squeeze(values, 0);
  std::vector<int64_t> shape = values.sizes().vec();
  if (values.dim() > behind) {  // one of its dimensions is that of what the mask says
    const auto marked = shape.end() - behind - 1;
    if (*marked != 1) return stays("each place takes something of its own");
    shape.insert(shape.erase(marked), static_cast<size_t>(mask.dim()), 1);
    values = at::reshape(values, shape);
  }
  std::vector<int64_t> spread = mask.sizes().vec();
  spread.insert(spread.end(), static_cast<size_t>(behind), 1);
  const at::Tensor marks = at::reshape(mask, spread).to(at::kBool);
  return {at::where(marks, args.flag("accumulate") ? at::add(x, values) : values, x)};
}

/// The k-th place that the mask marks takes the k-th number.
Tensors masked_scatter(const Arguments& args) {
  const std::vector<at::Tensor> both = at::broadcast_tensors({args.tensor("self"), args.tensor("mask")});
  const at::Tensor &x = both[0], &mask = both[1];
  const at::Tensor order = at::clamp_min(at::sub(at::cumsum(at::flatten(mask).to(at::kLong), 0), 1), 0);
  const at::Tensor source = at::flatten(args.tensor("source"));
  if (source.numel() == 0) return {at::clone(x)};
  const at::Tensor last = at::clamp_max(order, source.numel() - 1);
  return {at::where(mask, at::reshape(at::index_select(source, 0, last), x.sizes()), x)};
}

/// From −1 to 1, at pixel centres or corners.
at::Tensor coordinates(int64_t count, bool corners, const at::TensorOptions& options) {
  const at::Tensor places = at::arange(count, options);
  if (corners && count == 1) return at::mul(places, 0);
  if (corners) return at::sub(at::mul(places, 2.0 / static_cast<double>(count - 1)), 1);
  return at::add(at::mul(places, 2.0 / static_cast<double>(count)), 1.0 / static_cast<double>(count) - 1);
}

/// theta: (N, 2, 3) or (N, 3, 4), applied to (x, y, 1) of each pixel.
Tensors affine_grid(const Arguments& args) {
  const at::Tensor& theta = args.tensor("theta");
  const std::vector<int64_t> size = args.integers("size");
  if (size.size() != 4 && size.size() != 5) return stays("its size is none of pictures");
  const bool corners = args.flag("align_corners");
  const auto options = theta.options();
  const std::vector<int64_t> spatial(size.begin() + 2, size.end());
  const auto rank = static_cast<int64_t>(spatial.size());
  Tensors axes;
  for (int64_t i = rank; i-- > 0;) {
    std::vector<int64_t> shape(static_cast<size_t>(rank), 1);
    shape[static_cast<size_t>(i)] = spatial[static_cast<size_t>(i)];
    axes.push_back(at::reshape(coordinates(spatial[static_cast<size_t>(i)], corners, options), shape).expand(spatial));
  }
  axes.push_back(at::ones(spatial, options));
  const at::Tensor base = at::reshape(at::stack(axes, -1), {-1, rank + 1});
  const at::Tensor grid = at::matmul(base, at::transpose(theta, 1, 2));
  std::vector<int64_t> shape{size[0]};
  shape.insert(shape.end(), spatial.begin(), spatial.end());
  shape.push_back(rank);
  return {at::reshape(grid, shape)};
}

Tensors one_hot(const Arguments& args) {
  const int64_t classes = args.integer("num_classes");
  if (classes <= 0) return stays("the number of its classes is known at run time only");
  const at::Tensor& index = args.tensor("self");
  return {at::eq(at::unsqueeze(index, -1), at::arange(classes, index.options())).to(at::kLong)};
}

/// Written along a diagonal: row and column say whose turn it is.
Tensors diagonal_scatter(const Arguments& args) {
  const at::Tensor& x = args.tensor("self");
  const int64_t dim1 = front(args.integer("dim1"), x), dim2 = front(args.integer("dim2"), x);
  const int64_t offset = args.bounded("offset"), rows = x.size(dim1), columns = x.size(dim2);
  const at::Tensor& source = args.tensor("src");
  const auto longs = x.options().dtype(at::kLong);
  const at::Tensor on = at::eq(at::add(at::unsqueeze(at::arange(rows, longs), 1), offset), at::arange(columns, longs));
  const int64_t missing = (offset >= 0 ? rows : columns) - source.size(-1);
  const at::Tensor line = at::unsqueeze(at::constant_pad_nd(source, {0, missing}), offset >= 0 ? -1 : -2);
  const at::Tensor moved = at::movedim(x, {dim1, dim2}, {-2, -1});
  return {at::movedim(at::where(on, line, moved), {-2, -1}, {dim1, dim2})};
}

/// One after the other, each below and right of the one before.
Tensors block_diag(const Arguments& args) {
  Tensors blocks = args.tensors("tensors"), rows;
  int64_t width = 0, left = 0;
  for (at::Tensor& block : blocks) {
    if (block.dim() < 2) block = at::reshape(block, {1, block.numel()});
    width += block.size(1);
  }
  for (const at::Tensor& block : blocks) {
    rows.push_back(at::constant_pad_nd(block, {left, width - left - block.size(1)}));
    left += block.size(1);
  }
  return {at::cat(rows, 0)};
}

Tensors alias_copy(const Arguments& args) { return {at::clone(args.tensor("self"))}; }

Tensors view_copy(const Arguments& args) {
  return {at::clone(at::reshape(args.tensor("self"), args.integers("size")))};
}

Tensors expand_copy(const Arguments& args) { return {at::clone(args.tensor("self").expand(args.integers("size")))}; }

Tensors permute_copy(const Arguments& args) {
  return {at::clone(at::permute(args.tensor("self"), args.integers("dims")))};
}

Tensors narrow_copy(const Arguments& args) {
  const int64_t start = args.integer("start");
  return {at::clone(at::narrow(args.tensor("self"), args.integer("dim"), start, args.integer("length")))};
}

/// Elements of memory by their distance from its beginning.
Tensors as_strided(const Arguments& args) {
  const at::Tensor& x = args.tensor("self");
  const std::vector<int64_t> size = args.integers("size"), stride = args.integers("stride");
  const int64_t offset = args.is_given("storage_offset") ? args.integer("storage_offset") : 0;
  if (stride.size() != size.size()) return stays("it has a stride too many, or a size");
  bool is_same = offset == 0 && x.sizes().vec() == size;
  for (size_t i = 0; is_same && i < size.size(); ++i)
    is_same = size[i] < 2 || x.stride(static_cast<int64_t>(i)) == stride[i];
  if (is_same) return {at::clone(x)};
  if (!x.is_contiguous()) return stays("it depends on how memory is laid out");
  at::Tensor places = at::full({}, offset, x.options().dtype(at::kLong));
  for (size_t i = 0; i < size.size(); ++i) {
    const at::Tensor steps = at::mul(at::arange(size[i], places.options()), stride[i]);
    places = at::add(at::unsqueeze(places, -1), steps);
  }
  return {at::reshape(at::index_select(at::flatten(x), 0, at::flatten(places)), size)};
}

Tensors fill(const Arguments& args) { return {at::full_like(args.tensor("self"), args.number("value"))}; }

Tensors unsqueeze_copy(const Arguments& args) {
  return {at::clone(at::unsqueeze(args.tensor("self"), args.integer("dim")))};
}

Tensors squeeze_copy(const Arguments& args) { return {at::clone(at::squeeze(args.tensor("self")))}; }

Tensors squeeze_dim_copy(const Arguments& args) {
  return {at::clone(at::squeeze(args.tensor("self"), args.integers("dim")))};
}

Tensors transpose_copy(const Arguments& args) {
  return {at::clone(at::transpose(args.tensor("self"), args.integer("dim0"), args.integer("dim1")))};
}

Tensors t_copy(const Arguments& args) { return {at::clone(at::t(args.tensor("self")))}; }

Tensors unfold_copy(const Arguments& args) {
  const int64_t size = args.integer("size"), step = args.integer("step");
  return {at::clone(args.tensor("self").unfold(args.integer("dimension"), size, step))};
}

Tensors unbind_copy(const Arguments& args) {
  Tensors parts = at::unbind(args.tensor("self"), args.integer("dim"));
  for (at::Tensor& part : parts) part = at::clone(part);
  return parts;
}

Tensors split_copy(const Arguments& args) {
  Tensors parts = at::split_with_sizes(args.tensor("self"), args.integers("split_sizes"), args.integer("dim"));
  for (at::Tensor& part : parts) part = at::clone(part);
  return parts;
}

Tensors diagonal_copy(const Arguments& args) {
  const int64_t offset = args.integer("offset");
  return {at::clone(at::diagonal(args.tensor("self"), offset, args.integer("dim1"), args.integer("dim2")))};
}

Tensors diag_embed(const Arguments& args) {
  const at::Tensor& x = args.tensor("self");
  const int64_t offset = args.bounded("offset"), rank = x.dim() + 1;
  const int64_t dim1 = at::maybe_wrap_dim(args.integer("dim1"), rank);
  const int64_t dim2 = at::maybe_wrap_dim(args.integer("dim2"), rank);
  const int64_t extent = x.size(-1) + std::abs(offset);
  const std::vector<int64_t> pad{std::max<int64_t>(offset, 0), std::max<int64_t>(-offset, 0)};
  const at::Tensor row = at::constant_pad_nd(x, pad);  // by column
  const at::Tensor places = at::arange(extent, x.options().dtype(at::kLong));
  const at::Tensor on = at::eq(at::add(at::unsqueeze(places, 1), offset), places);
  const at::Tensor made = at::masked_fill(at::unsqueeze(row, -2), at::logical_not(on), 0);
  return {at::movedim(made, {-2, -1}, {dim1, dim2})};
}

}  // namespace

Decompositions movement_decompositions() {
  return {{"aten.roll.default", roll},
          {"aten.rot90.default", rot90},
          {"aten.pixel_unshuffle.default", pixel_unshuffle},
          {"aten.channel_shuffle.default", channel_shuffle},
          {"aten.pad.default", pad},
          {"aten.select_scatter.default", select_scatter},
          {"aten.slice_scatter.default", slice_scatter},
          {"aten.index_copy.default", index_copy},
          {"aten.index_add.default", index_add},
          {"aten.index_fill.int_Scalar", index_fill},
          {"aten.index_fill.int_Tensor", index_fill},
          {"aten.scatter_reduce.two", scatter_reduce_two},
          {"aten.index_reduce.default", index_reduce},
          {"aten.as_strided.default", as_strided},
          {"aten.fill.Scalar", fill},
          {"aten.unsqueeze_copy.default", unsqueeze_copy},
          {"aten.squeeze_copy.default", squeeze_copy},
          {"aten.squeeze_copy.dim", squeeze_dim_copy},
          {"aten.squeeze_copy.dims", squeeze_dim_copy},
          {"aten.transpose_copy.int", transpose_copy},
          {"aten.t_copy.default", t_copy},
          {"aten.unfold_copy.default", unfold_copy},
          {"aten.unbind_copy.int", unbind_copy},
          {"aten.split_with_sizes_copy.default", split_copy},
          {"aten.take.default", take},
          {"aten.put.default", put},
          {"aten.index_put.default", index_put},
          {"aten.masked_scatter.default", masked_scatter},
          {"aten.affine_grid_generator.default", affine_grid},
          {"aten.one_hot.default", one_hot},
          {"aten.diagonal_scatter.default", diagonal_scatter},
          {"aten.block_diag.default", block_diag},
          {"aten.alias_copy.default", alias_copy},
          {"aten.view_copy.default", view_copy},
          {"aten.expand_copy.default", expand_copy},
          {"aten.permute_copy.default", permute_copy},
          {"aten.narrow_copy.default", narrow_copy},
          {"aten.diagonal_copy.default", diagonal_copy},
          {"aten.diag_embed.default", diag_embed},
          {"aten.trace.default",
           [](const Arguments& args) -> Tensors { return {at::sum(at::diagonal(args.tensor("self")))}; }}};
}

}  // namespace graftwork::core::captured

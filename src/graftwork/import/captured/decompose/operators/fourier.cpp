// Fourier transforms, as products and convolutions with constant matrices.
#include <numeric>

#include "graftwork/import/captured/decompose/complex_parts.h"
#include "graftwork/import/captured/decompose/dft_matrices.h"
#include "graftwork/import/captured/decompose/pairs.h"
#include "graftwork/import/captured/decompose/run_time_sizes.h"

namespace graftwork::core::captured {
namespace {

using Tensors = std::vector<at::Tensor>;

constexpr int64_t kMostPoints = int64_t{1} << 20;

/// x times the matrix, along a dimension.
at::Tensor multiplied(const at::Tensor& x, int64_t dim, const at::Tensor& matrix) {
  const int64_t last = x.dim() - 1;
  if (dim == last) return at::matmul(x, matrix);
  return at::transpose(at::matmul(at::transpose(x, dim, last), matrix), dim, last);
}

/// What is shorter ends in zeros: where the size is known at run time only, there are enough of them to cut.
at::Tensor cut(const at::Tensor& x, int64_t dim, int64_t size) {
  if (x.size(dim) <= size) return x;
  if (x.size(dim) <= RunTimeSizes::kLargestFixed) return at::slice(x, dim, 0, size);
  std::vector<int64_t> behind(static_cast<size_t>(2 * (x.dim() - dim)), 0);
  behind.back() = size;
  return at::slice(at::constant_pad_nd(x, behind, 0), dim, 0, size);
}

/// Real and imaginary parts side by side along a dimension, as pairs.
at::Tensor pairs_of_halves(const at::Tensor& halves, int64_t dim) {
  const int64_t count = halves.size(dim) / 2;
  const at::Tensor real = at::slice(halves, dim, 0, count);
  return make_pairs(real, at::slice(halves, dim, count, 2 * count));
}

at::Tensor halves_of_pairs(const at::Tensor& pairs, int64_t dim) {
  return at::cat({real_part(pairs), imaginary_part(pairs)}, dim);
}

/// One transform, along `dim`, of `points`: what is longer is cut, what is shorter ends in zeros.
struct Transform {
  const PairArguments& args;
  DftScale scale;

  Dft dft(const at::Tensor& x, int64_t dim, int64_t points) const {
    if (points < 1 || points > kMostPoints) leave_as_it_is("it has no points, or too many");
    return {.points = points, .rows = x.size(dim), .scale = scale, .dtype = x.scalar_type()};
  }

  at::Tensor real(const at::Tensor& whole, int64_t dim, int64_t points, bool onesided) const {
    const at::Tensor x = cut(as_float(whole), dim, points);
    const int64_t bins = onesided ? points / 2 + 1 : points;
    return pairs_of_halves(multiplied(x, dim, args.constant(real_dft_matrix(dft(x, dim, points), bins))), dim);
  }

  at::Tensor complex(const at::Tensor& whole, int64_t dim, int64_t points, bool inverse) const {
    const at::Tensor pairs = cut(whole, dim, points);
    const at::Tensor matrix = args.constant(complex_dft_matrix(dft(pairs, dim, points), inverse));
    return pairs_of_halves(multiplied(halves_of_pairs(pairs, dim), dim, matrix), dim);
  }

  at::Tensor real_inverse(const at::Tensor& whole, int64_t dim, int64_t points) const {
    const at::Tensor pairs = cut(whole, dim, points / 2 + 1);
    const at::Tensor matrix = args.constant(real_inverse_dft_matrix(dft(pairs, dim, points)));
    return multiplied(halves_of_pairs(pairs, dim), dim, matrix);
  }
};

// ---- torch.fft -----------------------------------------------------------------------------------

DftScale scale_of(const PairArguments& args, bool inverse) {
  const std::string norm = args.is_given("norm") ? args.text("norm") : "backward";
  if (norm == "ortho") return DftScale::kRoot;
  return (norm == "forward") != inverse ? DftScale::kCount : DftScale::kNone;
}

int64_t rank_of(const PairArguments& args) { return args.tensor("self").dim() - (args.is_complex("self") ? 1 : 0); }

/// Pairs along `dim`, whatever the operand is.
at::Tensor complex_transform(const PairArguments& args, const Transform& transform, const at::Tensor& x, int64_t dim,
                             int64_t points, bool inverse) {
  if (args.is_complex(x)) return transform.complex(x, dim, points, inverse);
  if (!inverse) return transform.real(x, dim, points, false);
  return transform.complex(args.pairs(as_float(x)), dim, points, true);
}

struct Line {
  int64_t dim;
  int64_t points;
};

/// The dimension of a transform along one; `points` is what the operand has where it is not given.
Line line_of(const PairArguments& args) {
  const int64_t dim = at::maybe_wrap_dim(args.integer("dim"), rank_of(args));
  return {dim, args.is_given("n") ? args.bounded("n") : args.tensor("self").size(dim)};
}

/// Those of a transform along several.
std::vector<Line> lines_of(const PairArguments& args) {
  std::vector<int64_t> dims = args.integers("dim"), sizes = args.bounded_list("s");
  const int64_t rank = rank_of(args);
  if (!args.is_given("dim")) {
    dims.resize(args.is_given("s") ? sizes.size() : static_cast<size_t>(rank));
    std::iota(dims.begin(), dims.end(), rank - static_cast<int64_t>(dims.size()));
  }
  std::vector<Line> lines;
  for (size_t i = 0; i < dims.size(); ++i) {
    const int64_t dim = at::maybe_wrap_dim(dims[i], rank);
    const bool given = i < sizes.size() && sizes[i] != -1;
    lines.push_back({dim, given ? sizes[i] : args.tensor("self").size(dim)});
  }
  if (lines.empty()) leave_as_it_is("it transforms nothing");
  return lines;
}

Tensors along_one(const PairArguments& args, bool inverse) {
  const auto [dim, points] = line_of(args);
  return {complex_transform(args, {args, scale_of(args, inverse)}, args.tensor("self"), dim, points, inverse)};
}

Tensors fft(const PairArguments& args) { return along_one(args, false); }
Tensors ifft(const PairArguments& args) { return along_one(args, true); }

Tensors along_many(const PairArguments& args, bool inverse) {
  const Transform transform{args, scale_of(args, inverse)};
  const std::vector<Line> lines = lines_of(args);
  at::Tensor x =
      complex_transform(args, transform, args.tensor("self"), lines.back().dim, lines.back().points, inverse);
  for (size_t i = 0; i + 1 < lines.size(); ++i) x = transform.complex(x, lines[i].dim, lines[i].points, inverse);
  return {x};
}

Tensors fftn(const PairArguments& args) { return along_many(args, false); }
Tensors ifftn(const PairArguments& args) { return along_many(args, true); }

Tensors rfft(const PairArguments& args) {
  const auto [dim, points] = line_of(args);
  return {Transform{args, scale_of(args, false)}.real(args.tensor("self"), dim, points, true)};
}

Tensors rfftn(const PairArguments& args) {
  const Transform transform{args, scale_of(args, false)};
  const std::vector<Line> lines = lines_of(args);
  at::Tensor x = transform.real(args.tensor("self"), lines.back().dim, lines.back().points, true);
  for (size_t i = 0; i + 1 < lines.size(); ++i) x = transform.complex(x, lines[i].dim, lines[i].points, false);
  return {x};
}

/// As many points as bins up to the middle stand for, where they are not given.
int64_t points_of(bool given, int64_t size) { return given ? size : 2 * (size - 1); }

Tensors irfft(const PairArguments& args) {
  const auto [dim, size] = line_of(args);
  const int64_t points = points_of(args.is_given("n"), size);
  return {Transform{args, scale_of(args, true)}.real_inverse(args.pairs("self"), dim, points)};
}

Tensors irfftn(const PairArguments& args) {
  const Transform transform{args, scale_of(args, true)};
  const std::vector<Line> lines = lines_of(args);
  at::Tensor x = args.pairs("self");
  for (size_t i = 0; i + 1 < lines.size(); ++i) x = transform.complex(x, lines[i].dim, lines[i].points, true);
  const std::vector<int64_t> sizes = args.integers("s");
  const bool given = !sizes.empty() && sizes.back() != -1;
  return {transform.real_inverse(x, lines.back().dim, points_of(given, lines.back().points))};
}

/// Of a signal whose transform is real, and the other way.
Tensors hfft(const PairArguments& args) {
  const auto [dim, size] = line_of(args);
  const at::Tensor self = args.pairs("self");
  const at::Tensor conjugate = make_pairs(real_part(self), at::neg(imaginary_part(self)));
  return {Transform{args, scale_of(args, false)}.real_inverse(conjugate, dim, points_of(args.is_given("n"), size))};
}

Tensors ihfft(const PairArguments& args) {
  const auto [dim, points] = line_of(args);
  const at::Tensor bins = Transform{args, scale_of(args, true)}.real(args.tensor("self"), dim, points, true);
  return {make_pairs(real_part(bins), at::neg(imaginary_part(bins)))};
}

// ---- what those are made of ----------------------------------------------------------------------

std::vector<int64_t> dims_of(const PairArguments& args) {
  std::vector<int64_t> dims = args.integers("dim");
  if (dims.empty()) leave_as_it_is("it transforms nothing");
  for (int64_t& dim : dims) dim = at::maybe_wrap_dim(dim, rank_of(args));
  return dims;
}

Transform transform_of(const PairArguments& args) {
  const int64_t scale = args.integer("normalization");
  if (scale < 0 || scale > 2) leave_as_it_is("it is divided by what nobody knows");
  return {args, static_cast<DftScale>(scale)};
}

Tensors r2c(const PairArguments& args) {
  const Transform transform = transform_of(args);
  const std::vector<int64_t> dims = dims_of(args);
  const at::Tensor& self = args.tensor("self");
  at::Tensor x = transform.real(self, dims.back(), self.size(dims.back()), args.flag("onesided"));
  for (size_t i = 0; i + 1 < dims.size(); ++i) x = transform.complex(x, dims[i], x.size(dims[i]), false);
  return {x};
}

Tensors c2c(const PairArguments& args) {
  const Transform transform = transform_of(args);
  at::Tensor x = args.tensor("self");
  for (const int64_t dim : dims_of(args)) x = transform.complex(x, dim, x.size(dim), !args.flag("forward"));
  return {x};
}

Tensors c2r(const PairArguments& args) {
  const Transform transform = transform_of(args);
  const std::vector<int64_t> dims = dims_of(args);
  at::Tensor x = args.tensor("self");
  for (size_t i = 0; i + 1 < dims.size(); ++i) x = transform.complex(x, dims[i], x.size(dims[i]), true);
  return {transform.real_inverse(x, dims.back(), args.bounded("last_dim_size"))};
}

// ---- short-time transforms -----------------------------------------------------------------------

/// Frames of a signal, `points` long, of which one begins every `hop` samples.
struct Frames {
  int64_t points = 0;
  int64_t hop = 0;
  at::Tensor window;  // [points], or pairs; undefined where all samples count alike
  bool has_complex_window = false;
  DftScale scale = DftScale::kNone;
};

Frames frames_of(const PairArguments& args, bool inverse) {
  Frames frames{.points = args.bounded("n_fft"), .hop = 0, .window = args.optional_tensor("window")};
  frames.hop = args.is_given("hop_length") ? args.bounded("hop_length") : frames.points / 4;
  const int64_t length = args.is_given("win_length") ? args.bounded("win_length") : frames.points;
  if (frames.points < 1 || frames.points > kMostPoints) leave_as_it_is("it has no points, or too many");
  if (frames.hop < 1 || length < 1 || length > frames.points) leave_as_it_is("it has no frames");
  frames.has_complex_window = frames.window.defined() && args.is_complex(frames.window);
  if (length < frames.points) {
    if (!frames.window.defined()) frames.window = at::ones({length}, args.tensor("self").options());
    const int64_t left = (frames.points - length) / 2;
    std::vector<int64_t> borders{left, frames.points - length - left};
    if (frames.has_complex_window) borders.insert(borders.begin(), {0, 0});
    frames.window = at::constant_pad_nd(frames.window, borders);
  }
  frames.scale = args.flag("normalized") ? DftScale::kRoot : inverse ? DftScale::kCount : DftScale::kNone;
  return frames;
}

/// Not under one of the names by which convolutions become layers, which are quantized: a transform stays in float.
at::Tensor convolved(const at::Tensor& x, const at::Tensor& weight, int64_t hop, bool transposed) {
  return at::_convolution(x, weight, {}, {hop}, {0}, {1}, transposed, {0}, 1, false, false, false, false);
}

/// [batch, samples] to [batch, bins, frames]: one kernel for each number of a bin.
Tensors stft(const PairArguments& args) {
  const Frames frames = frames_of(args, false);
  if (args.is_complex("self") || frames.has_complex_window) return stays("its signal is complex");
  const bool onesided = !args.is_given("onesided") || args.flag("onesided");
  at::Tensor x = args.tensor("self");
  const bool single = x.dim() == 1;
  if (args.has("align_to_window") && args.is_given("align_to_window")) return stays("it aligns its frames");
  x = single ? at::unsqueeze(at::unsqueeze(x, 0), 0) : at::unsqueeze(x, 1);
  if (args.has("center") && args.flag("center"))
    x = at::pad(x, {frames.points / 2, frames.points / 2}, args.text("pad_mode"));
  const int64_t bins = onesided ? frames.points / 2 + 1 : frames.points;
  const Dft dft{.points = frames.points,
                .rows = frames.points,
                .scale = frames.scale,
                .dtype = args.tensor("self").scalar_type()};
  at::Tensor kernels = at::unsqueeze(at::t(args.constant(real_dft_matrix(dft, bins))), 1);
  if (frames.window.defined()) kernels = at::mul(kernels, frames.window);
  at::Tensor halves = convolved(x, kernels, frames.hop, false);
  if (single) halves = at::squeeze(halves, 0);
  return {pairs_of_halves(halves, single ? 0 : 1)};
}

/// The part of a signal that is asked for, along its last dimension of `available` samples.
struct Excerpt {
  int64_t start = 0;
  int64_t end = 0;  ///< 0 is the end of the signal, what is below 0 is counted from there.
  int64_t missing = 0;

  at::Tensor of(const at::Tensor& x) const {
    if (start == 0 && end == 0) return x;
    return end == 0 ? at::slice(x, -1, start) : at::slice(x, -1, start, end);
  }
};

Excerpt excerpt_of(const PairArguments& args, int64_t border, int64_t available) {
  if (!args.is_given("length")) return {.start = border, .end = -border};
  const int64_t length = args.bounded("length"), end = border + length;
  if (length < 1 || border >= available) leave_as_it_is("it has no samples");
  return {.start = border, .end = std::min(end, available), .missing = std::max<int64_t>(end - available, 0)};
}

/// The real and the imaginary channel of [batch, 2, samples].
Parts channels(const at::Tensor& x) { return {at::slice(x, 1, 0, 1), at::slice(x, 1, 1, 2)}; }
at::Tensor as_channels(const Parts& parts) { return at::cat({parts.first, parts.second}, 1); }

/// [batch, bins, frames] to [batch, samples]: frames are added up, and divided by what the windows add up to.
Tensors istft(const PairArguments& args) {
  const Frames frames = frames_of(args, true);
  const bool complex = args.flag("return_complex");
  at::Tensor pairs = args.pairs("self");
  const bool single = pairs.dim() == 3;
  if (single) pairs = at::unsqueeze(pairs, 0);
  pairs = cut(pairs, 1, complex ? frames.points : frames.points / 2 + 1);
  const Dft dft{.points = frames.points, .rows = pairs.size(1), .scale = frames.scale, .dtype = pairs.scalar_type()};
  const FormConstant matrix = complex ? complex_dft_matrix(dft, true) : real_inverse_dft_matrix(dft);
  const int64_t numbers = complex ? 2 : 1;  // of a sample
  at::Tensor kernels = at::reshape(args.constant(matrix), {2 * dft.rows, numbers, frames.points});
  at::Tensor weights = at::ones({1, 1, frames.points}, pairs.options());
  if (frames.has_complex_window) {
    if (!complex) return stays("its window is complex");
    const Parts window{real_part(frames.window), imaginary_part(frames.window)};
    const Parts squared = product(window, window);
    kernels = as_channels(product(channels(kernels), window));
    weights = at::unsqueeze(at::stack({squared.first, squared.second}, 0), 0);
  } else if (frames.window.defined()) {
    kernels = at::mul(kernels, frames.window);
    weights = at::mul(weights, at::mul(frames.window, frames.window));
  }
  const at::Tensor halves = halves_of_pairs(pairs, 1);
  const at::Tensor each_frame = at::ones_like(at::slice(at::slice(halves, 0, 0, 1), 1, 0, 1));
  const at::Tensor signal = convolved(halves, kernels, frames.hop, true);
  const at::Tensor envelope = convolved(each_frame, weights, frames.hop, true);
  const Excerpt excerpt = excerpt_of(args, args.flag("center") ? frames.points / 2 : 0, signal.size(2));
  at::Tensor y = excerpt.of(signal);
  const at::Tensor divisor = excerpt.of(envelope);
  y = frames.has_complex_window ? as_channels(quotient(channels(y), channels(divisor))) : at::div(y, divisor);
  if (excerpt.missing > 0) y = at::constant_pad_nd(y, {0, excerpt.missing});
  if (single) y = at::squeeze(y, 0);
  const int64_t channel = y.dim() - 2;
  return {complex ? make_pairs(at::select(y, channel, 0), at::select(y, channel, 1)) : at::squeeze(y, channel)};
}

}  // namespace

std::vector<PairFormEntry> fourier_transforms() {
  return {{"fft_fft", fft},     {"fft_ifft", ifft},     {"fft_fft2", fftn},   {"fft_ifft2", ifftn},
          {"fft_fftn", fftn},   {"fft_ifftn", ifftn},   {"fft_rfft", rfft},   {"fft_irfft", irfft},
          {"fft_rfft2", rfftn}, {"fft_irfft2", irfftn}, {"fft_rfftn", rfftn}, {"fft_irfftn", irfftn},
          {"_fft_r2c", r2c},    {"_fft_c2c", c2c},      {"fft_hfft", hfft},   {"fft_ihfft", ihfft},
          {"_fft_c2r", c2r},    {"stft", stft},         {"istft", istft}};
}

}  // namespace graftwork::core::captured

// Norms, distances, normalisation by what the values themselves are, and losses.
#include <cmath>
#include <limits>

#include "graftwork/import/captured/decompose/decomposition.h"

namespace graftwork::core::captured {
namespace {

using Tensors = std::vector<at::Tensor>;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// (Σ |x|^p)^(1/p); the greatest or least for an infinite p, the number of those that are not 0 for 0.
at::Tensor p_norm(const at::Tensor& given, double p, const std::vector<int64_t>& dims, bool keep,
                  std::optional<at::ScalarType> dtype) {
  const at::Tensor x = dtype && *dtype != given.scalar_type() ? given.to(*dtype) : given;
  // torch sums in single precision: what is raised to a power leaves the range of half.
  if (x.scalar_type() == at::kHalf && std::isfinite(p) && p > 1)
    return p_norm(x, p, dims, keep, at::kFloat).to(at::kHalf);
  const at::Tensor size = at::abs(x);
  const at::OptionalIntArrayRef over = dims.empty() ? at::OptionalIntArrayRef() : at::OptionalIntArrayRef(dims);
  if (p == kInfinity) return at::amax(size, dims, keep);
  if (p == -kInfinity) return at::amin(size, dims, keep);
  if (p == 0) return at::sum(at::ne(x, 0).to(x.scalar_type()), over, keep);
  if (p == 1) return at::sum(size, over, keep);
  if (p == 2) return at::sqrt(at::sum(at::square(x), over, keep));
  return at::pow(at::sum(at::pow(size, p), over, keep), 1 / p);
}

/// Orders 1 and 2 over real numbers are one operator of the file.
Tensors vector_norm(const Arguments& args) {
  const double order = args.number("ord").toDouble();
  const auto dtype = args.dtype("dtype");
  if ((order == 1 || order == 2) && (!dtype || *dtype == args.tensor("self").scalar_type()))
    return stays("it is one operator of the file");
  return {p_norm(args.tensor("self"), order, args.integers("dim"), args.flag("keepdim"), dtype)};
}

double order_of(const Arguments& args) { return args.is_given("p") ? args.number("p").toDouble() : 2; }

at::Tensor norm(const at::Tensor& x, double p, const std::vector<int64_t>& dims, bool keep,
                std::optional<at::ScalarType> dtype) {
  return at::linalg_vector_norm(x, p, dims.empty() ? at::OptionalIntArrayRef() : at::OptionalIntArrayRef(dims), keep,
                                dtype);
}

Tensors norm_of_all(const Arguments& args) {
  return {norm(args.tensor("self"), args.number("p").toDouble(), {}, false, std::nullopt)};
}
Tensors norm_along(const Arguments& args) {
  return {norm(args.tensor("self"), order_of(args), args.integers("dim"), args.flag("keepdim"), std::nullopt)};
}
Tensors norm_along_in_type(const Arguments& args) {
  return {norm(args.tensor("self"), order_of(args), args.integers("dim"), args.flag("keepdim"), args.dtype("dtype"))};
}
Tensors norm_of_all_in_type(const Arguments& args) {
  return {norm(args.tensor("self"), order_of(args), {}, false, args.dtype("dtype"))};
}

/// Of every row of one set to every row of the other.
Tensors distances(const Arguments& args) {
  const at::Tensor difference = at::sub(at::unsqueeze(args.tensor("x1"), -2), at::unsqueeze(args.tensor("x2"), -3));
  return {norm(difference, args.number("p").toDouble(), {-1}, false, std::nullopt)};
}

/// v · (g / ‖v‖), the norm over all dimensions but one; over all of them for −1.
Tensors weight_norm(const Arguments& args) {
  const at::Tensor& v = args.tensor("v");
  std::vector<int64_t> dims;
  for (int64_t axis = 0; axis < v.dim(); ++axis) {
    if (axis != args.integer("dim")) dims.push_back(axis);
  }
  const at::Tensor size = at::linalg_vector_norm(v, 2, dims, args.integer("dim") >= 0);
  return {at::mul(v, at::div(args.tensor("g"), size))};
}

Tensors distance(const Arguments& args) {
  const at::Tensor difference = at::sub(args.tensor("self"), args.tensor("other"));
  return {norm(difference, args.number("p").toDouble(), {}, false, std::nullopt)};
}

/// A single number is all there is.
Tensors softmax_of_number(const Arguments& args) {
  const at::Tensor& x = args.tensor("self");
  if (x.dim() > 0) return stays("it is one operator of the file");
  return {at::ones({}, x.options().dtype(args.dtype("dtype").value_or(x.scalar_type())))};
}

Tensors log_softmax_of_number(const Arguments& args) {
  const at::Tensor& x = args.tensor("self");
  if (x.dim() > 0) return stays("it is one operator of the file");
  return {at::zeros({}, x.options().dtype(args.dtype("dtype").value_or(x.scalar_type())))};
}

/// Rows that are all −∞ give 0.
Tensors safe_softmax(const Arguments& args) {
  const at::Tensor& given = args.tensor("self");
  const at::Tensor x = args.is_given("dtype") ? given.to(*args.dtype("dtype")) : given;
  const int64_t dim = args.integer("dim");
  const at::Tensor none = at::eq(at::amax(x, {dim}, true), -kInfinity);
  return {at::masked_fill(at::softmax(x, dim), none, 0)};
}

/// One number for each channel of `x`, in a shape that broadcasts.
at::Tensor by_channel(const at::Tensor& numbers, const at::Tensor& x) {
  std::vector<int64_t> shape(static_cast<size_t>(x.dim()), 1);
  shape.at(1) = -1;
  return at::reshape(numbers, shape);
}

/// What batch norm does with a normalized value: · weight + bias, where they are given.
at::Tensor scaled_and_shifted(const Arguments& args, at::Tensor value) {
  if (const at::Tensor weight = args.optional_tensor("weight"); weight.defined())
    value = at::mul(value, by_channel(weight, value));
  if (const at::Tensor bias = args.optional_tensor("bias"); bias.defined())
    value = at::add(value, by_channel(bias, value));
  return value;
}

/// Batch norm by the mean and the variance of what it is given, as torch computes it in training.
Tensors live_batch_norm(const Arguments& args) {
  const at::Tensor& x = args.tensor("input");
  std::vector<int64_t> dims;
  for (int64_t axis = 0; axis < x.dim(); ++axis) {
    if (axis != 1) dims.push_back(axis);
  }
  const at::Tensor mean = at::mean(x, dims, true);
  const at::Tensor centred = at::sub(x, mean);
  const at::Tensor variance = at::mean(at::square(centred), dims, true);
  const at::Tensor deviation = at::rsqrt(at::add(variance, args.number("eps")));
  return {scaled_and_shifted(args, at::mul(centred, deviation)), at::flatten(mean), at::flatten(deviation)};
}

Tensors batch_norm(const Arguments& args) {
  if (!args.flag("training")) return stays("it has statistics");
  return {live_batch_norm(args)[0]};
}

/// Named as an operator that writes statistics; in evaluation it does not.
Tensors native_batch_norm(const Arguments& args) {
  if (args.flag("training")) return live_batch_norm(args);
  const at::Tensor& x = args.tensor("input");
  const at::Tensor factor = at::rsqrt(at::add(args.tensor("running_var"), args.number("eps")));
  const at::Tensor centred = at::sub(x, by_channel(args.tensor("running_mean"), x));
  const at::Tensor result = scaled_and_shifted(args, at::mul(centred, by_channel(factor, x)));
  return {result, at::zeros({0}, x.options()), at::zeros({0}, x.options())};
}

/// Rows that are looked up and longer than `max_norm` are cut to that length.
Tensors embedding_renorm(const Arguments& args) {
  const at::Tensor& table = args.tensor("self");
  const at::Tensor size = at::linalg_vector_norm(table, args.number("norm_type"), at::OptionalIntArrayRef({1}), true);
  const at::Tensor rows = at::unsqueeze(at::arange(table.size(0), table.options().dtype(at::kLong)), 1);
  const at::Tensor read = at::any(at::eq(rows, at::flatten(args.tensor("indices"))), 1, true);
  const at::Tensor cut = at::logical_and(read, at::gt(size, args.number("max_norm")));
  const at::Tensor factor = at::mul(at::reciprocal(at::add(size, 1e-7)), args.number("max_norm"));
  return {at::where(cut, at::mul(table, factor), table)};
}

/// Which indices each bag holds, [bags, indices]: those from its offset on to the next one's, padding aside.
at::Tensor bags_of(const Arguments& args, const at::Tensor& indices, std::optional<int64_t> padding) {
  const at::Tensor& offsets = args.tensor("offsets");
  const int64_t bags = offsets.size(0) - (args.flag("include_last_offset") ? 1 : 0);
  const auto longs = indices.options().dtype(at::kLong);
  const at::Tensor begun = at::ge(at::arange(indices.size(0), longs), at::unsqueeze(offsets, 1));
  const at::Tensor bag = at::sub(at::sum(begun.to(at::kLong), {0}), 1);
  at::Tensor held = at::eq(at::unsqueeze(at::arange(bags, longs), 1), bag);
  if (!padding) return held;
  return at::logical_and(held, at::ne(indices, *padding < 0 ? *padding + args.tensor("weight").size(0) : *padding));
}

/// Sums, means or maxima over bags of rows of a table; 0 for an empty bag. Modes by torch's numbers:
/// at::native::EmbeddingBagMode.
Tensors bags(const Arguments& args, std::optional<int64_t> padding) {
  enum Mode : uint8_t { kSum, kMean, kMax };
  for (const size_t further : {1, 2, 3}) {
    if (args.is_read(further)) return stays("what its gradient needs is read");
  }
  const at::Tensor &table = args.tensor("weight"), &indices = args.tensor("indices");
  if (indices.dim() != 1) return stays("its indices are no list");
  at::Tensor rows = at::index_select(table, 0, indices);
  if (const at::Tensor weights = args.optional_tensor("per_sample_weights"); weights.defined())
    rows = at::mul(rows, at::unsqueeze(weights, 1));
  const at::Tensor held = bags_of(args, indices, padding);
  const at::Tensor count = at::sum(held.to(at::kLong), {1}, true);
  at::Tensor value;
  if (args.integer("mode") == kMax) {
    const at::Tensor shown = at::where(at::unsqueeze(held, 2), rows, at::full({}, -kInfinity, rows.options()));
    value = at::masked_fill(at::amax(shown, {1}), at::eq(count, 0), 0);
  } else {
    value = at::mm(held.to(rows.scalar_type()), rows);
    if (args.integer("mode") == kMean) value = at::div(value, at::clamp_min(count, 1));
  }
  const at::Tensor none = at::zeros({0}, indices.options());
  return {value, none, none, none};
}

Tensors embedding_bag(const Arguments& args) {
  const bool padded = args.has("padding_idx") && args.is_given("padding_idx");
  return bags(args, padded ? std::optional(args.integer("padding_idx")) : std::nullopt);
}

/// What it is inside of torch: without padding where that is −1.
Tensors embedding_bag_inside(const Arguments& args) {
  const int64_t padding = args.integer("padding_idx");
  return bags(args, padding >= 0 ? std::optional(padding) : std::nullopt);
}

/// What evaluation leaves out.
Tensors dropout(const Arguments& args) {
  const double rate = args.number("p").toDouble();
  if (args.flag("train") && rate > 0 && rate < 1) return stays("it drops at random");
  if (args.flag("train") && rate == 1) return {at::mul(args.tensor("input"), 0)};
  return stays("it is a module");
}

// ---- losses ----------------------------------------------------------------------------------------

at::Tensor reduced(const Arguments& args, const at::Tensor& loss) {
  const int64_t how = args.integer("reduction");  // at::Reduction: none, mean, sum
  return how == 0 ? loss : how == 1 ? at::mean(loss) : at::sum(loss);
}

at::Tensor difference(const Arguments& args) { return at::sub(args.tensor("self"), args.tensor("target")); }

/// −log p of the class that each target names, weighted by class; targets that are ignored count as nothing.
Tensors nll_loss(const Arguments& args, const at::Tensor& log_probability) {
  const at::Tensor& target = args.tensor("target");
  const int64_t classes = log_probability.dim() == 1 ? 0 : 1;
  const at::Tensor counts = at::ne(target, args.integer("ignore_index"));
  const at::Tensor chosen = at::masked_fill(target, at::logical_not(counts), 0);
  at::Tensor loss = at::neg(at::squeeze(at::gather(log_probability, classes, at::unsqueeze(chosen, classes)), classes));
  at::Tensor share = counts.to(log_probability.scalar_type());
  if (const at::Tensor weight = args.optional_tensor("weight"); weight.defined())
    share = at::mul(at::reshape(at::index_select(weight, 0, at::flatten(chosen)), chosen.sizes()), share);
  loss = at::mul(loss, share);
  if (args.integer("reduction") != 1) return {reduced(args, loss)};
  return {at::div(at::sum(loss), at::sum(share))};
}

Tensors nll_loss_nd(const Arguments& args) { return nll_loss(args, args.tensor("self")); }

Tensors cross_entropy(const Arguments& args) {
  const at::Tensor &x = args.tensor("self"), &target = args.tensor("target");
  if (args.number("label_smoothing").toDouble() != 0) return stays("its labels are smoothed");
  const int64_t classes = x.dim() == 1 ? 0 : 1;
  const at::Tensor log_probability = at::log_softmax(x, classes);
  if (!target.is_floating_point()) return nll_loss(args, log_probability);
  at::Tensor loss = at::neg(at::mul(log_probability, target));
  if (const at::Tensor weight = args.optional_tensor("weight"); weight.defined()) {
    std::vector<int64_t> shape(static_cast<size_t>(x.dim()), 1);
    shape[static_cast<size_t>(classes)] = -1;
    loss = at::mul(loss, at::reshape(weight, shape));
  }
  loss = at::sum(loss, {classes});
  return {reduced(args, loss)};
}

Tensors mse_loss(const Arguments& args) { return {reduced(args, at::square(difference(args)))}; }

Tensors smooth_l1_loss(const Arguments& args) {
  const double beta = args.number("beta").toDouble();
  const at::Tensor error = at::abs(difference(args));
  if (beta == 0) return {reduced(args, error)};
  const at::Tensor round = at::div(at::mul(at::square(error), 0.5), beta);
  return {reduced(args, at::where(at::lt(error, beta), round, at::sub(error, 0.5 * beta)))};
}

Tensors huber_loss(const Arguments& args) {
  const double delta = args.number("delta").toDouble();
  const at::Tensor error = at::abs(difference(args));
  const at::Tensor straight = at::mul(at::sub(error, 0.5 * delta), delta);
  return {reduced(args, at::where(at::le(error, delta), at::mul(at::square(error), 0.5), straight))};
}

at::Tensor weighted(const Arguments& args, const at::Tensor& loss) {
  const at::Tensor weight = args.optional_tensor("weight");
  return weight.defined() ? at::mul(loss, weight) : loss;
}

/// Logarithms end at −100, as torch's do.
Tensors binary_cross_entropy(const Arguments& args) {
  const at::Tensor &x = args.tensor("self"), &target = args.tensor("target");
  const at::Tensor yes = at::mul(target, at::clamp_min(at::log(x), -100));
  const at::Tensor no = at::mul(at::rsub(target, 1), at::clamp_min(at::log(at::rsub(x, 1)), -100));
  return {reduced(args, weighted(args, at::neg(at::add(yes, no))))};
}

/// (1 − y) · x − (1 + (w − 1) · y) · log σ(x).
Tensors binary_cross_entropy_with_logits(const Arguments& args) {
  const at::Tensor &x = args.tensor("self"), &target = args.tensor("target");
  at::Tensor certain = at::log_sigmoid(x);
  if (const at::Tensor positive = args.optional_tensor("pos_weight"); positive.defined())
    certain = at::mul(certain, at::add(at::mul(target, at::sub(positive, 1)), 1));
  return {reduced(args, weighted(args, at::sub(at::mul(at::rsub(target, 1), x), certain)))};
}

Tensors soft_margin_loss(const Arguments& args) {
  const at::Tensor product = at::mul(args.tensor("self"), args.tensor("target"));
  return {reduced(args, at::log1p(at::exp(at::neg(product))))};
}

}  // namespace

Decompositions norm_decompositions() {
  return {{"aten.linalg_vector_norm.default", vector_norm},
          {"aten.norm.Scalar", norm_of_all},
          {"aten.norm.ScalarOpt_dim", norm_along},
          {"aten.norm.ScalarOpt_dim_dtype", norm_along_in_type},
          {"aten.norm.ScalarOpt_dtype", norm_of_all_in_type},
          {"aten.cdist.default", distances},
          {"aten._cdist_forward.default", distances},
          {"aten._weight_norm.default", weight_norm},
          {"aten.dist.default", distance},
          {"aten.softmax.int", softmax_of_number},
          {"aten._softmax.default", softmax_of_number},
          {"aten.log_softmax.int", log_softmax_of_number},
          {"aten._log_softmax.default", log_softmax_of_number},
          {"aten._safe_softmax.default", safe_softmax},
          {"aten.native_batch_norm.default", native_batch_norm},
          {"aten._native_batch_norm_legit.default", native_batch_norm},
          {"aten._native_batch_norm_legit.no_stats",
           [](const Arguments& args) -> Tensors { return live_batch_norm(args); }},
          {"aten.batch_norm.default", batch_norm},
          {"aten.dropout.default", dropout},
          {"aten.embedding_renorm.default", embedding_renorm},
          {"aten.embedding_bag.default", embedding_bag},
          {"aten.embedding_bag.padding_idx", embedding_bag},
          {"aten._embedding_bag.default", embedding_bag_inside},
          {"aten._embedding_bag_forward_only.default", embedding_bag_inside},
          {"aten.nll_loss_nd.default", nll_loss_nd},
          {"aten.cross_entropy_loss.default", cross_entropy},
          {"aten.mse_loss.default", mse_loss},
          {"aten.smooth_l1_loss.default", smooth_l1_loss},
          {"aten.huber_loss.default", huber_loss},
          {"aten.binary_cross_entropy.default", binary_cross_entropy},
          {"aten.binary_cross_entropy_with_logits.default", binary_cross_entropy_with_logits},
          {"aten.soft_margin_loss.default", soft_margin_loss}};
}

}  // namespace graftwork::core::captured

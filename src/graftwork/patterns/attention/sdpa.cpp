// %scores = %queries · %keys, scaled and masked
// %weights = softmax(%scores)
// %y = %weights · %v                                     =>   %y = ScaledDotProductAttention(%q, %k, %v[, %mask])
//
// Every spelling of it: masks that are added, filled in or chosen by, in any number, before or behind the scale; views
// that group the batch otherwise; products of [B·H, …]; (v · weightsᵀ)ᵀ. The masks become one, which is added or
// chooses.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "graftwork/base/text.h"
#include "graftwork/patterns/attention/axes.h"
#include "graftwork/patterns/attention/batch.h"
#include "graftwork/patterns/attention/patterns.h"
#include "graftwork/patterns/attention/scores.h"
#include "graftwork/patterns/recompositions/raise.h"

namespace graftwork::core {
namespace {

/// What is so low that a sum with it is it, as long as scores are below 32 (in FP16: 16): more than −10000 is in FP32.
double lowest(DType type) { return type == DType::kF16 ? -6e4 : -1e9; }

bool swaps_last(const Node& node) {
  if (node.op() == Symbol("aten.transpose.int") && node.tensor()) {
    const auto rank = static_cast<int64_t>(node.tensor()->rank());
    const auto axis = [&](Symbol attr) { return (integer_of(node, attr, 0) + rank) % rank; };
    return axis("dim0") + axis("dim1") == 2 * rank - 3 && std::abs(axis("dim0") - axis("dim1")) == 1;
  }
  if (node.op() != Symbol("aten.permute.default")) return false;
  const auto* dims = node.attrs().find("dims") ? node.attrs().find("dims")->get<std::vector<int64_t>>() : nullptr;
  if (!dims || dims->size() < 2) return false;
  const auto rank = static_cast<int64_t>(dims->size());
  for (int64_t i = 0; i < rank; ++i) {
    const int64_t axis = ((*dims)[static_cast<size_t>(i)] + rank) % rank;
    if (axis != (i == rank - 2 ? rank - 1 : i == rank - 1 ? rank - 2 : i)) return false;
  }
  return true;
}

/// What is done with the weights: from the softmax to the second product.
struct Product {
  Node* product = nullptr;
  /// Says of [..., queries, 1] which weights are overwritten with 0, as core ATen does it; null where none are.
  Node* guard = nullptr;
  Node* values = nullptr;       ///< [..., keys, width]; transposed where is_transposed
  bool is_transposed = false;   ///< values · weightsᵀ
  std::vector<Dim> batch = {};  ///< Of the weights there.
};

/// Whether `guard` is true where all scores that the softmax is of are −∞:
/// logical_not(any(logical_not(scores == −∞), −1, keepdim)).
bool guards(const Node& guard, const Node& softmax) {
  static const Symbol kNot = "aten.logical_not.default", kAny = "aten.any.dim", kEqual = "aten.eq.Scalar";
  if (guard.op() != kNot || guard.input(0).op() != kAny) return false;
  const Node& any = guard.input(0);
  const auto rank = softmax.tensor() ? static_cast<int64_t>(softmax.tensor()->rank()) : 0;
  const int64_t dim = integer_of(any, "dim", 0);
  if ((dim != -1 && dim != rank - 1) || !flag_of(any, "keepdim", false) || any.input(0).op() != kNot) return false;
  const Node& equal = any.input(0).input(0);
  return equal.op() == kEqual && number_of(equal, "other", 0) == -std::numeric_limits<double>::infinity() &&
         &equal.input(0) == &softmax.input(0);
}

Outcome read_product(Node& softmax, Product& found) {
  static constexpr size_t kLongestWay = 12;
  Node* weights = &softmax;  // with the guard
  std::vector<const Node*> way;
  Node* at = &softmax;
  for (size_t steps = 0; steps < kLongestWay; ++steps) {
    if (at->use_count() != 1) return declined("its weights are read elsewhere");
    const Use& use = *at->uses();
    Node& reader = *use.user();
    if (reader.op() == Symbol("aten.matmul.default") || reader.op() == Symbol("aten.bmm.default")) {
      const std::vector<const Node*> upwards(way.rbegin(), way.rend());
      const auto is_turned = turns_matrices(*weights, upwards);
      if (!is_turned) return declined("its weights are moved");
      if ((use.slot() == 1) != *is_turned) return declined("its weights are no factor of the values");
      found.product = &reader;
      found.values = &reader.input(1 - use.slot());
      found.is_transposed = *is_turned;
      found.batch = batch_of(*at);
      if (!reader.tensor() || !found.values->tensor() || found.values->tensor()->rank() < 2)
        return declined("the shape of its values is not known");
      return applied();
    }
    const bool is_fill = reader.op() == Symbol("aten.masked_fill.Scalar") && use.slot() == 0;
    if (is_fill && at == &softmax && number_of(reader, "value", 1) == 0 && guards(reader.input(1), softmax)) {
      found.guard = &reader.input(1);
      weights = &reader;
    } else if (moves_data(reader) && reader.kind() != NodeKind::kGetItem) {
      way.push_back(&reader);
    } else {
      return declined(cat("%", reader.name().str(), " reads its weights"));
    }
    at = &reader;
  }
  return declined("its weights are no factor of a product");
}

/// Stages the operands of the attention.
class Operands {
 public:
  Operands(const Scores& scores, const Product& product, std::vector<Dim> batch, Graft& graft)
      : scores_(scores), batch_(std::move(batch)), graft_(graft), origin_(product.product->origin()) {}

  /// The operand in the batch that all have, [..., rows, width].
  Node* matrix(Node& value, std::span<const Dim> batch) {
    Node* result = &value;
    if (!std::equal(batch.begin(), batch.end(), batch_.begin(), batch_.end())) {
      const auto wanted = regrouped(value.tensor()->dims, batch, batch_);
      result = wanted ? viewed(value, *wanted, graft_, origin_) : nullptr;
    }
    return result ? expanded(*result) : nullptr;
  }

  /// The queries times the tensor that scales the scores; null where that fits no batch.
  Node* scaled(Node& queries) {
    Node* scale = fit(*scores_.scale_tensor, scores_.scale_batch);
    return scale ? &call("aten.mul.Tensor", {&queries, scale}, {}) : nullptr;
  }

  Node& transposed(Node& value) {
    if (swaps_last(value)) return value.input(0);
    return graft_.call_function("aten.transpose.int", {&value}, {{"dim0", int64_t{-2}}, {"dim1", int64_t{-1}}},
                                origin_);
  }

  /// What keeps a query from being blind, where the scores were guarded against it: the mask then hides nothing from
  /// it, and `blind` says of [..., queries, 1] whose result is to be 0.
  void guard(Node*& mask, const std::optional<double>& value, Node*& blind) {
    if (!mask || (value && std::isfinite(*value))) return;
    const AttrMap over_keys{{"dim", int64_t{-1}}, {"keepdim", true}};
    if (value) {
      blind = &call("aten.all.dim", {mask}, over_keys);
      mask = &call("aten.logical_and.default", {mask, &call("aten.logical_not.default", {blind}, {})}, {});
      return;
    }
    AttrMap over_list = over_keys;
    over_list.set("dim", Attribute(std::vector<int64_t>{-1}));
    Node& most = call("aten.amax.default", {mask}, over_list);
    blind = &call("aten.eq.Scalar", {&most}, {{"other", Attribute(-std::numeric_limits<double>::infinity())}});
    mask = &call("aten.masked_fill.Scalar", {mask, blind}, {{"value", Attribute(0.0)}});
  }

  /// All masks as one, null when there is none; with a value it is filled in where the mask is true, else added.
  Outcome mask(Node*& mask, std::optional<double>& value) {
    std::vector<Node*> fitted;
    for (const ScoreMask& one : scores_.masks) {
      fitted.push_back(fit(*one.mask, one.batch));
      if (!fitted.back()) return declined(cat("%", one.mask->name().str(), " fits no batch of its scores"));
    }
    if (fill_in_one_number()) {
      value = scores_.masks[0].value;
      for (size_t i = 0; i < fitted.size(); ++i) {
        Node& hidden = scores_.masks[i].is_inverted ? inverted(*fitted[i]) : *fitted[i];
        mask = mask ? &call("aten.logical_or.default", {mask, &hidden}, {}) : &hidden;
      }
      return applied();
    }
    for (size_t i = 0; i < fitted.size(); ++i) {
      if (Outcome outcome = add(scores_.masks[i], *fitted[i], mask); !outcome) return outcome;
    }
    return applied();
  }

 private:
  Node& call(Symbol op, std::initializer_list<Node*> inputs, AttrMap attrs) {
    return graft_.call_function(op, inputs, std::move(attrs), origin_);
  }

  /// One matrix for several samples or heads, as many times as there are: the engine takes no other.
  Node* expanded(Node& value) {
    const std::vector<Dim>& dims = value.tensor()->dims;
    std::vector<int64_t> sizes(batch_.size() + 2, -1);
    bool changes = dims.size() != sizes.size();
    for (size_t i = 0; i < batch_.size(); ++i) {
      const size_t missing = sizes.size() - dims.size();
      if (i >= missing && dims[i - missing] == batch_[i]) continue;
      if (!batch_[i].is_static()) return &value;
      sizes[i] = batch_[i].value();
      changes = true;
    }
    return changes ? &call("aten.expand.default", {&value}, {{"size", Attribute(std::move(sizes))}}) : &value;
  }

  bool fill_in_one_number() const {
    const std::vector<ScoreMask>& masks = scores_.masks;
    return !masks.empty() && std::all_of(masks.begin(), masks.end(), [&](const ScoreMask& one) {
      return one.form == ScoreMask::Form::kFill && one.value == masks[0].value;
    });
  }

  /// Puts one mask behind what is added to the scores already, null for nothing.
  Outcome add(const ScoreMask& one, Node& mask, Node*& sum) {
    if (one.form == ScoreMask::Form::kAdd) {
      Node& summand = one.factor == 1 ? mask : call("aten.mul.Scalar", {&mask}, {{"other", Attribute(one.factor)}});
      sum = sum ? &call("aten.add.Tensor", {sum, &summand}, {}) : &summand;
      return applied();
    }
    if (one.value > lowest(scores_.product->tensor()->dtype))
      return declined(cat("one of its masks fills in ", one.value));
    if (!sum) sum = &call("aten.zeros_like.default", {&mask}, {{"dtype", Attribute(scores_.product->tensor()->dtype)}});
    Node& hidden = one.is_inverted ? inverted(mask) : mask;
    sum = &call("aten.masked_fill.Scalar", {sum, &hidden}, {{"value", Attribute(one.value)}});
    return applied();
  }

  Node& inverted(Node& mask) {
    static const Symbol kNot = "aten.logical_not.default", kBitwise = "aten.bitwise_not.default";
    const bool undoes = (mask.op() == kNot || mask.op() == kBitwise) && mask.type() == mask.input(0).type();
    return undoes ? mask.input(0) : call(kNot, {&mask}, {});
  }

  /// What the scores of `batch` are combined with, in the batch that all have.
  Node* fit(Node& value, std::span<const Dim> batch) {
    const std::vector<Dim>& dims = value.tensor()->dims;
    if (dims.size() <= 2) return &value;
    const auto wanted = regrouped(dims, batch, batch_);
    return wanted ? viewed(value, *wanted, graft_, origin_) : nullptr;
  }

  const Scores& scores_;
  const std::vector<Dim> batch_;
  Graft& graft_;
  const Origin origin_;
};

/// Of all groupings on the way the one with the most dimensions.
std::vector<Dim> finest(const Scores& scores, const Product& product) {
  std::vector<Dim> most = product.batch;
  for (const std::vector<Dim>& batch : scores.batches) {
    if (batch.size() > most.size()) most = batch;
  }
  return most;
}

/// Without the head where it is one among several samples: with a mask the engine has no INT8 kernel for it (rule M2).
std::vector<Dim> without_only_head(std::vector<Dim> batch, bool is_masked) {
  const bool has_others = std::any_of(batch.begin(), batch.end(), [](const Dim& extent) { return extent != Dim(1); });
  while (is_masked && has_others && batch.back() == Dim(1)) batch.pop_back();
  return batch;
}

struct SDPAPattern final : Pattern {
  Pat softmax = op({"aten.softmax.int", "aten._softmax.default"})(any()).may_escape();

  std::string_view name() const override { return "SDPAPattern"; }
  bool looks_further() const override { return true; }
  std::vector<Pat> roots() const override { return {softmax}; }

  Outcome graft(const Match& match, Graft& graft) const override {
    Node& weights = match[softmax];
    if (!weights.tensor() || weights.type() != weights.input(0).type()) return declined("it changes the element type");
    const auto rank = static_cast<int64_t>(weights.tensor()->rank());
    const int64_t dim = integer_of(weights, "dim", rank);
    if (rank < 2 || (dim != -1 && dim != rank - 1)) return declined("it is not over the last dimension");
    Product product;
    if (Outcome outcome = read_product(weights, product); !outcome) return outcome;
    Scores scores;
    if (Outcome outcome = read_scores(weights, product.guard, scores); !outcome) return outcome;
    return raise(scores, product, graft);
  }

 private:
  /// What the value is made of by multiplying it by numbers, which go into the scale.
  static Node& unscaled(Node& value, double& scale) {
    Node* at = &value;
    for (auto factor = factor_of(*at); factor && std::isfinite(*factor); factor = factor_of(*at)) {
      scale *= *factor;
      at = &at->input(0);
    }
    return *at;
  }

  static Outcome raise(const Scores& scores, const Product& product, Graft& graft) {
    const std::vector<Dim> batch = without_only_head(finest(scores, product), !scores.masks.empty());
    const std::vector<Dim>& first = scores.batches.back();
    Operands operands(scores, product, batch, graft);
    double scale = scores.scale;
    Node* q = operands.matrix(unscaled(*scores.queries, scale), first);
    Node* k = operands.matrix(unscaled(operands.transposed(unscaled(*scores.keys, scale)), scale), first);
    Node* v =
        operands.matrix(product.is_transposed ? operands.transposed(*product.values) : *product.values, product.batch);
    if (!q || !k || !v) return declined("its operands cannot be grouped as its masks are");
    if (scores.scale_tensor && !(q = operands.scaled(*q))) return declined("its scale fits no batch of its scores");
    Node* mask = nullptr;
    std::optional<double> value;
    if (Outcome outcome = operands.mask(mask, value); !outcome) return outcome;

    Node* blind = nullptr;
    if (product.guard) operands.guard(mask, value, blind);

    ModuleRecord record = module_at(*product.product, "ScaledDotProductAttention");
    record.attrs.set("scale", Attribute(scale));
    std::vector<Node*> inputs{q, k, v};
    if (mask) {
      inputs.push_back(mask);
      ModuleRecord part;
      part.path = cat(record.path.str(), ".mask");
      part.kind = value ? "AttentionFill" : "AttentionBias";
      if (value) part.attrs.set("value", Attribute(*value));
      record.children.emplace_back(Symbol("mask"), graft.add_record(std::move(part)));
    }
    Node* result = &graft.call_module(graft.add_record(std::move(record)), inputs);
    if (blind) {
      result = &graft.call_function("aten.masked_fill.Scalar", {result, blind}, {{"value", Attribute(0.0)}},
                                    product.product->origin());
    }
    if (product.is_transposed) {
      result = &graft.call_function("aten.transpose.int", {result}, {{"dim0", int64_t{-2}}, {"dim1", int64_t{-1}}},
                                    product.product->origin());
    }
    result = viewed(*result, product.product->tensor()->dims, graft, product.product->origin());
    if (!result) return declined("its result has more than one extent that is known at run time only");
    return graft.replace(*product.product, *result);
  }
};

}  // namespace

std::shared_ptr<const Pattern> make_sdpa_pattern() { return std::make_shared<SDPAPattern>(); }

}  // namespace graftwork::core

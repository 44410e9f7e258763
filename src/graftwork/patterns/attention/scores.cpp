#include "graftwork/patterns/attention/scores.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "graftwork/base/text.h"
#include "graftwork/ir/operator_name.h"
#include "graftwork/patterns/attention/axes.h"
#include "graftwork/patterns/recompositions/raise.h"

namespace graftwork::core {
namespace {

constexpr size_t kLongestWay = 32;

bool is_product(const Node& node) {
  static const std::array<Symbol, 3> kOps{"aten.matmul.default", "aten.bmm.default", "aten.baddbmm.default"};
  return is_one_of(node.op(), kOps);
}

/// One number for each matrix: [..., 1, 1].
bool scales_whole_matrices(const Node& value) {
  const TensorType* type = value.tensor();
  if (!type) return false;
  const size_t axes = std::min<size_t>(type->rank(), 2);
  return std::all_of(type->dims.end() - static_cast<std::ptrdiff_t>(axes), type->dims.end(),
                     [](const Dim& extent) { return extent == Dim(1); });
}

class Walk {
 public:
  Walk(Scores& scores, const Node* guard) : scores_(scores), guard_(guard) {}

  Outcome run(const Node& softmax) {
    Node* at = &softmax.input(0);
    for (size_t steps = 0; steps < kLongestWay; ++steps) {
      if (!at->tensor() || at->tensor()->rank() < 2) return declined("the shape of its scores is not known");
      const bool is_guarded = guard_ && at == &softmax.input(0) && at->use_count() == 2;
      if (at->use_count() != 1 && !is_guarded)
        return declined(cat("its scores %", at->name().str(), " are read elsewhere"));
      note_batch(*at);
      if (is_product(*at)) return finish(*at);
      Node* next = nullptr;
      if (Outcome outcome = step(*at, next); !outcome) return outcome;
      at = next;
    }
    return declined("nothing that it is of is a product");
  }

 private:
  void note_batch(const Node& value) {
    std::vector<Dim> batch = batch_of(value);
    if (scores_.batches.empty() || scores_.batches.back() != batch) scores_.batches.push_back(std::move(batch));
  }

  Outcome step(Node& node, Node*& next) {
    static const Symbol kAdd = "aten.add.Tensor", kSub = "aten.sub.Tensor", kMul = "aten.mul.Tensor",
                        kFill = "aten.masked_fill.Scalar", kChoose = "aten.where.ScalarOther";
    if (const std::optional<double> factor = factor_of(node)) {
      if (std::isnan(*factor))
        return declined(cat("%", node.name().str(), " scales it by what is known at run time only"));
      factor_ *= *factor;
      next = &node.input(0);
      return applied();
    }
    if (node.op() == kAdd && node.input_count() == 2 && number_of(node, "alpha", 1) == 1)
      return add_mask(node, leads_to_product(node.input(0)) ? 0 : 1, factor_, next);
    if (node.op() == kSub && node.input_count() == 2 && number_of(node, "alpha", 1) == 1)
      return add_mask(node, 0, -factor_, next);
    if (node.op() == kMul && node.input_count() == 2) return scale_by_tensor(node, next);
    if (node.op() == kFill && node.input_count() == 2)
      return fill(node, 0, number_of(node, "value", std::nan("")), /*is_inverted=*/false, next);
    if (node.op() == kChoose && node.input_count() == 2)
      return fill(node, 1, number_of(node, "other", std::nan("")), /*is_inverted=*/true, next);
    if (moves_data(node)) return skip_movement(node, next);
    return declined(cat("%", node.name().str(), " = ", node.op().str(), " stands between its product and the softmax"));
  }

  Outcome skip_movement(Node& node, Node*& next) {
    std::vector<const Node*> way;
    Node* at = &node;
    while (moves_data(*at) && at->kind() != NodeKind::kGetItem && way.size() < kLongestWay) {
      if (at->use_count() != 1 && at != &node) return declined(cat("%", at->name().str(), " is read elsewhere"));
      way.push_back(at);
      at = &at->input(0);
    }
    const auto is_turned = turns_matrices(*at, way);
    if (!is_turned || *is_turned) return declined(cat("%", node.name().str(), " moves its scores"));
    next = at;
    return applied();
  }

  /// Whether a product is reached by what scores may go through.
  static bool leads_to_product(const Node& value) {
    static const Symbol kAdd = "aten.add.Tensor", kSub = "aten.sub.Tensor", kMul = "aten.mul.Tensor",
                        kFill = "aten.masked_fill.Scalar", kChoose = "aten.where.ScalarOther";
    std::vector<const Node*> open{&value};
    for (size_t steps = 0; steps < kLongestWay && !open.empty(); ++steps) {
      const Node& at = *open.back();
      open.pop_back();
      if (at.kind() != NodeKind::kCallFunction && !moves_data(at)) continue;
      if (is_product(at)) return true;
      const bool is_sum = at.op() == kAdd || at.op() == kSub || at.op() == kMul;
      if (moves_data(at) || factor_of(at) || at.op() == kFill || (is_sum && at.input_count() == 2))
        open.push_back(&at.input(0));
      if (at.op() == kChoose || (is_sum && at.input_count() == 2)) open.push_back(&at.input(1));
    }
    return false;
  }

  Outcome add_mask(Node& node, uint32_t slot, double factor, Node*& next) {
    if (scores_.scale_tensor) return declined(cat("%", node.name().str(), " is scaled by a tensor"));
    ScoreMask mask;
    mask.mask = &node.input(1 - slot);
    mask.factor = factor;
    next = &node.input(slot);
    return keep(std::move(mask), node, *next);
  }

  Outcome fill(Node& node, uint32_t slot, double value, bool is_inverted, Node*& next) {
    if (scores_.scale_tensor || std::isnan(value))
      return declined(cat("%", node.name().str(), " fills in what is known at run time only"));
    ScoreMask mask;
    mask.form = ScoreMask::Form::kFill;
    mask.mask = &node.input(1 - slot);
    mask.value = value * factor_;
    mask.is_inverted = is_inverted;
    next = &node.input(slot);
    return keep(std::move(mask), node, *next);
  }

  Outcome keep(ScoreMask mask, const Node& node, const Node& scores) {
    if (node.type() != scores.type()) return declined(cat("%", node.name().str(), " widens its scores"));
    const TensorType* type = mask.mask->tensor();
    if (!type || type->rank() > node.tensor()->rank()) return declined("the shape of its mask is not known");
    mask.batch = batch_of(node);
    scores_.masks.insert(scores_.masks.begin(), std::move(mask));
    return applied();
  }

  Outcome scale_by_tensor(Node& node, Node*& next) {
    const size_t slot = leads_to_product(node.input(0)) ? 0 : 1;
    Node& factor = node.input(1 - slot);
    if (scores_.scale_tensor || !scales_whole_matrices(factor) || node.type() != node.input(slot).type())
      return declined(cat("%", node.name().str(), " scales its scores one by one"));
    scores_.scale_tensor = &factor;
    scores_.scale_batch = batch_of(node);
    next = &node.input(slot);
    return applied();
  }

  Outcome finish(Node& product) {
    scores_.product = &product;
    size_t first = 0;
    scores_.scale = factor_;
    if (product.op() == Symbol("aten.baddbmm.default")) {
      const double alpha = number_of(product, "alpha", 1), beta = number_of(product, "beta", 1);
      if (std::isnan(alpha) || std::isnan(beta)) return declined("its factors are known at run time only");
      scores_.scale *= alpha;
      first = 1;
      if (beta != 0) {
        if (scores_.scale_tensor) return declined("its mask is scaled by a tensor");
        ScoreMask mask;
        mask.mask = &product.input(0);
        mask.factor = beta * factor_;
        mask.batch = batch_of(product);
        scores_.masks.insert(scores_.masks.begin(), std::move(mask));
      }
    }
    scores_.queries = &product.input(first);
    scores_.keys = &product.input(first + 1);
    for (const Node* operand : {scores_.queries, scores_.keys}) {
      if (!operand->tensor() || operand->tensor()->rank() < 2) return declined("it multiplies no matrices");
    }
    return applied();
  }

  Scores& scores_;
  const Node* guard_;
  double factor_ = 1;
};

}  // namespace

std::optional<double> factor_of(const Node& node) {
  static const std::array<Symbol, 2> kMul{"aten.mul.Tensor", "aten.mul.Scalar"};
  static const std::array<Symbol, 2> kDiv{"aten.div.Tensor", "aten.div.Scalar"};
  if (node.input_count() != 1) return std::nullopt;
  const double other = number_of(node, "other", std::nan(""));
  if (is_one_of(node.op(), kMul)) return other;
  if (is_one_of(node.op(), kDiv) && !node.attrs().find("rounding_mode")) return 1 / other;
  return std::nullopt;
}

std::vector<Dim> batch_of(const Node& value) {
  const std::vector<Dim>& dims = value.tensor()->dims;
  return {dims.begin(), dims.end() - 2};
}

std::optional<bool> turns_matrices(const Node& source, std::span<const Node* const> way) {
  if (!source.tensor() || source.tensor()->rank() < 2) return std::nullopt;
  std::optional<Layout> layout = Layout::of(*source.tensor());
  const Layout before = *layout;
  for (size_t i = way.size(); i-- > 0 && layout;) layout = moved(*way[i], *layout);
  if (!layout || layout->dims.size() < 2) return std::nullopt;
  const size_t rows = before.dims.size() - 2, columns = rows + 1;
  const auto batch = [](const Layout& of) {
    std::vector<Axis> axes;
    for (size_t dim = 0; dim + 2 < of.dims.size(); ++dim)
      axes.insert(axes.end(), of.dims[dim].begin(), of.dims[dim].end());
    return axes;
  };
  // Grouped differently, the axes are split otherwise and stand in the same order.
  const std::vector<Axis> wanted = batch(before), found = batch(*layout);
  size_t next = 0;
  for (const Axis& axis : wanted) {
    Dim left(1);
    for (; next < found.size() && found[next].source == axis.source && left != axis.extent; ++next)
      left = left * found[next].extent;
    if (left != axis.extent) return std::nullopt;
  }
  if (next != found.size()) return std::nullopt;
  const auto &a = layout->dims[layout->dims.size() - 2], &b = layout->dims.back();
  if (a == before.dims[rows] && b == before.dims[columns]) return false;
  if (a == before.dims[columns] && b == before.dims[rows]) return true;
  return std::nullopt;
}

Outcome read_scores(const Node& softmax, const Node* guard, Scores& scores) { return Walk(scores, guard).run(softmax); }

}  // namespace graftwork::core

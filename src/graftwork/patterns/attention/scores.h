// What leads from a product of queries and keys to the softmax over it, however it is spelled.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "graftwork/base/outcome.h"
#include "graftwork/ir/graph.h"

namespace graftwork::core {

/// What is done to the scores with a mask, as the last of
///     kAdd   scores + factor · mask
///     kFill  where(mask, value, scores): true hides a key; with is_inverted, true shows it
struct ScoreMask {
  enum class Form : uint8_t { kAdd, kFill };
  Form form = Form::kAdd;
  Node* mask = nullptr;
  double factor = 1;
  double value = 0;
  bool is_inverted = false;
  /// Extents of the scores there, in front of [queries, keys].
  std::vector<Dim> batch;
};

struct Scores {
  Node* queries = nullptr;  ///< [..., queries, width]
  Node* keys = nullptr;     ///< [..., width, keys]
  Node* product = nullptr;
  double scale = 1;              ///< Of the product.
  Node* scale_tensor = nullptr;  ///< Further: [..., 1, 1]; null when there is none.
  std::vector<Dim> scale_batch;  ///< Extents of the scores there, in front of [queries, keys].
  std::vector<ScoreMask> masks;  ///< The one nearest to the product comes first.
  std::vector<Node*> between;    ///< What the attention consumes, the product first.
  /// Every grouping of the dimensions in front of [queries, keys] on the way, the product's last.
  std::vector<std::vector<Dim>> batches;
};

/// Walks from `softmax` to the product that it is of. Declines with the first thing that is in the way. `guard`, null
/// where there is none, is a value that may look at the scores too.
Outcome read_scores(const Node& softmax, const Node* guard, Scores& scores);

/// The number that a call multiplies its one input by; nothing when it does anything else. NaN where it is known at run
/// time only.
std::optional<double> factor_of(const Node& node);

/// [..., a, b]: the extents in front of the last two. Requires rank 2.
std::vector<Dim> batch_of(const Node& value);

/// How the last two dimensions stand behind data movement that may group the others differently: as they stood (false)
/// or in the other order (true). Nothing where it does more. `way` leads from the value behind the movement up to
/// `source`, which is not among them.
std::optional<bool> turns_matrices(const Node& source, std::span<const Node* const> way);

}  // namespace graftwork::core

// prepare, convert, fuse: operators become modules again, and modules the kernels of an engine.
#pragma once

#include <graftwork/capture.h>
#include <graftwork/pattern.h>

#include <concepts>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace graftwork {

/// How a module becomes a graph. The first two are Python's.
enum class Trace {
  EXPORT,    ///< torch.export.
  SYMBOLIC,  ///< torch.fx.
  CAPTURE,   ///< Run once and recorded (capture.h).
};

/// What was put in the place of what.
struct AppliedMatch {
  std::string pattern;
  std::string result;                 ///< Name of the node that took the place; empty when nothing did.
  std::vector<std::string> replaced;  ///< Names of the nodes that the match consumed, last first.
  /// "ConvBNActPattern  %conv, %bn, %relu → %fused_conv_bn_act_0".
  GRAFTWORK_API std::string text() const;
};

struct SkippedMatch {
  std::string pattern;
  std::string node;    ///< Where its tree was anchored.
  std::string reason;  ///< Why it was not carried out.
};

struct Report {
  std::vector<SkippedMatch> skipped;
  /// Matches applied per pattern, by name.
  std::map<std::string, size_t> counts;
};

struct TransformationResult {
  /// The same float function: what may be quantized has disabled stubs.
  Network model;
  std::vector<AppliedMatch> matches;
  Report report;
};

/// Raises operators to modules, converts to a fix-point, fuses once. The network stays as it is. Throws Error
/// "backend.*" when no patterns are given and it is not clear for which engine.
GRAFTWORK_API TransformationResult transform(const Network& network);
GRAFTWORK_API TransformationResult transform(const Network& network, const Patterns& patterns);
/// The front half alone: operators back to modules.
GRAFTWORK_API Network prepare_graph(const Network& network);

/// Captures a torch::nn::Module, or anything else that capture() takes, and transforms it. Throws Error
/// "capture.trace" for the ways to trace that C++ has not.
template <class Model>
  requires(!std::same_as<std::remove_cvref_t<Model>, Network>)
TransformationResult transform(Model&& model, const std::vector<at::Tensor>& inputs,
                               const Patterns& patterns = TENSORRT_PATTERNS, Trace trace = Trace::CAPTURE) {
  detail::require_capture(trace == Trace::CAPTURE);
  return transform(capture(model, inputs), patterns);
}

/// A match, found and not carried out yet.
struct PlannedMatch {
  std::string pattern;
  std::string node;                ///< Where the tree is anchored; named as it is after the round before.
  std::vector<std::string> nodes;  ///< What it consumes, in dataflow order; empty for one that lost a node to another.
  bool apply = true;
  /// The pattern that took a node of this match. It comes back when that one is switched off.
  std::string winner;
};

struct PlannedRound {
  std::string phase;  ///< "conversions" or "fusions".
  std::vector<PlannedMatch> matches;
};

/// Every match that `transform` would carry out, to be looked at, changed and kept.
struct TransformationPlan {
  std::string graph;  ///< Fingerprint of the network that it was made for.
  std::vector<PlannedRound> rounds;

  /// The match of `pattern` at `node` in the first round that has one. Throws Error "plan.match".
  GRAFTWORK_API PlannedMatch& match(std::string_view node, std::string_view pattern);
  /// One match a line, by round.
  GRAFTWORK_API std::string text() const;
  /// As plan files have it (docs/plans.md), and back. Throws Error "plan.json", "plan.key", "plan.value".
  GRAFTWORK_API std::string json() const;
  GRAFTWORK_API static TransformationPlan parse(const std::string& json);
};

/// What transform() would do, round by round, to be edited and applied; nothing is changed.
GRAFTWORK_API TransformationPlan get_transformation_plan(const Network& network,
                                                         const Patterns& patterns = TENSORRT_PATTERNS);
/// Carries out what is switched on. A match that an edit has made impossible is reported as skipped. Throws Error
/// "plan.graph" when the plan was made for another network, "plan.pattern".
GRAFTWORK_API TransformationResult apply_transformation_plan(const Network& network, const TransformationPlan& plan,
                                                             const Patterns& patterns = TENSORRT_PATTERNS);

/// What became of the value `name`, or of the values of the module at the path `name`, and why, for people. Throws
/// Error "explain.node" with names that are like it.
GRAFTWORK_API std::string explain(const Network& network, std::string_view name,
                                  const Patterns& patterns = TENSORRT_PATTERNS);

}  // namespace graftwork

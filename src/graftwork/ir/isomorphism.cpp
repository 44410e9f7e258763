#include "graftwork/ir/isomorphism.h"

#include <unordered_map>
#include <vector>

#include "graftwork/base/text.h"
#include "graftwork/ir/text/print.h"

namespace graftwork::core {
namespace {

class Comparison {
 public:
  Comparison(const GraphModule& a, const GraphModule& b) : a_(a), b_(b) {}

  std::optional<std::string> run() {
    const std::vector<Node*> inputs_a = a_.graph().inputs();
    const std::vector<Node*> inputs_b = b_.graph().inputs();
    if (inputs_a.size() != inputs_b.size())
      return cat("one has ", inputs_a.size(), " inputs, the other ", inputs_b.size());
    for (size_t i = 0; i < inputs_a.size(); ++i) {
      if (auto found = pair(*inputs_a[i], *inputs_b[i])) return found;
    }
    if (a_.signature().outputs != b_.signature().outputs) return "the results have other names";
    if (auto found = pair(*a_.graph().output(), *b_.graph().output())) return found;
    while (!open_.empty()) {
      const auto [node_a, node_b] = open_.back();
      open_.pop_back();
      if (auto found = compare(*node_a, *node_b)) return found;
    }
    return compare_unreachable();
  }

 private:
  /// Notes that the two nodes must correspond; their inside is compared later (no recursion over depth).
  std::optional<std::string> pair(const Node& a, const Node& b) {
    const auto [at, fresh] = twin_.emplace(&a, &b);
    if (!fresh) {
      if (at->second == &b) return std::nullopt;
      return cat("%", a.name().str(), " corresponds to %", at->second->name().str(), " and to %", b.name().str());
    }
    if (!taken_.emplace(&b, &a).second) {
      return cat("%", b.name().str(), " stands for both %", taken_.at(&b)->name().str(), " and %", a.name().str());
    }
    open_.emplace_back(&a, &b);
    return std::nullopt;
  }

  std::optional<std::string> compare(const Node& a, const Node& b) {
    const std::string where = cat("%", a.name().str(), " and %", b.name().str(), ": ");
    if (a.kind() != b.kind() || a.op() != b.op()) return cat(where, a.op().str(), " against ", b.op().str());
    if (a.kind() == NodeKind::kCallPart && a.role() != b.role())
      return cat(where, "@", a.role().str(), " against @", b.role().str());
    if (!(a.attrs() == b.attrs())) return where + "their attributes differ";
    if (!(a.type() == b.type())) return cat(where, "type ", a.type().text(), " against ", b.type().text());
    if (a.kind() == NodeKind::kConstant && !(a.constant() == b.constant())) {
      return cat(where, a.constant().text(), " against ", b.constant().text());
    }
    if (a.kind() == NodeKind::kCallModule) {
      const std::string record_a = print_record(a_.modules(), a.module());
      const std::string record_b = print_record(b_.modules(), b.module());
      if (record_a != record_b) return cat(where, record_a, " against ", record_b);
    }
    if (a.input_count() != b.input_count()) return cat(where, a.input_count(), " inputs against ", b.input_count());
    for (size_t slot = 0; slot < a.input_count(); ++slot) {
      if (auto found = pair(a.input(slot), b.input(slot))) return cat(where, "input ", slot, ": ", *found);
    }
    return std::nullopt;
  }

  /// Nodes that no result needs (asserts, dead code) must at least agree in number.
  std::optional<std::string> compare_unreachable() const {
    if (a_.graph().size() == b_.graph().size()) return std::nullopt;
    return cat("one has ", a_.graph().size(), " nodes, the other ", b_.graph().size());
  }

  const GraphModule& a_;
  const GraphModule& b_;
  std::unordered_map<const Node*, const Node*> twin_;
  std::unordered_map<const Node*, const Node*> taken_;
  std::vector<std::pair<const Node*, const Node*>> open_;
};

}  // namespace

std::optional<std::string> difference(const GraphModule& a, const GraphModule& b) { return Comparison(a, b).run(); }

}  // namespace graftwork::core

#include "graftwork/patterns/text/body_of.h"

#include <algorithm>
#include <map>
#include <unordered_map>

#include "graftwork/base/text.h"
#include "graftwork/ir/body.h"
#include "graftwork/patterns/stage_kernel.h"

namespace graftwork::core::gpat {
namespace {

using Form = Capture::Form;

class BodyBuilder {
 public:
  BodyBuilder(const PatternText& text, const Names& names, const TreeRoles& roles) : names_(names), roles_(roles) {
    for (const PositionText& position : text.positions) positions_.emplace(*names.find(position.name.text), &position);
    for (size_t i = 0; i < names.size(); ++i) {
      if (names[i].name != "_") by_name_.emplace(names[i].name, i);
    }
  }

  std::shared_ptr<const GraphModule> run() {
    for (const size_t input : roles_.inputs) made_[input] = &body_->add_input(names_[input].name, {});
    std::vector<Node*> results;
    std::vector<Symbol> result_names;
    for (const size_t capture : roles_.results) {
      results.push_back(&value(capture));
      result_names.emplace_back(names_[capture].name);
    }
    body_->add_output(results, std::move(result_names));
    return body_;
  }

 private:
  [[noreturn]] void fail(const Capture& capture, const std::string& what, const std::string& hint) const {
    names_.place().fail_at(capture.offset, cat("%", shown_name(capture.name), " ", what), hint);
  }

  /// No recursion deeper than a tree has positions.
  Node& value(size_t index) {
    if (const auto known = made_.find(index); known != made_.end()) return *known->second;
    const Capture& capture = names_[index];
    const auto position = positions_.find(index);
    if (position == positions_.end() || capture.form == Form::kConstant) {
      fail(capture, "is read inside the kernel and is none of its inputs", "it among the operands of the call");
    }
    std::vector<Node*> operands;
    for (const Word& operand : position->second->operands) operands.push_back(&value(by_name_.at(operand.text)));
    const auto part =
        std::find_if(roles_.parts.begin(), roles_.parts.end(), [&](const auto& one) { return one.second == index; });
    Node& node = part == roles_.parts.end()
                     ? operation(capture, *position->second, operands)
                     : add_call_part(*body_, capture.name, part->first, operands, count_of(capture));
    made_.emplace(index, &node);
    return node;
  }

  static PartCount count_of(const Capture& capture) {
    if (capture.form == Form::kOptional) return PartCount::kOptional;
    return capture.form == Form::kChain ? PartCount::kAny : PartCount::kOne;
  }

  Node& operation(const Capture& capture, const PositionText& position, const std::vector<Node*>& operands) {
    if (capture.form == Form::kStretch)
      fail(capture, "may be any operators, and a body knows its own", "a chain of kinds");
    const bool is_module = std::any_of(capture.ops.begin(), capture.ops.end(),
                                       [&](Symbol op) { return names_.vocabulary().module_kind(op) != nullptr; });
    if (is_module) {
      fail(capture, "has no place in the graft: what it computes is lost",
           cat("it as a part, or %", shown_name(capture.name), "(...) on another value"));
    }
    if (capture.ops.size() != 1) fail(capture, "may be one of several operators, and a body has one", "one operator");
    if (capture.form != Form::kOp)
      fail(capture, "is an operator that may be absent", "an operator without a quantifier");
    AttrMap attrs;
    for (const Assignment& assignment : position.attributes) {
      const auto constant = known_value(assignment.value);
      if (constant && !constant->is_none()) attrs.set(assignment.name.text, *constant);
    }
    for (const auto& [name, expr] : roles_.record_attributes) {
      const bool is_own = expr->form == Expr::Form::kProperty && expr->property == Property::kNamed &&
                          names_[expr->capture].name == capture.name;
      if (is_own) attrs.set(expr->name, RecordRef{name});
    }
    if (capture.ops[0] == Symbol("get_item")) {
      const Attribute* index = attrs.find("index");
      if (!index || !index->get<int64_t>()) fail(capture, "reads some element of a tuple", "{index=0}");
      return body_->add_get_item(capture.name, *operands[0], *index->get<int64_t>());
    }
    return body_->add_untyped_call(capture.ops[0], capture.name, operands, std::move(attrs));
  }

  const Names& names_;
  const TreeRoles& roles_;
  std::shared_ptr<GraphModule> body_ = std::make_shared<GraphModule>();
  std::unordered_map<size_t, const PositionText*> positions_;
  std::unordered_map<std::string, size_t> by_name_;
  std::unordered_map<size_t, Node*> made_;
};

/// Walks both bodies from their results up.
class BodyComparison {
 public:
  std::optional<BodyDifference> run(const GraphModule& declared, const GraphModule& tree) {
    const Node& results = *declared.graph().output();
    const Node& found = *tree.graph().output();
    if (results.input_count() != found.input_count())
      return BodyDifference{{}, cat("it has ", counted(results.input_count(), "result"))};
    number_inputs(declared, declared_inputs_);
    number_inputs(tree, tree_inputs_);
    if (declared_inputs_.size() != tree_inputs_.size())
      return BodyDifference{{}, cat("it has ", counted(declared_inputs_.size(), "input"))};
    for (size_t i = 0; i < results.input_count(); ++i) {
      if (!same(results.input(i), found.input(i))) return difference_;
    }
    return std::nullopt;
  }

 private:
  static void number_inputs(const GraphModule& body, std::unordered_map<const Node*, size_t>& numbers) {
    for (const Node* input : body.graph().inputs()) numbers.emplace(input, numbers.size());
  }

  bool differs(const Node& tree, const std::string& what) {
    if (!difference_) difference_ = BodyDifference{tree.name(), what};
    return false;
  }

  static std::string text_of(const Node& node) {
    if (node.kind() == NodeKind::kInput) return cat("its input %", node.name().str());
    return node.kind() == NodeKind::kCallPart ? cat("the part ", node.role().str()) : node.op().str();
  }

  bool same(const Node& declared, const Node& tree) {
    const std::pair<const Node*, const Node*> pair(&declared, &tree);
    if (const auto known = known_.find(pair); known != known_.end()) return known->second;
    const bool result = compare(declared, tree);
    known_.emplace(pair, result);
    return result;
  }

  bool compare(const Node& declared, const Node& tree) {
    const bool same_part =
        declared.kind() == NodeKind::kCallPart && tree.kind() == NodeKind::kCallPart && declared.role() == tree.role();
    const bool may_lack = declared.kind() == NodeKind::kCallPart && part_count(declared) != PartCount::kOne;
    if (may_lack && !same_part) return same(declared.input(0), tree);
    if (declared.kind() != tree.kind() || declared.input_count() != tree.input_count() ||
        (!same_part && declared.op() != tree.op())) {
      return differs(tree, cat("where it has ", text_of(declared), ", the pattern has ", text_of(tree)));
    }
    if (declared.kind() == NodeKind::kInput && declared_inputs_.at(&declared) != tree_inputs_.at(&tree))
      return differs(tree, "its inputs stand in another order");
    if (declared.kind() == NodeKind::kCallPart) {
      const bool may_be_absent = part_count(tree) != PartCount::kOne;
      if (!same_part)
        return differs(tree, cat("where it has ", text_of(declared), ", the pattern has ", text_of(tree)));
      if (may_be_absent && part_count(declared) != part_count(tree))
        return differs(tree, cat("it needs its part ", declared.role().str(), ", which the pattern may not find"));
    } else if (!(declared.attrs() == tree.attrs())) {
      return differs(tree, cat("the attributes of ", text_of(tree), " differ"));
    }
    if (is_commutative(declared)) {
      const std::optional<BodyDifference> before = difference_;
      if (same(declared.input(0), tree.input(0)) && same(declared.input(1), tree.input(1))) return true;
      const std::optional<BodyDifference> straight = std::exchange(difference_, before);
      if (same(declared.input(0), tree.input(1)) && same(declared.input(1), tree.input(0))) return true;
      difference_ = straight;
      return false;
    }
    for (size_t i = 0; i < declared.input_count(); ++i) {
      if (!same(declared.input(i), tree.input(i))) return false;
    }
    return true;
  }

  std::unordered_map<const Node*, size_t> declared_inputs_, tree_inputs_;
  std::map<std::pair<const Node*, const Node*>, bool> known_;
  std::optional<BodyDifference> difference_;
};

}  // namespace

std::shared_ptr<const GraphModule> body_of(const PatternText& text, const Names& names, const TreeRoles& roles) {
  return BodyBuilder(text, names, roles).run();
}

std::optional<BodyDifference> tree_difference(const GraphModule& declared, const GraphModule& tree) {
  return BodyComparison().run(declared, tree);
}

}  // namespace graftwork::core::gpat

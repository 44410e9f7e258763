#include "graftwork/match/pat.h"

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/ir/kind.h"

namespace graftwork::core {

Node& Bindings::operator[](const Pat& pat) const {
  Node* node = nodes_[static_cast<size_t>(pat.position_->id)];
  GRAFTWORK_ASSERT(node != nullptr);
  return *node;
}

bool Bindings::has(const Pat& pat) const { return nodes_[static_cast<size_t>(pat.position_->id)] != nullptr; }

Pat::Pat(Form form) : position_(std::make_shared<Position>()) { position_->form = form; }

Pat Pat::may_escape() const {
  GRAFTWORK_ASSERT(position_->form == Form::kOp || position_->form == Form::kChain ||
                   position_->form == Form::kStretch);
  position_->escapes = true;
  return *this;
}

Pat Pat::commutes() const {
  GRAFTWORK_ASSERT(position_->form == Form::kOp && position_->operands.size() == 2);
  position_->commutes = true;
  return *this;
}

Pat Pat::and_more_inputs() const {
  GRAFTWORK_ASSERT(position_->form == Form::kOp);
  position_->open_ended = true;
  return *this;
}

Pat Pat::where(NodeCondition condition, std::string reason) const {
  position_->conditions.push_back({std::move(condition), std::move(reason)});
  return *this;
}

Pat Pat::where(MatchCondition condition, std::string reason) const {
  position_->wide_conditions.push_back({std::move(condition), std::move(reason)});
  return *this;
}

Pat Pat::attr(Symbol name, Attribute value) const {
  const std::string reason = cat("its ", name.str(), " is not ", value.text());
  return where(
      [name, value = std::move(value)](const GraphModule& module, const Node& node) {
        const Attribute* found = node.kind() == NodeKind::kCallModule
                                     ? attribute_of(module.record(node), name, module.modules().kinds())
                                     : node.attrs().find(name);
        return found && *found == value;
      },
      reason);
}

Pat OpPat::on(std::vector<Pat> operands) const {
  Pat pat(Pat::Form::kOp);
  pat.position_->ops = ops_;
  pat.position_->operands = std::move(operands);
  return pat;
}

Pat any() { return Pat(Pat::Form::kAny); }
Pat constant() { return Pat(Pat::Form::kConstant); }
OpPat op(Symbol name) { return OpPat({name}); }
OpPat op(std::span<const Symbol> names) { return OpPat({names.begin(), names.end()}); }
OpPat op(std::initializer_list<Symbol> names) { return OpPat(names); }

Pat either(const Pat& first, const Pat& second) {
  Pat pat(Pat::Form::kEither);
  pat.position_->operands = {first, second};
  return pat;
}

Pat optional(const OpPat& ops, const Pat& from) { return either(ops(from), from); }

Pat chain(const OpPat& ops, const Pat& from, uint32_t min, uint32_t max) {
  Pat pat(Pat::Form::kChain);
  pat.position_->ops = ops.ops_;
  pat.position_->operands = {from};
  pat.position_->min = min;
  pat.position_->max = max;
  return pat;
}

Pat stretch(const Pat& from, uint32_t min, uint32_t max) {
  GRAFTWORK_ASSERT(min <= max && max <= Pat::kMaxStretch);
  Pat pat(Pat::Form::kStretch);
  pat.position_->operands = {from};
  pat.position_->min = min;
  pat.position_->max = max;
  return pat;
}

}  // namespace graftwork::core

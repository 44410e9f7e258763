#include "graftwork/patterns/text/text_pattern.h"

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/ir/kind.h"
#include "graftwork/patterns/stage_kernel.h"

namespace graftwork::core::gpat {
namespace {

/// Errors here are reasons to decline: the rewriter reports them and leaves the network as it was.
[[noreturn]] void refuse(const std::string& what) { throw Error("pattern.value", what); }

class Run {
 public:
  Run(const Program& program, const Match& match, Graft& graft)
      : program_(program),
        match_(match),
        graft_(graft),
        bindings_(match.bindings()),
        scope_{graft.module(), program.captures, &bindings_, nullptr} {}

  Outcome operator()() {
    for (const Requirement& requirement : program_.requirements) {
      if (decide(requirement.condition, scope_) != Truth::kTrue) return declined(filled(requirement.reason));
    }
    for (const Step& step : program_.steps) {
      made_.push_back(nullptr);
      if (step.form != Step::Form::kKernel) {
        made_.back() = &make(step);
      } else if (Outcome replaced = replace(step); !replaced) {
        return replaced;
      }
    }
    for (const Fate& fate : program_.fates) {
      if (is_done(fate)) continue;
      Node& old = match_[program_.captures[fate.capture].value];
      Outcome outcome = fate.is_erased ? graft_.remove(old) : graft_.replace(old, value(fate.now));
      if (!outcome) return outcome;
    }
    return applied();
  }

 private:
  /// What a kernel replaces, it has replaced.
  bool is_done(const Fate& fate) const {
    return fate.now.is_made && program_.steps[fate.now.index].form == Step::Form::kKernel;
  }

  std::string filled(const Template& text) const {
    std::string out;
    for (const Template::Piece& piece : text.pieces)
      out += piece.text + (piece.value ? shown_value(*piece.value, scope_) : "");
    return out;
  }

  Outcome replace(const Step& step) {
    KernelCall call;
    call.kind = step.callee;
    call.parts = parts(step);
    call.attrs = attributes(step);
    for (const ValueRef& operand : step.operands) call.inputs.push_back(&value(operand));
    for (const size_t result : step.results) call.replaces.push_back(&match_[program_.captures[result].value]);
    return replace_by_kernel(std::move(call), graft_);
  }

  Node& value(const ValueRef& ref) const {
    return ref.is_made ? *made_[ref.index] : match_[program_.captures[ref.index].value];
  }

  Node& make(const Step& step) {
    std::vector<Node*> operands;
    for (const ValueRef& ref : step.operands) operands.push_back(&value(ref));
    switch (step.form) {
      case Step::Form::kKernel:
        break;
      case Step::Form::kModule:
        return graft_.call_module(graft_.share_record(record(step)), operands);
      case Step::Form::kOperator:
        return graft_.call_function(step.callee, operands, attributes(step));
      case Step::Form::kAgain:
        break;
    }
    return again(program_.captures[step.capture], operands);
  }

  AttrMap attributes(const Step& step) const {
    AttrMap attrs;
    for (const auto& [name, expr] : step.attributes) attrs.set(name, constant_value(expr, scope_));
    return attrs;
  }

  std::vector<std::pair<Symbol, ModuleId>> parts(const Step& step) const {
    std::vector<std::pair<Symbol, ModuleId>> result;
    for (const auto& [role, capture] : step.parts) {
      const Capture& found = program_.captures[capture];
      if (found.form == Capture::Form::kChain) {
        const std::vector<Node*> chain = match_.chain(found.value);
        for (size_t k = 0; k < chain.size(); ++k) result.emplace_back(cat(role.str(), "_", k), chain[k]->module());
      } else if (const Node* part = scope_.part(capture)) {
        result.emplace_back(role, part->module());
      }
    }
    return result;
  }

  ModuleRecord record(const Step& step) const {
    ModuleRecord record;
    record.kind = step.callee;
    record.path =
        step.has_own_path ? step.suffix : path_of(match_[program_.captures[step.capture].value]) + step.suffix;
    record.attrs = attributes(step);
    const Kind& kind = graft_.module().modules().kinds().at(step.callee);
    for (const auto& [role, capture] : step.parts) {
      const Node* layer = scope_.part(capture);
      const ModuleId quantizer =
          layer && layer->kind() == NodeKind::kCallModule ? graft_.module().record(*layer).child(role) : ModuleId();
      if (quantizer) record.children.emplace_back(role, quantizer);
    }
    for (const auto& [name, expr] : step.parameters) {
      if (std::optional<ParamExpr> param = parameter_value(expr, scope_)) {
        record.set_param(name, *std::move(param));
      } else if (!kind.param(name)->optional) {
        refuse(cat("there is no ", expr.text()));
      }
    }
    return record;
  }

  std::string path_of(const Node& node) const {
    if (node.kind() == NodeKind::kCallModule) return graft_.module().record(node).path.str();
    return node.origin().module_path.empty() ? node.name().str() : node.origin().module_path.str();
  }

  /// The same modules and operators on other values. An optional operator that is absent passes its value on.
  Node& again(const Capture& capture, const std::vector<Node*>& operands) const {
    if (capture.form == Capture::Form::kChain || capture.form == Capture::Form::kStretch) {
      Node* running = operands[0];
      for (const Node* node : match_.chain(capture.value)) {
        std::vector<Node*> inputs;
        for (const Use& use : node->inputs()) {
          const bool is_constant = use.producer()->kind() == NodeKind::kConstant;
          inputs.push_back(is_constant ? use.producer() : running);
        }
        running = &call(*node, inputs);
      }
      return *running;
    }
    if (!match_.has(capture.part)) return *operands[0];
    const Node& node = match_[capture.part];
    if (node.input_count() != operands.size()) {
      refuse(cat("%", node.name().str(), " has ", counted(node.input_count(), "input"), ", not ", operands.size()));
    }
    return call(node, operands);
  }

  Node& call(const Node& node, const std::vector<Node*>& inputs) const {
    if (node.kind() == NodeKind::kCallModule) return graft_.call_module(node.module(), inputs);
    if (node.kind() != NodeKind::kCallFunction) refuse(cat("%", node.name().str(), " cannot be called again"));
    return graft_.call_function(node.op(), inputs, node.attrs());
  }

  const Program& program_;
  const Match& match_;
  Graft& graft_;
  Bindings bindings_;
  Scope scope_;
  std::vector<Node*> made_;
};

}  // namespace

std::vector<Pat> TextPattern::roots() const {
  std::vector<Pat> roots;
  for (const size_t root : program_->roots) roots.push_back(program_->captures[root].value);
  return roots;
}

Outcome TextPattern::graft(const Match& match, Graft& graft) const {
  try {
    return Run(*program_, match, graft)();
  } catch (const Error& error) {
    return declined(error.message());
  }
}

}  // namespace graftwork::core::gpat

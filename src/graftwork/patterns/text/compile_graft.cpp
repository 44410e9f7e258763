// The second half of a pattern: what to put in the place of what was found.
#include <algorithm>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/ir/body.h"
#include "graftwork/ir/text/kernel_text.h"
#include "graftwork/patterns/text/body_of.h"
#include "graftwork/patterns/text/compile.h"

namespace graftwork::core::gpat {
namespace {

class GraftCompiler {
 public:
  GraftCompiler(const PatternText& text, const std::vector<bool>& replaceable, Names& names, Vocabulary& vocabulary,
                Program& program)
      : text_(text), replaceable_(replaceable), names_(names), vocabulary_(vocabulary), program_(program) {}

  void run() {
    in_graft_.assign(names_.size(), false);
    for (const RequireText& requirement : text_.requirements) require(requirement);
    for (const ResultText& result : text_.results) add(result);
    check_results();
    check_reads();
    check_steps();
    check_nothing_is_lost();
  }

 private:
  [[noreturn]] void fail(size_t offset, const std::string& what, const std::string& hint) const {
    names_.place().fail_at(offset, what, hint);
  }

  size_t mention(const Word& name) {
    const size_t capture = names_.at(name);
    in_graft_[capture] = true;
    return capture;
  }
  void mention_all(const Expr& expr) {
    for (const size_t capture : Names::mentions(expr).all) in_graft_[capture] = true;
  }

  void require(const RequireText& text) {
    Requirement requirement{text.condition, text.reason};
    names_.resolve(requirement.condition, std::nullopt);
    for (Template::Piece& piece : requirement.reason.pieces) {
      if (piece.value) names_.resolve(*piece.value, std::nullopt);
    }
    if (Names::mentions(requirement.condition).all.empty())
      fail(text.condition.offset, "the condition asks nothing of the match", "%name.rank == 4");
    program_.requirements.push_back(std::move(requirement));
  }

  void add(const ResultText& text) {
    if (text.form == ResultText::Form::kErase) {
      set_fate(mention(text.callee), text.callee, {0, true, {}});
      return;
    }
    if (text.form == ResultText::Form::kKeep) {
      const ValueRef now = value(text.callee);
      if (!text.target.text.empty()) return set_fate(target(text.target), text.target, {0, false, now});
      if (program_.roots.size() > 1) {
        fail(text.callee.offset, "the pattern has several results, and this says not which it replaces",
             cat("%", shown_name(names_[program_.roots[0]].name), " = %", shown_name(text.callee.text)));
      }
      return set_fate(program_.roots[0], text.callee, {0, false, now});
    }
    Step step = text.form == ResultText::Form::kAgain ? again(text) : call(text);
    const std::string& name = text.target.text;
    const std::optional<size_t> capture = names_.find(name);
    if (name == "_" || made_.contains(name)) {
      fail(text.target.offset, cat("%", shown_name(name), " is made twice"), "another name");
    }
    const ValueRef made{true, program_.steps.size()};
    const bool is_kernel = step.form == Step::Form::kKernel;
    program_.steps.push_back(std::move(step));
    step_offsets_.push_back(text.target.offset);
    if (is_kernel) {
      for (const size_t result : program_.steps.back().results) set_fate(result, text.target, {result, false, made});
    } else if (capture) {
      set_fate(target(text.target), text.target, {0, false, made});
    }
    made_.emplace(name, made.index);
  }

  size_t target(const Word& name) {
    if (const auto capture = names_.find(name.text)) return mention(name), *capture;
    fail(name.offset, cat("%", shown_name(name.text), " is a second name for a value"), "the value itself");
  }

  void set_fate(size_t capture, const Word& place, Fate fate) {
    const std::string name = shown_name(names_[capture].name);
    if (!replaceable_[capture]) {
      fail(place.offset, cat("nothing outside the match reads %", name, ", so nothing can take its place"),
           "a result of the pattern, or a position with \"may_escape\"");
    }
    fate.capture = capture;
    const bool is_known = std::any_of(program_.fates.begin(), program_.fates.end(),
                                      [&](const Fate& other) { return other.capture == capture; });
    if (is_known) fail(place.offset, cat("%", name, " is replaced twice"), "one of the two");
    if (!fate.is_erased && fate.now.is_made) step_is_used(fate.now.index);
    program_.fates.push_back(fate);
  }

  /// A value that the graft reads: made above, or matched.
  ValueRef value(const Word& name) {
    if (const auto made = made_.find(name.text); made != made_.end()) {
      step_is_used(made->second);
      return {true, made->second};
    }
    const size_t capture = mention(name);
    reads_.emplace_back(capture, name);
    return {false, capture};
  }

  void step_is_used(size_t step) {
    used_steps_.resize(std::max(used_steps_.size(), step + 1), false);
    used_steps_[step] = true;
  }

  Step again(const ResultText& text) {
    Step step;
    step.form = Step::Form::kAgain;
    step.capture = mention(text.callee);
    const Capture& capture = names_[step.capture];
    const std::string name = shown_name(capture.name);
    if (capture.form == Capture::Form::kWildcard || capture.form == Capture::Form::kConstant) {
      fail(text.callee.offset, cat("%", name, " is no operator that could be called again"), "a name of an operator");
    }
    for (const Word& operand : text.operands) step.operands.push_back(value(operand));
    if (capture.form != Capture::Form::kOp && step.operands.size() != 1) {
      fail(text.callee.offset, cat("%", name, " takes one operand"), cat("%", name, "(%x)"));
    }
    return step;
  }

  Step call(const ResultText& text) {
    Step step;
    step.callee = text.callee.text;
    for (const Word& operand : text.operands) step.operands.push_back(value(operand));
    if (text.declaration) return kernel(text, std::move(step));
    const Kind* kind = vocabulary_.kinds()->find(step.callee);
    if (!kind && !is_operator_name(text.callee.text)) vocabulary_.refuse_kind(text.callee, names_.place());
    if (kind && (step.operands.size() < kind->min_inputs || step.operands.size() > kind->max_inputs)) {
      fail(
          text.callee.offset,
          cat(kind->name.str(), " takes ", counted(kind->min_inputs, "operand"),
              kind->max_inputs > kind->min_inputs ? cat(" to ", kind->max_inputs) : "", ", not ", step.operands.size()),
          "an operand for each");
    }
    if (kind && kind->family == Family::kQuant) {
      fail(text.callee.offset, cat(kind->name.str(), " is made by quantize, not by a pattern"), "a fused kind");
    }
    if (kind && kind->body) return kernel(text, std::move(step));
    if (!text.further_targets.empty()) fail(text.callee.offset, cat(text.callee.text, " has one result"), "one value");
    const bool is_module = kind && kind->family != Family::kOperator;
    step.form = is_module ? Step::Form::kModule : Step::Form::kOperator;
    if (text.path && !is_module) fail(text.callee.offset, cat(text.callee.text, " is no module"), "no \"@\"");
    if (!text.parts.empty() && (!is_module || kind->output_channel_axis < 0)) {
      fail(text.parts[0].role.offset, cat(text.callee.text, " has no parts"), "attributes: {name=value}");
    }
    set_path(text, step);
    set_attributes(text, is_module ? kind : nullptr, step);
    for (const ResultText::Part& part : text.parts) set_quantizer(part, step);
    return step;
  }

  /// The quantizer of a layer's weight goes along: `[weight_fake_quant=%y.weight_fake_quant]`.
  void set_quantizer(const ResultText::Part& part, Step& step) {
    constexpr const char* kRole = "weight_fake_quant";
    if (part.role.text != kRole || part.child != kRole) {
      fail(part.role.offset, cat("a layer has no part ", shown_name(part.role.text)),
           "[weight_fake_quant=%name.weight_fake_quant]");
    }
    step.parts.emplace_back(Symbol(kRole), mention(part.capture));
  }

  // Kernels: kinds with a body.

  Step kernel(const ResultText& text, Step step) {
    step.form = Step::Form::kKernel;
    if (text.path) fail(text.callee.offset, cat(text.callee.text, " is named by its kind"), "no \"@\"");
    TreeRoles roles;
    for (const Word& operand : text.operands) roles.inputs.push_back(matched_operand(operand));
    step.results.push_back(replaced(text.target));
    for (const Word& further : text.further_targets) step.results.push_back(replaced(further));
    roles.results = step.results;
    for (const ResultText::Part& part : text.parts) roles.parts.push_back(part_of(part, roles));
    for (const Assignment& assignment : text.attributes) {
      if (assignment.name.text == "stubs")
        fail(assignment.name.offset, cat(text.callee.text, " gets its stubs from its kind"), "leaving it out");
      Expr value = assignment.value;
      names_.resolve(value, std::nullopt);
      mention_all(value);
      step.attributes.emplace_back(assignment.name.text, std::move(value));
    }
    for (const auto& [name, value] : step.attributes) roles.record_attributes.emplace_back(name, &value);
    if (!text.declaration) check_roles(text, roles);
    const std::shared_ptr<const GraphModule> tree = body_of(text_, names_, roles);
    if (text.declaration) {
      declare(text, tree);
    } else {
      check_tree(text, *tree);
    }
    const Kind& kind = vocabulary_.kinds()->at(step.callee);
    check_attributes_of(kind, text);
    // Children stand in the order of the body.
    const std::vector<Symbol> order = roles_of(*kind.body);
    const auto rank = [&](Symbol role) { return std::find(order.begin(), order.end(), role) - order.begin(); };
    step.parts = roles.parts;
    std::stable_sort(step.parts.begin(), step.parts.end(),
                     [&](const auto& a, const auto& b) { return rank(a.first) < rank(b.first); });
    return step;
  }

  size_t matched_operand(const Word& name) {
    const auto capture = names_.find(name.text);
    if (!capture || name.text == "_")
      fail(name.offset, cat("%", shown_name(name.text), " is not matched, and a kernel reads what is"),
           "a matched value");
    return *capture;
  }

  size_t replaced(const Word& name) {
    const size_t capture = target(name);
    if (capture >= replaceable_.size() || !replaceable_[capture]) {
      fail(name.offset,
           cat("nothing outside the match reads %", shown_name(name.text), ", so nothing can take its place"),
           "a result of the pattern, or a position with \"may_escape\"");
    }
    return capture;
  }

  std::pair<Symbol, size_t> part_of(const ResultText::Part& part, const TreeRoles& roles) {
    const std::string role = shown_name(part.role.text);
    const size_t capture = mention(part.capture);
    const Capture& found = names_[capture];
    const std::string name = shown_name(found.name);
    const bool is_given = std::any_of(roles.parts.begin(), roles.parts.end(), [&](const auto& other) {
      return other.first == Symbol(part.role.text) || other.second == capture;
    });
    if (is_given) fail(part.role.offset, cat("the part ", role, " is given twice"), "one of the two");
    const bool is_run = found.form == Capture::Form::kWildcard || found.form == Capture::Form::kConstant ||
                        found.form == Capture::Form::kStretch;
    const bool is_module = std::all_of(found.ops.begin(), found.ops.end(),
                                       [&](Symbol op) { return vocabulary_.module_kind(op) != nullptr; });
    if (is_run || !is_module || !part.child.empty()) {
      fail(part.capture.offset, cat("%", name, " is not one module, as the part ", role, " has to be"),
           "a position with module kinds");
    }
    return {part.role.text, capture};
  }

  void declare(const ResultText& text, const std::shared_ptr<const GraphModule>& tree) {
    Kind kind;
    kind.name = text.callee.text;
    kind.family = text_.section == Section::kFusion ? Family::kFused : Family::kConverted;
    kind.body = tree;
    kind.definition_place = names_.place().place(text.callee.offset);
    std::vector<Symbol> quantize, can_quantize;
    for (const auto& [from, to] : {std::pair(&text.declaration->quantize, &quantize),
                                   std::pair(&text.declaration->can_quantize, &can_quantize)}) {
      for (const Word& name : *from) {
        names_.at(name);
        if (!value_of(*tree, name.text))
          fail(name.offset, cat("%", shown_name(name.text), " is no value of ", text.callee.text),
               "an input or an inner value");
        to->emplace_back(name.text);
      }
    }
    if (text.callee.text.find('.') != std::string::npos)
      fail(text.callee.offset, cat(quoted(text.callee.text), " cannot name a kernel"), "a word without \".\"");
    try {
      complete_kernel(kind, quantize, can_quantize);
    } catch (const Error& error) {
      fail(text.callee.offset, error.message(), error.hint());
    }
    vocabulary_.add(std::move(kind), text.callee.offset, names_.place());
  }

  /// Roles that the kernel has, and all that it needs.
  void check_roles(const ResultText& text, const TreeRoles& roles) const {
    const Kind& kind = vocabulary_.kinds()->at(text.callee.text);
    const std::vector<Symbol> known = roles_of(*kind.body);
    std::vector<std::string> names;
    for (const Symbol role : known) names.push_back(role.str());
    for (const ResultText::Part& part : text.parts) {
      if (std::find(known.begin(), known.end(), Symbol(part.role.text)) == known.end())
        fail(part.role.offset, cat(kind.name.str(), " has no part ", shown_name(part.role.text)), join(names));
    }
    for (const Node& node : kind.body->graph().nodes()) {
      if (node.kind() != NodeKind::kCallPart) continue;
      const auto given = std::find_if(roles.parts.begin(), roles.parts.end(),
                                      [&](const auto& part) { return part.first == node.role(); });
      const bool is_needed = part_count(node) == PartCount::kOne;
      if (given == roles.parts.end() && is_needed) {
        fail(text.callee.offset, cat(kind.name.str(), " needs the part ", node.role().str()),
             cat("[", node.role().str(), "=%name]"));
      }
      if (given != roles.parts.end() && is_needed && names_[given->second].form == Capture::Form::kOptional) {
        const auto written = std::find_if(text.parts.begin(), text.parts.end(), [&](const ResultText::Part& part) {
          return node.role() == Symbol(part.role.text);
        });
        fail(written->capture.offset,
             cat("%", shown_name(names_[given->second].name), " may be absent, and ", kind.name.str(),
                 " needs its part ", node.role().str()),
             "a position without \"?\"");
      }
    }
  }

  void check_tree(const ResultText& text, const GraphModule& tree) const {
    const Kind& kind = vocabulary_.kinds()->at(text.callee.text);
    const auto difference = tree_difference(*kind.body, tree);
    if (!difference) return;
    const std::string at = difference->value.empty() ? "" : cat(" at %", shown_name(difference->value.str()));
    fail(text.callee.offset, cat("the pattern is not what ", kind.name.str(), " computes", at, ": ", difference->what),
         "the kernel's body as tree, or a kernel of its own: kernel NAME(...) [...]");
  }

  void check_attributes_of(const Kind& kind, const ResultText& text) const {
    for (const Assignment& assignment : text.attributes) {
      if (kind.attr(assignment.name.text)) continue;
      fail(assignment.name.offset, cat(kind.name.str(), " has no attribute ", shown_name(assignment.name.text)),
           "an attribute that an operator of its body refers to");
    }
  }

  void set_path(const ResultText& text, Step& step) {
    step.capture = program_.roots[0];
    if (const auto capture = names_.find(text.target.text)) step.capture = *capture;
    if (!text.path) return;
    step.suffix = text.path->suffix;
    step.has_own_path = text.path->capture.text.empty();
    if (!step.has_own_path) step.capture = mention(text.path->capture);
  }

  void set_attributes(const ResultText& text, const Kind* kind, Step& step) {
    std::vector<std::pair<Symbol, Expr>> parameters;
    std::unordered_map<std::string, size_t> seen;
    for (const Assignment& assignment : text.attributes) {
      const std::string& name = assignment.name.text;
      if (!seen.emplace(name, assignment.name.offset).second) {
        fail(assignment.name.offset, cat(shown_name(name), " is given twice"), "one of the two");
      }
      Expr value = assignment.value;
      if (kind && kind->param(name)) {
        const bool is_none = value.form == Expr::Form::kLiteral && value.literal.is_none();
        if (is_none) continue;
        names_.resolve_parameter(value);
        mention_all(value);
        parameters.emplace_back(name, std::move(value));
        continue;
      }
      names_.resolve(value, std::nullopt);
      mention_all(value);
      if (kind) check_attribute(*kind, assignment.name, value);
      step.attributes.emplace_back(name, std::move(value));
    }
    if (!kind) return;
    for (const AttrSpec& spec : kind->attrs) {
      if (spec.default_value || seen.contains(spec.name.str())) continue;
      fail(text.callee.offset, cat(kind->name.str(), " needs the attribute ", spec.name.str()),
           cat("{", spec.name.str(), "=...}"));
    }
    for (const ParamSpec& spec : kind->params) {
      const auto given = std::find_if(parameters.begin(), parameters.end(),
                                      [&](const auto& parameter) { return parameter.first == spec.name; });
      if (given != parameters.end()) {
        step.parameters.push_back(std::move(*given));
      } else if (!spec.optional && !spec.deferred) {
        fail(text.callee.offset, cat(kind->name.str(), " needs the parameter ", spec.name.str()),
             cat("{", spec.name.str(), "=%name.", spec.name.str(), "}"));
      }
    }
  }

  void check_attribute(const Kind& kind, const Word& name, const Expr& value) const {
    const AttrSpec* spec = kind.attr(name.text);
    if (!spec) {
      std::vector<std::string> known;
      for (const AttrSpec& one : kind.attrs) known.push_back(one.name.str());
      for (const ParamSpec& one : kind.params) known.push_back(one.name.str());
      fail(name.offset, cat(kind.name.str(), " has no attribute ", shown_name(name.text)),
           known.empty() ? "leaving it out" : join(known));
    }
    if (!is_constant(value)) return;
    const std::optional<Attribute> constant = known_value(value);
    if (!constant) fail(value.offset, cat(value.text(), " has no value"), "a constant");
    if (spec->form.admits(*constant)) return;
    fail(value.offset, cat(kind.name.str(), " does not take ", constant->text(), " as ", name.text),
         spec->form.describe());
  }

  /// Each result of the pattern needs a fate.
  void check_results() const {
    for (const size_t root : program_.roots) {
      const bool is_set = std::any_of(program_.fates.begin(), program_.fates.end(),
                                      [&](const Fate& fate) { return fate.capture == root; });
      if (is_set) continue;
      const std::string name = shown_name(names_[root].name);
      fail(names_[root].offset, cat("nothing reads %", name, " and the graft does not say what becomes of it"),
           cat("%", name, " = ..., or: erase %", name));
    }
  }

  /// What goes cannot be read by what takes its place.
  void check_reads() const {
    for (const auto& [capture, word] : reads_) {
      const bool goes = std::any_of(program_.fates.begin(), program_.fates.end(),
                                    [&, index = capture](const Fate& fate) { return fate.capture == index; });
      if (goes) {
        fail(word.offset, cat("the graft reads %", shown_name(word.text), " and takes it away"),
             "what it was computed from, or a value made above");
      }
    }
  }

  void check_steps() const {
    for (size_t i = 0; i < program_.steps.size(); ++i) {
      if (i < used_steps_.size() && used_steps_[i]) continue;
      fail(step_offsets_[i], "this is made and nothing reads it", "leaving it out");
    }
  }

  /// A fusion computes what its parts compute: a matched module that is no part would be lost.
  void check_nothing_is_lost() const {
    const bool is_fused = std::any_of(program_.steps.begin(), program_.steps.end(),
                                      [](const Step& step) { return step.form == Step::Form::kKernel; });
    for (size_t i = 0; is_fused && i < names_.size(); ++i) {
      const Capture& capture = names_[i];
      const bool is_run = capture.form == Capture::Form::kChain || capture.form == Capture::Form::kStretch;
      const bool has_module = std::any_of(capture.ops.begin(), capture.ops.end(),
                                          [&](Symbol op) { return vocabulary_.module_kind(op) != nullptr; });
      if (in_graft_[i] || !(is_run || has_module)) continue;
      fail(capture.offset, cat("%", shown_name(capture.name), " has no place in the graft: what it computes is lost"),
           cat("it as a part, or %", shown_name(capture.name), "(...) on another value"));
    }
  }

  const PatternText& text_;
  const std::vector<bool>& replaceable_;
  Names& names_;
  Vocabulary& vocabulary_;
  Program& program_;
  std::vector<bool> in_graft_;  // by capture
  std::unordered_map<std::string, size_t> made_;
  std::vector<size_t> step_offsets_;
  std::vector<bool> used_steps_;
  std::vector<std::pair<size_t, Word>> reads_;
};

}  // namespace

void compile_graft(const PatternText& text, const std::vector<bool>& replaceable, Names& names, Vocabulary& vocabulary,
                   Program& program) {
  GraftCompiler(text, replaceable, names, vocabulary, program).run();
}

}  // namespace graftwork::core::gpat

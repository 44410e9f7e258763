// The second half of a pattern: what to put in the place of what was found.
#include <algorithm>

#include "graftwork/base/text.h"
#include "graftwork/patterns/text/compile.h"

namespace graftwork::gpat {
namespace {

class GraftCompiler {
 public:
  GraftCompiler(const PatternText& text, const std::vector<bool>& replaceable, Names& names, Program& program)
      : text_(text), replaceable_(replaceable), names_(names), program_(program) {}

  void run() {
    in_graft_.assign(names_.size(), false);
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
    program_.steps.push_back(std::move(step));
    step_offsets_.push_back(text.target.offset);
    if (capture) set_fate(target(text.target), text.target, {0, false, made});
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
    const Kind* kind = KindTable::builtin().find(step.callee);
    if (!kind && !is_operator_name(text.callee.text)) refuse_kind(text.callee, names_.place());
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
    const bool is_module = kind && kind->family != Family::kOperator;
    const bool is_fused = is_module && kind->family == Family::kFused;
    step.form = is_fused ? Step::Form::kFused : is_module ? Step::Form::kModule : Step::Form::kOperator;
    if (text.path && step.form != Step::Form::kModule) {
      fail(text.callee.offset, cat(text.callee.text, is_fused ? " is named by its kind" : " is no module"), "no \"@\"");
    }
    if (!text.parts.empty() && !is_fused) {
      fail(text.parts[0].role.offset, cat(text.callee.text, " has no parts"), "attributes: {name=value}");
    }
    set_path(text, step);
    set_attributes(text, is_module ? kind : nullptr, step);
    if (is_fused) set_parts(text, *kind, step);
    return step;
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
    const bool is_fused = kind->family == Family::kFused;
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
      } else if (!spec.optional && !spec.deferred && !is_fused) {
        fail(text.callee.offset, cat(kind->name.str(), " needs the parameter ", spec.name.str()),
             cat("{", spec.name.str(), "=%name.", spec.name.str(), "}"));
      }
    }
  }

  void check_attribute(const Kind& kind, const Word& name, const Expr& value) const {
    const AttrSpec* spec = kind.attr(name.text);
    if (!spec || (kind.family == Family::kFused && name.text == "stubs")) {
      std::vector<std::string> known;
      for (const AttrSpec& one : kind.attrs) known.push_back(one.name.str());
      for (const ParamSpec& one : kind.params) known.push_back(one.name.str());
      fail(name.offset,
           cat(kind.name.str(), spec ? " gets its " : " has no attribute ", shown_name(name.text),
               spec ? " from its kind" : ""),
           spec || known.empty() ? "leaving it out" : join(known));
    }
    if (!is_constant(value)) return;
    const std::optional<Attribute> constant = known_value(value);
    if (!constant) fail(value.offset, cat(value.text(), " has no value"), "a constant");
    if (spec->form.admits(*constant)) return;
    fail(value.offset, cat(kind.name.str(), " does not take ", constant->text(), " as ", name.text),
         spec->form.describe());
  }

  void set_parts(const ResultText& text, const Kind& kind, Step& step) {
    for (const ResultText::Part& part : text.parts) {
      const std::string role = shown_name(part.role.text);
      const FusedStep* known = role_of(kind, part.role.text);
      if (!known) fail(part.role.offset, cat(kind.name.str(), " has no part ", role), roles_of(kind));
      const bool is_given = std::any_of(step.parts.begin(), step.parts.end(),
                                        [&](const auto& other) { return other.first == known->role; });
      if (is_given) fail(part.role.offset, cat("the part ", role, " is given twice"), "one of the two");
      const size_t capture = mention(part.capture);
      check_part(kind, *known, part.capture, names_[capture]);
      step.parts.emplace_back(known->role, capture);
    }
    for (const FusedStep& one : kind.steps) {
      const bool is_given =
          std::any_of(step.parts.begin(), step.parts.end(), [&](const auto& part) { return part.first == one.role; });
      if (one.is_addition() || one.optional || is_given) continue;
      fail(text.callee.offset, cat(kind.name.str(), " needs the part ", one.role.str()),
           cat("[", one.role.str(), "=%name]"));
    }
    // Children stand in the order in which they run.
    std::stable_sort(step.parts.begin(), step.parts.end(),
                     [&](const auto& a, const auto& b) { return role_of(kind, a.first) < role_of(kind, b.first); });
  }

  static const FusedStep* role_of(const Kind& kind, Symbol role) {
    for (const FusedStep& step : kind.steps) {
      if (!step.is_addition() && step.role == role) return &step;
    }
    return nullptr;
  }

  static std::string roles_of(const Kind& kind) {
    std::vector<std::string> roles;
    for (const FusedStep& step : kind.steps) {
      if (!step.is_addition()) roles.push_back(step.role.str());
    }
    return join(roles);
  }

  void check_part(const Kind& kind, const FusedStep& step, const Word& place, const Capture& capture) const {
    const std::string name = shown_name(capture.name);
    const bool is_one = capture.form == Capture::Form::kOp || capture.form == Capture::Form::kOptional;
    const bool is_module =
        std::all_of(capture.ops.begin(), capture.ops.end(), [](Symbol op) { return module_kind(op); });
    if (!is_one || !is_module) {
      fail(place.offset, cat("%", name, " is not one module, as the part ", step.role.str(), " has to be"),
           "a position with module kinds and no quantifier but \"?\"");
    }
    if (capture.form == Capture::Form::kOptional && !step.optional) {
      fail(place.offset, cat("%", name, " may be absent, and ", kind.name.str(), " needs its part ", step.role.str()),
           "a position without \"?\"");
    }
    if (step.role != kind.weight_role) return;
    for (const Symbol op : capture.ops) {
      if (module_kind(op)->output_channel_axis >= 0) continue;
      fail(place.offset,
           cat(op.str(), " has no weight, and the part ", step.role.str(), " of ", kind.name.str(),
               " is the one whose weight is quantized"),
           "a convolution or a linear layer");
    }
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
                                      [](const Step& step) { return step.form == Step::Form::kFused; });
    for (size_t i = 0; is_fused && i < names_.size(); ++i) {
      const Capture& capture = names_[i];
      const bool is_run = capture.form == Capture::Form::kChain || capture.form == Capture::Form::kStretch;
      const bool has_module = std::any_of(capture.ops.begin(), capture.ops.end(), module_kind);
      if (in_graft_[i] || !(is_run || has_module)) continue;
      fail(capture.offset, cat("%", shown_name(capture.name), " has no place in the graft: what it computes is lost"),
           cat("it as a part, or %", shown_name(capture.name), "(...) on another value"));
    }
  }

  const PatternText& text_;
  const std::vector<bool>& replaceable_;
  Names& names_;
  Program& program_;
  std::vector<bool> in_graft_;  // by capture
  std::unordered_map<std::string, size_t> made_;
  std::vector<size_t> step_offsets_;
  std::vector<bool> used_steps_;
  std::vector<std::pair<size_t, Word>> reads_;
};

}  // namespace

void compile_graft(const PatternText& text, const std::vector<bool>& replaceable, Names& names, Program& program) {
  GraftCompiler(text, replaceable, names, program).run();
}

}  // namespace graftwork::gpat

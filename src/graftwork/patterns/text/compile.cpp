#include "graftwork/patterns/text/compile.h"

#include <algorithm>

#include "graftwork/base/text.h"
#include "graftwork/match/tree.h"

namespace graftwork::core::gpat {
namespace {

using Form = Capture::Form;

/// The first half: what to find.
class Compiler {
 public:
  Compiler(PatternText text, Vocabulary& vocabulary, const Lexer& place)
      : text_(std::move(text)), vocabulary_(vocabulary), place_(place), names_(program_->captures, vocabulary, place) {}

  std::shared_ptr<const Pattern> run() {
    program_->name = text_.name.text;
    for (const PositionText& position : text_.positions) defined_.emplace(position.name.text, position.name.offset);
    for (const PositionText& position : text_.positions) add_position(position);
    find_roots();
    check_reachable();
    for (PositionText& position : text_.positions) add_conditions(position);
    compile_graft(text_, replaceable_, names_, vocabulary_, *program_);
    check_wildcards();
    return std::make_shared<TextPattern>(std::move(program_));
  }

 private:
  [[noreturn]] void fail(size_t offset, const std::string& what, const std::string& hint) const {
    place_.fail_at(offset, what, hint);
  }

  void count_position(size_t offset) {
    if (++positions_ > Tree::kMaxPositions) {
      fail(offset, cat("a pattern has at most ", Tree::kMaxPositions, " positions"), "two patterns");
    }
  }

  size_t operand(const Word& name) {
    if (name.text != "_") {
      if (const auto known = names_.find(name.text)) {
        names_.use(*known);
        return *known;
      }
      if (defined_.contains(name.text)) {
        fail(name.offset, cat("%", shown_name(name.text), " is read before it is defined"), "the order of dataflow");
      }
    }
    count_position(name.offset);
    Capture wildcard;
    wildcard.name = name.text;
    wildcard.offset = name.offset;
    const size_t index = names_.add(std::move(wildcard));
    read_.push_back(true);
    replaceable_.push_back(false);
    operands_.emplace_back();
    names_.use(index);
    return index;
  }

  void add_position(const PositionText& text) {
    std::vector<size_t> operands;
    std::vector<Pat> values;
    for (const Word& word : text.operands) {
      operands.push_back(operand(word));
      values.push_back(names_[operands.back()].value);
      read_[operands.back()] = true;
    }
    count_position(text.name.offset);
    Capture capture;
    capture.name = text.name.text;
    capture.offset = text.name.offset;
    build(text, values, capture);
    names_.add(std::move(capture));
    read_.push_back(false);
    replaceable_.push_back(text.may_escape.has_value());
    operands_.push_back(std::move(operands));
  }

  void build(const PositionText& text, const std::vector<Pat>& values, Capture& capture) {
    if (text.form == PositionText::Form::kConstant) {
      capture.form = Form::kConstant;
      capture.value = capture.part = constant();
      if (text.commutes || text.may_escape)
        fail(text.name.offset, "a constant has no operands and no match", "neither");
      return;
    }
    const bool is_any = text.form == PositionText::Form::kAnyOp;
    if (!is_any) capture.ops = vocabulary_.operators_of(text.ops, place_);
    if (text.quantifier || is_any) {
      build_run(text, values, capture);
    } else {
      check_input_count(text, capture.ops);
      capture.form = Form::kOp;
      capture.part = op(std::span<const Symbol>(capture.ops)).on(values);
      if (text.more_inputs) capture.part.and_more_inputs();
      if (text.commutes) {
        if (values.size() != 2)
          fail(*text.commutes, "only two operands can commute", "two operands, or no \"commutes\"");
        capture.part.commutes();
      }
      capture.value = capture.part;
    }
    if (text.may_escape) capture.part.may_escape();
  }

  /// Optional operators, chains and stretches: one operand, any number of nodes.
  void build_run(const PositionText& text, const std::vector<Pat>& values, Capture& capture) {
    const bool is_any = text.form == PositionText::Form::kAnyOp;
    if (values.size() != 1 || text.more_inputs) {
      fail(text.name.offset, cat(is_any ? "any(...)" : "a quantifier", " needs exactly one operand"), "(%x)");
    }
    if (text.commutes) fail(*text.commutes, "only two operands can commute", "no \"commutes\"");
    const auto range = text.quantifier.value_or(PositionText::Quantifier{1, 1, 0, false});
    if (is_any) {
      capture.form = Form::kStretch;
      capture.part = capture.value = stretch(values[0], range.min, range.max);
    } else if (range.optional) {
      check_input_count(text, capture.ops);
      count_position(text.name.offset);
      capture.form = Form::kOptional;
      capture.part = op(std::span<const Symbol>(capture.ops))(values[0]);
      capture.value = either(capture.part, values[0]);
    } else {
      check_input_count(text, capture.ops);
      capture.form = Form::kChain;
      capture.part = capture.value = chain(op(std::span<const Symbol>(capture.ops)), values[0], range.min, range.max);
    }
  }

  /// Refuses what no call could have.
  void check_input_count(const PositionText& text, const std::vector<Symbol>& ops) const {
    const size_t count = text.operands.size();
    for (const Symbol name : ops) {
      const Kind* kind = vocabulary_.module_kind(name);
      if (!kind) continue;
      const bool fits =
          text.more_inputs ? count <= kind->max_inputs : count >= kind->min_inputs && count <= kind->max_inputs;
      if (fits) continue;
      fail(text.name.offset, cat(name.str(), " never has ", counted(count, "input")),
           counted(kind->min_inputs, "operand"));
    }
  }

  /// What nothing in the pattern reads is a result of it.
  void find_roots() {
    for (size_t i = 0; i < names_.size(); ++i) {
      if (read_[i]) continue;
      if (names_[i].form == Form::kConstant) {
        fail(names_[i].offset, cat("nothing reads the constant %", shown_name(names_[i].name)), "it as an operand");
      }
      replaceable_[i] = true;
      program_->roots.push_back(i);
    }
    const Capture& anchor = names_[program_->roots[0]];
    if (!admits_few(program_->roots[0])) {
      fail(anchor.offset, cat("the search starts at %", shown_name(anchor.name), ", and that may be anything"),
           "a pattern that ends with a named operator");
    }
  }

  /// Whether the operators that may stand there are listed.
  bool admits_few(size_t index) const {
    const Capture& capture = names_[index];
    switch (capture.form) {
      case Form::kWildcard:
      case Form::kStretch:
        return false;
      case Form::kConstant:
      case Form::kOp:
        return true;
      case Form::kOptional:
        return admits_few(operands_[index][0]);
      case Form::kChain:
        return min_of(capture) > 0 || admits_few(operands_[index][0]);
    }
    return false;
  }

  uint32_t min_of(const Capture& capture) const {
    for (const PositionText& position : text_.positions) {
      if (position.name.text == capture.name && position.quantifier) return position.quantifier->min;
    }
    return 1;
  }

  /// A further root is found from a value that it reads and an earlier one reaches.
  void check_reachable() const {
    std::vector<bool> reached(names_.size(), false);
    for (size_t number = 0; number < program_->roots.size(); ++number) {
      const size_t root = program_->roots[number];
      const Capture& capture = names_[root];
      const std::string name = shown_name(capture.name);
      if (number > 0 && capture.form != Form::kOp) {
        fail(capture.offset, cat("%", name, " is a further result of the pattern, and those are plain operators"),
             cat("an operator without a quantifier, or reading %", name, " in the one behind it"));
      }
      const std::vector<size_t>& reads = operands_[root];
      if (number > 0 && std::none_of(reads.begin(), reads.end(), [&](size_t index) { return reached[index]; })) {
        fail(capture.offset,
             cat("%", name, " cannot be reached: it reads nothing that %", shown_name(names_[program_->roots[0]].name),
                 " is computed from"),
             "results that read a common value, or two patterns");
      }
      mark(root, reached);
    }
  }

  void mark(size_t index, std::vector<bool>& reached) const {
    std::vector<size_t> open{index};
    while (!open.empty()) {
      const size_t at = open.back();
      open.pop_back();
      if (reached[at]) continue;
      reached[at] = true;
      open.insert(open.end(), operands_[at].begin(), operands_[at].end());
    }
  }

  // Conditions.

  void add_conditions(PositionText& text) {
    const size_t self = *names_.find(text.name.text);
    for (Assignment& assignment : text.attributes) {
      Expr equals;
      equals.form = Expr::Form::kBinary;
      equals.word = "==";
      equals.offset = assignment.name.offset;
      equals.operands.emplace_back();
      equals.operands[0].form = Expr::Form::kProperty;
      equals.operands[0].offset = assignment.name.offset;
      equals.operands[0].path = "attr." + assignment.name.text;
      if (!names_[self].ops.empty()) equals.operands[0].path = assignment.name.text;
      equals.operands.push_back(std::move(assignment.value));
      add_condition(std::move(equals), std::nullopt, self);
    }
    for (Where& where : text.conditions) split(std::move(where.condition), where.reason, self);
  }

  /// Each part of an "and" is a condition with a reason of its own.
  void split(Expr expr, const std::optional<std::string>& reason, size_t self) {
    if (expr.form == Expr::Form::kBinary && expr.word == "and") {
      split(std::move(expr.operands[0]), reason, self);
      split(std::move(expr.operands[1]), reason, self);
      return;
    }
    add_condition(std::move(expr), reason, self);
  }

  void add_condition(Expr expr, const std::optional<std::string>& given, size_t self) {
    names_.resolve(expr, self);
    check_comparison(expr);
    const Names::Mentions mentions = Names::mentions(expr);
    if (mentions.all.empty()) fail(expr.offset, "the condition asks nothing of the match", "%name.rank == 4");
    const std::string reason = given.value_or(reason_of(expr));
    const std::vector<Capture>* captures = &program_->captures;
    if (mentions.all.size() == 1) {
      // Of an optional operator it is asked where there is one; of a chain, of each of its nodes.
      const Pat& pat = names_[mentions.all[0]].part;
      pat.where(NodeCondition([expr = std::move(expr), captures](const GraphModule& module, const Node& node) {
                  return decide(expr, {module, *captures, nullptr, &node}) == Truth::kTrue;
                }),
                reason);
      return;
    }
    names_[self].part.where(MatchCondition([expr = std::move(expr), captures, parts = mentions.parts](
                                               const GraphModule& module, const Bindings& bound) {
                              const Scope scope{module, *captures, &bound, nullptr};
                              const bool is_absent = std::any_of(parts.begin(), parts.end(),
                                                                 [&](size_t part) { return !scope.part(part); });
                              return is_absent || decide(expr, scope) == Truth::kTrue;
                            }),
                            reason);
  }

  static std::string reason_of(const Expr& expr) {
    const bool is_equality = expr.form == Expr::Form::kBinary && expr.word == "==";
    const bool is_plain = is_equality && expr.operands[0].form == Expr::Form::kProperty &&
                          expr.operands[0].word.empty() && is_constant(expr.operands[1]);
    if (is_plain) return cat("its ", expr.operands[0].path, " is not ", expr.operands[1].text());
    return expr.text() + " does not hold";
  }

  /// Refuses `kernel_size == 3`: a constant that the attribute can never be.
  void check_comparison(const Expr& expr) const {
    for (const Expr& operand : expr.operands) check_comparison(operand);
    if (expr.form != Expr::Form::kBinary || (expr.word != "==" && expr.word != "!=" && expr.word != "in")) return;
    const Expr& attribute = expr.operands[0];
    const bool is_attribute = attribute.form == Expr::Form::kProperty && attribute.property == Property::kNamed;
    if (!is_attribute || !is_constant(expr.operands[1])) return;
    if (expr.word != "in") return check_value(attribute, expr.operands[1]);
    for (const Expr& element : expr.operands[1].operands) check_value(attribute, element);
  }

  void check_value(const Expr& attribute, const Expr& expr) const {
    const std::optional<Attribute> value = known_value(expr);
    if (!value) fail(expr.offset, cat(expr.text(), " has no value"), "a constant");
    const Kind* refusing = nullptr;
    for (const Symbol name : names_[attribute.capture].ops) {
      const Kind* kind = vocabulary_.module_kind(name);
      const AttrSpec* spec = kind ? kind->attr(attribute.name) : nullptr;
      if (!kind || (spec && spec->form.admits(*value))) return;
      if (spec) refusing = kind;
    }
    if (!refusing) return;
    fail(expr.offset, cat(attribute.name.str(), " of ", refusing->name.str(), " is never ", value->text()),
         refusing->attr(attribute.name)->form.describe());
  }

  /// A name that stands once connects nothing: it is a slip, or should say that it is none.
  void check_wildcards() const {
    for (size_t i = 0; i < names_.size(); ++i) {
      const Capture& capture = names_[i];
      if (capture.form != Form::kWildcard || capture.name == "_" || names_.uses(i) > 1) continue;
      fail(capture.offset, cat("%", shown_name(capture.name), " stands here and nowhere else"),
           "%_ for a value that does not matter");
    }
  }

  PatternText text_;
  Vocabulary& vocabulary_;
  const Lexer& place_;
  std::unique_ptr<Program> program_ = std::make_unique<Program>();
  Names names_;
  std::unordered_map<std::string, size_t> defined_;
  size_t positions_ = 0;
  // By capture.
  std::vector<bool> read_, replaceable_;
  std::vector<std::vector<size_t>> operands_;
};

}  // namespace

std::shared_ptr<const Pattern> compile(PatternText text, Vocabulary& vocabulary, const Lexer& place) {
  return Compiler(std::move(text), vocabulary, place).run();
}

}  // namespace graftwork::core::gpat

#include "graftwork/patterns/text/names.h"

#include <algorithm>
#include <array>

#include "graftwork/base/text.h"

namespace graftwork::core::gpat {
namespace {

constexpr size_t kLongestShown = 40;
constexpr std::string_view kExplicit = "attr.";  // %x.attr.dtype is the attribute, %x.dtype the element type

std::optional<Property> property_named(std::string_view path) {
  static constexpr std::array<std::pair<std::string_view, Property>, 8> kProperties{{{"", Property::kValue},
                                                                                     {"rank", Property::kRank},
                                                                                     {"shape", Property::kShape},
                                                                                     {"dtype", Property::kDtype},
                                                                                     {"type", Property::kType},
                                                                                     {"users", Property::kUsers},
                                                                                     {"op", Property::kOp},
                                                                                     {"module", Property::kModule}}};
  for (const auto& [name, property] : kProperties) {
    if (name == path) return property;
  }
  return std::nullopt;
}

bool is_about_part(Property property) {
  return property == Property::kNamed || property == Property::kOp || property == Property::kModule;
}

std::string attributes_of(const Kind& kind) {
  std::vector<std::string> names;
  for (const AttrSpec& spec : kind.attrs) names.push_back(spec.name.str());
  return names.empty() ? "no attributes" : join(names);
}

}  // namespace

std::string shown_name(const std::string& name) {
  return name.size() > kLongestShown ? cat(std::string_view(name).substr(0, kLongestShown), "...") : name;
}

size_t Names::add(Capture capture) {
  if (capture.name != "_" && !by_name_.emplace(capture.name, captures_.size()).second) {
    place_.fail_at(capture.offset, cat("%", shown_name(capture.name), " is defined twice"), "another name");
  }
  captures_.push_back(std::move(capture));
  uses_.push_back(0);
  return captures_.size() - 1;
}

std::optional<size_t> Names::find(const std::string& name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? std::nullopt : std::optional(found->second);
}

size_t Names::at(const Word& name) {
  if (const auto found = find(name.text)) {
    use(*found);
    return *found;
  }
  std::vector<std::string> known;
  for (const Capture& capture : captures_) {
    if (capture.name != "_") known.push_back("%" + shown_name(capture.name));
  }
  place_.fail_at(name.offset, cat("nothing is named %", shown_name(name.text)), join(known));
}

void Names::resolve(Expr& expr, std::optional<size_t> self) {
  if (expr.form == Expr::Form::kCall) {
    place_.fail_at(expr.offset, cat(expr.word, "(...) makes a parameter, and this is none"),
                   "it where a module's parameter stands");
  }
  if (expr.form == Expr::Form::kProperty) resolve_property(expr, self);
  for (Expr& operand : expr.operands) resolve(operand, self);
}

void Names::resolve_property(Expr& expr, std::optional<size_t> self) {
  const std::string& path = expr.path;
  if (expr.word.empty() && !self) {
    place_.fail_at(expr.offset, cat(quoted(shown_name(path)), " is no value"),
                   cat("%name.", shown_name(path), ", with the name of what was matched"));
  }
  expr.capture = expr.word.empty() ? *self : at({expr.word, expr.offset});
  if (const auto property = property_named(path)) {
    expr.property = *property;
    return;
  }
  expr.property = Property::kNamed;
  const bool is_explicit = path.starts_with(kExplicit);
  const std::string name = is_explicit ? path.substr(kExplicit.size()) : path;
  if (!is_explicit) check_attribute(expr, name);
  expr.name = name;
}

void Names::check_attribute(const Expr& expr, const std::string& name) const {
  const Capture& capture = captures_[expr.capture];
  const Kind* without = nullptr;
  for (const Symbol op : capture.ops) {
    const Kind* kind = vocabulary_.module_kind(op);
    if (!kind || kind->attr(name)) return;
    without = kind;
  }
  if (without) {
    place_.fail_at(expr.offset, cat(without->name.str(), " has no attribute ", shown_name(name)),
                   cat("rank, shape, dtype, type, users, op, module, or one of its own: ", attributes_of(*without)));
  }
  place_.fail_at(
      expr.offset,
      cat("%", shown_name(capture.name), " may be anything, so that nothing is known of its ", shown_name(name)),
      cat("rank, shape, dtype, type, users, op, module, or %", shown_name(capture.name), ".attr.", shown_name(name)));
}

void Names::resolve_parameter(Expr& expr) {
  if (expr.form == Expr::Form::kCall) {
    const bool is_concat = expr.word == "concat";
    if (is_concat && (expr.operands[0].form != Expr::Form::kList || expr.operands[0].operands.empty())) {
      place_.fail_at(expr.offset, "concat takes a list of parameters", "concat([%a.weight, %b.weight], 0)");
    }
    for (size_t i = 0; i < expr.operands.size(); ++i) {
      if (i == 0 && is_concat) {
        for (Expr& part : expr.operands[0].operands) resolve_parameter(part);
      } else if (i == 0 || expr.word == "multiply") {
        resolve_parameter(expr.operands[i]);
      } else {
        resolve(expr.operands[i], std::nullopt);
      }
    }
    return;
  }
  if (expr.form != Expr::Form::kProperty || expr.word.empty()) {
    place_.fail_at(expr.offset, cat(shown_name(expr.text()), " is no parameter"),
                   "%name.weight, a constant's %name, or view, permute, slice, concat or multiply of them");
  }
  expr.capture = at({expr.word, expr.offset});
  const Capture& capture = captures_[expr.capture];
  if (expr.path.empty()) {
    expr.property = Property::kValue;
    if (capture.form == Capture::Form::kConstant) return;
    place_.fail_at(expr.offset, cat("%", shown_name(expr.word), " is no constant"),
                   cat("%", shown_name(expr.word), " = constant in the pattern, or a parameter of a module"));
  }
  expr.property = Property::kNamed;
  expr.name = expr.path;
  const bool has_modules = capture.form == Capture::Form::kOp || capture.form == Capture::Form::kOptional;
  for (const Symbol op : capture.ops) {
    const Kind* kind = vocabulary_.module_kind(op);
    if (has_modules && kind && kind->param(expr.name)) return;
  }
  place_.fail_at(expr.offset, cat("%", shown_name(expr.word), " has no parameter ", shown_name(expr.path)),
                 "the name of a parameter of its kind, as printed networks show it");
}

Names::Mentions Names::mentions(const Expr& expr) {
  Mentions result;
  const auto add = [](std::vector<size_t>& list, size_t capture) {
    if (std::find(list.begin(), list.end(), capture) == list.end()) list.push_back(capture);
  };
  if (expr.form == Expr::Form::kProperty) {
    add(result.all, expr.capture);
    if (is_about_part(expr.property)) add(result.parts, expr.capture);
  }
  for (const Expr& operand : expr.operands) {
    const Mentions inner = mentions(operand);
    for (const size_t capture : inner.all) add(result.all, capture);
    for (const size_t capture : inner.parts) add(result.parts, capture);
  }
  return result;
}

}  // namespace graftwork::core::gpat

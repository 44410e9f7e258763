#include "graftwork/import/captured/bind_arguments.h"

#include <algorithm>
#include <unordered_set>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/nn/operator_call.h"
#include "graftwork/nn/runnable_operators.h"

namespace graftwork::core::captured {
namespace {

bool is_tensor_type(const c10::TypePtr& type) {
  const auto* optional = type->castRaw<c10::OptionalType>();
  return (optional ? optional->getElementType() : type)->kind() == c10::TypeKind::TensorType;
}

bool is_tensor_argument(const c10::FunctionSchema& schema, const std::string& name) {
  const auto index = schema.argumentIndexWithName(name);
  return index && is_tensor_type(schema.arguments()[static_cast<size_t>(*index)].type());
}

bool only_tensor_argument_is_list(const c10::FunctionSchema& schema) {
  size_t lists = 0, tensors = 0;
  for (const c10::Argument& argument : schema.arguments()) {
    if (is_tensor_type(argument.type())) ++tensors;
    const auto* list = argument.type()->castRaw<c10::ListType>();
    if (list && is_tensor_type(list->getElementType())) ++lists;
  }
  return lists == 1 && tensors == 0;
}

/// Optional tensors of the schema in front of `name` that the call does not give at all.
void note_skipped(const c10::FunctionSchema& schema, const std::string& name,
                  const std::unordered_set<std::string>& given, std::vector<std::string>& skipped) {
  for (const c10::Argument& argument : schema.arguments()) {
    if (argument.name() == name) return;
    const bool missing = is_tensor_type(argument.type()) && !given.contains(argument.name());
    if (missing && std::find(skipped.begin(), skipped.end(), argument.name()) == skipped.end())
      skipped.push_back(argument.name());
  }
}

class ArgumentBinder {
 public:
  ArgumentBinder(const Call& call, Scope& scope) : call_(call), scope_(scope), handle_(find_operator(call.op)) {}

  BoundArguments bind() {
    const bool list_takes_rest = handle_ && only_tensor_argument_is_list(handle_->schema());
    std::vector<std::string> skipped;  // optional tensors left out so far
    std::unordered_set<std::string> given;
    for (const NamedArgument& input : call_.inputs) given.insert(input.name);
    // Schema order decides which inputs are positional: a later tensor behind a missing one needs a mark.
    for (const NamedArgument& input : call_.inputs) {
      if (handle_) note_skipped(handle_->schema(), input.name, given, skipped);
      if (handle_) check_kind(input);
      if (const auto* tensor = input.arg.get_if<TensorName>()) {
        for (const std::string& name : skipped) bound_.attrs.set(name, Attribute());
        skipped.clear();
        Meaning& meaning = meaning_of(scope_, tensor->name);
        if (meaning.literal) {
          bound_.attrs.set(input.name, *meaning.literal);
        } else {
          bound_.operands.push_back(&meaning);
        }
      } else if (const auto* list = input.arg.get_if<std::vector<TensorName>>(); list && list_takes_rest) {
        for (const TensorName& element : *list) bound_.operands.push_back(&meaning_of(scope_, element.name));
      } else if (input.arg.is<None>()) {
        if (handle_ && is_tensor_argument(handle_->schema(), input.name)) skipped.push_back(input.name);
      } else if (const auto attr = attribute(input)) {
        const c10::Argument* argument = argument_of(input.name);
        if (argument && !admits(*argument, *attr)) {
          bound_.problems.push_back(cat("its argument ", quoted(input.name), " cannot be ", attr->text()));
        }
        bound_.attrs.set(input.name, *attr);
      }
    }
    if (handle_ && may_run(call_.op)) check_given(given);  // others are refused by name
    return std::move(bound_);
  }

 private:
  /// Whoever knows the operator reads what it needs without asking whether it is there.
  void check_given(const std::unordered_set<std::string>& given) const {
    for (const c10::Argument& argument : handle_->schema().arguments()) {
      const c10::TypeKind kind = argument.type()->kind();
      const bool is_needed =
          !argument.default_value() && kind != c10::TypeKind::OptionalType && kind != c10::TypeKind::DeviceObjType;
      if (is_needed && !given.contains(argument.name()))
        contradiction("its argument " + argument.name() + " is missing");
    }
  }

  /// Null when the operator, or torch, knows none of the name.
  const c10::Argument* argument_of(const std::string& name) const {
    const auto index = handle_ ? handle_->schema().argumentIndexWithName(name) : std::nullopt;
    return index ? &handle_->schema().arguments()[static_cast<size_t>(*index)] : nullptr;
  }

  /// Arguments that the operator has not, and tensors where it takes none: whoever looks for the arguments that he
  /// knows would pass over them.
  void check_kind(const NamedArgument& input) {
    const c10::Argument* argument = argument_of(input.name);
    if (!argument) {
      bound_.problems.push_back(cat("it has no argument ", quoted(input.name)));
    } else if (input.arg.is<TensorName>() && !is_tensor_type(argument->type()) &&
               argument->type()->kind() != c10::TypeKind::NumberType) {
      bound_.problems.push_back(cat("its argument ", quoted(input.name), " cannot be a tensor"));
    }
  }

  Attribute value(const std::string& name) {
    Meaning& meaning = meaning_of(scope_, name);
    if (meaning.literal) return *meaning.literal;
    bound_.operands.push_back(&meaning);
    return InputRef{static_cast<uint32_t>(bound_.operands.size() - 1)};
  }

  /// Nothing for arguments that the graph does without: where a tensor lies and how it is laid out.
  std::optional<Attribute> attribute(const NamedArgument& input) {
    static const std::unordered_set<std::string> kWithout{"device",       "layout",        "pin_memory",
                                                          "non_blocking", "memory_format", "copy"};
    if (kWithout.contains(input.name)) return std::nullopt;
    return convert(input.arg);
  }

  using Converted = std::optional<Attribute>;
  Converted convert(const Argument& argument) {
    return std::visit([&](const auto& held) { return convert(held); }, argument.value);
  }
  static Converted convert(int64_t number) { return Attribute(number); }
  static Converted convert(double number) { return Attribute(number); }
  static Converted convert(bool flag) { return Attribute(flag); }
  static Converted convert(const std::string& text) { return Attribute(text); }
  static Converted convert(const std::vector<int64_t>& numbers) { return Attribute(numbers); }
  static Converted convert(None /*none*/) { return Attribute(); }
  static Converted convert(Placement /*placement*/) { return std::nullopt; }
  Converted convert(const TensorName& tensor) { return value(tensor.name); }
  Converted convert(const NumberName& number) { return value(number.name); }
  Converted convert(ElementType type) {
    if (type.known) return Attribute(*type.known);
    bound_.problems.emplace_back("its element type is not supported");
    return std::nullopt;
  }
  template <class T>
  Converted convert(const std::vector<T>& elements) {
    Attribute::List list;
    for (const T& element : elements) {
      if (const Converted converted = convert(element)) list.push_back(*converted);
    }
    return Attribute(std::move(list));
  }
  Converted convert(const OperatorName& /*name*/) { return unsupported(); }
  Converted convert(const std::shared_ptr<const SubGraph>& /*graph*/) { return unsupported(); }
  Converted convert(std::complex<double> /*number*/) { return unsupported(); }
  Converted convert(Unsupported /*value*/) { return unsupported(); }
  Converted unsupported() {
    bound_.problems.emplace_back("an argument of its kind is not supported");
    return std::nullopt;
  }

  const Call& call_;
  Scope& scope_;
  std::optional<c10::OperatorHandle> handle_;
  BoundArguments bound_;
};

}  // namespace

Meaning& meaning_of(Scope& scope, const std::string& name) {
  const auto found = scope.find(name);
  if (found == scope.end()) contradiction("%" + name + " is read and never made");
  return found->second;
}

BoundArguments bind_arguments(const Call& call, Scope& scope) { return ArgumentBinder(call, scope).bind(); }

}  // namespace graftwork::core::captured

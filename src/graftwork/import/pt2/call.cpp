#include "graftwork/import/pt2/call.h"

#include <algorithm>
#include <unordered_set>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/import/pt2/types.h"
#include "graftwork/nn/operator_call.h"

namespace graftwork::pt2 {
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

class ArgumentReader {
 public:
  ArgumentReader(Scope& scope, Call& call) : scope_(scope), call_(call) {}

  void read(Symbol op, const Node& node) {
    const auto handle = find_operator(op);
    const bool list_takes_rest = handle && only_tensor_argument_is_list(handle->schema());
    std::vector<std::string> skipped;  // optional tensors left out so far
    std::unordered_set<std::string> given;
    for (const NamedArgument& input : node.inputs) given.insert(input.name);
    // Schema order decides which inputs are positional: a later tensor behind a missing one needs a mark.
    for (const NamedArgument& input : node.inputs) {
      if (handle) note_skipped(handle->schema(), input.name, given, skipped);
      if (handle) check_kind(handle->schema(), input);
      if (const auto* tensor = input.arg.get_if<TensorName>()) {
        for (const std::string& name : skipped) call_.attrs.set(name, Attribute());
        skipped.clear();
        Meaning& meaning = meaning_of(scope_, tensor->name);
        if (meaning.literal) {
          call_.attrs.set(input.name, *meaning.literal);
        } else {
          call_.operands.push_back(&meaning);
        }
      } else if (const auto* list = input.arg.get_if<std::vector<TensorName>>(); list && list_takes_rest) {
        for (const TensorName& element : *list) call_.operands.push_back(&meaning_of(scope_, element.name));
      } else if (input.arg.is<None>()) {
        if (handle && is_tensor_argument(handle->schema(), input.name)) skipped.push_back(input.name);
      } else if (const auto attr = attribute(input)) {
        const c10::Argument* argument = handle ? argument_of(handle->schema(), input.name) : nullptr;
        if (argument && !admits(*argument, *attr)) {
          call_.problems.push_back(cat("its argument ", quoted(input.name), " cannot be ", attr->text()));
        }
        call_.attrs.set(input.name, *attr);
      }
    }
  }

 private:
  static const c10::Argument* argument_of(const c10::FunctionSchema& schema, const std::string& name) {
    const auto index = schema.argumentIndexWithName(name);
    return index ? &schema.arguments()[static_cast<size_t>(*index)] : nullptr;
  }

  /// Arguments that the operator has not, and tensors where it takes none: whoever looks for the arguments that he
  /// knows would pass over them.
  void check_kind(const c10::FunctionSchema& schema, const NamedArgument& input) {
    const c10::Argument* argument = argument_of(schema, input.name);
    if (!argument) {
      call_.problems.push_back(cat("it has no argument ", quoted(input.name)));
    } else if (input.arg.is<TensorName>() && !is_tensor_type(argument->type()) &&
               argument->type()->kind() != c10::TypeKind::NumberType) {
      call_.problems.push_back(cat("its argument ", quoted(input.name), " cannot be a tensor"));
    }
  }

  Attribute symbol(const std::string& name) {
    Meaning& meaning = meaning_of(scope_, name);
    if (meaning.literal) return *meaning.literal;
    call_.operands.push_back(&meaning);
    return InputRef{static_cast<uint32_t>(call_.operands.size() - 1)};
  }

  Attribute tensor_or_none(const OptionalTensorName& tensor) {
    return tensor.name ? symbol(*tensor.name) : Attribute();
  }

  /// Nothing for arguments that the graph does without: where a tensor lies and how it is laid out.
  std::optional<Attribute> attribute(const NamedArgument& input) {
    static const std::unordered_set<std::string> kWithout{"device",       "layout",        "pin_memory",
                                                          "non_blocking", "memory_format", "copy"};
    if (kWithout.contains(input.name)) return std::nullopt;
    return std::visit([&](const auto& value) { return convert(value); }, input.arg.value);
  }

  using Converted = std::optional<Attribute>;
  Converted convert(int64_t value) { return Attribute(value); }
  Converted convert(double value) { return Attribute(value); }
  Converted convert(bool value) { return Attribute(value); }
  Converted convert(const std::string& value) { return Attribute(value); }
  Converted convert(const std::vector<int64_t>& values) { return Attribute(values); }
  Converted convert(const SymIntArgument& value) { return symbolic(value); }
  Converted convert(const SymFloatArgument& value) { return symbolic(value); }
  Converted convert(const SymBoolArgument& value) { return symbolic(value); }
  Converted convert(const std::vector<OptionalTensorName>& tensors) {
    Attribute::List list;
    for (const OptionalTensorName& tensor : tensors) list.push_back(tensor_or_none(tensor));
    return Attribute(std::move(list));
  }
  Converted convert(const std::vector<TensorName>& tensors) {
    Attribute::List list;
    for (const TensorName& tensor : tensors) list.push_back(symbol(tensor.name));
    return Attribute(std::move(list));
  }
  Converted convert(ScalarType type) {
    if (const auto dtype = dtype_of(type)) return Attribute(*dtype);
    call_.problems.emplace_back("its element type is not supported");
    return std::nullopt;
  }
  template <class T>
  Converted convert(const std::vector<T>& values) {
    Attribute::List list;
    for (const auto& value : values) {
      if (const Converted element = convert(T(value))) list.push_back(*element);
    }
    return Attribute(std::move(list));
  }
  template <class T>
  Converted convert(const T&) {
    if constexpr (!std::is_same_v<T, MemoryFormat> && !std::is_same_v<T, Layout> && !std::is_same_v<T, Device> &&
                  !std::is_same_v<T, None>) {
      call_.problems.emplace_back("an argument of its kind is not supported");
    }
    return std::nullopt;
  }
  template <class T>
  Attribute symbolic(const std::variant<SymbolName, T>& value) {
    if (const auto* name = std::get_if<SymbolName>(&value)) return symbol(name->name);
    return Attribute(std::get<T>(value));
  }

  Scope& scope_;
  Call& call_;
};

}  // namespace

void contradiction(const std::string& what) { throw Error("pt2.graph", what, "exporting the model again"); }

Meaning& meaning_of(Scope& scope, const std::string& name) {
  const auto found = scope.find(name);
  if (found == scope.end()) contradiction("%" + name + " is read and never made");
  return found->second;
}

void read_arguments(Symbol op, const Node& node, Scope& scope, Call& call) {
  ArgumentReader(scope, call).read(op, node);
}

std::vector<std::string> output_names(const Node& node) {
  std::vector<std::string> names;
  const auto add_symbol = [&](const auto* value) {
    if (!value) return;
    if (const auto* symbol = std::get_if<SymbolName>(value)) names.push_back(symbol->name);
  };
  for (const Argument& output : node.outputs) {
    if (const auto* one = output.get_if<TensorName>()) names.push_back(one->name);
    if (const auto* many = output.get_if<std::vector<TensorName>>()) {
      for (const TensorName& tensor : *many) names.push_back(tensor.name);
    }
    add_symbol(output.get_if<SymIntArgument>());
    add_symbol(output.get_if<SymFloatArgument>());
    add_symbol(output.get_if<SymBoolArgument>());
    if (output.is<None>()) names.emplace_back();
  }
  return names;
}

}  // namespace graftwork::pt2

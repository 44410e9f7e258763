#include "graftwork/import/pt2/translate_argument.h"

#include "graftwork/base/text.h"
#include "graftwork/import/pt2/element_types.h"
#include "graftwork/import/pt2/operator_name.h"
#include "graftwork/import/pt2/translate.h"

namespace graftwork::core::pt2 {
namespace {

/// The schema has a type for every kind of list and of number; a captured program has one for lists, and a number is
/// there or has a name.
struct Translator {
  using Value = captured::Argument::Value;
  template <class T>
  using Symbolic = std::variant<SymbolName, T>;

  Value operator()(None) const { return captured::None{}; }
  Value operator()(bool value) const { return value; }
  Value operator()(int64_t value) const { return value; }
  Value operator()(double value) const { return value; }
  Value operator()(std::string& value) const { return std::move(value); }
  Value operator()(std::vector<int64_t>& values) const { return std::move(values); }
  Value operator()(ScalarType type) const { return element_type_of(type); }
  Value operator()(const OperatorName& name) const { return captured::OperatorName{operator_name(name.target)}; }
  Value operator()(const SubGraph& sub) const {
    return std::make_shared<const captured::SubGraph>(sub_graph_of(*sub.graph));
  }
  Value operator()(TensorName& tensor) const { return captured::TensorName{std::move(tensor.name)}; }
  Value operator()(std::vector<TensorName>& tensors) const {
    std::vector<captured::TensorName> names;
    names.reserve(tensors.size());
    for (TensorName& tensor : tensors) names.push_back({std::move(tensor.name)});
    return names;
  }
  Value operator()(OptionalTensorName& tensor) const {
    if (!tensor.name) return captured::None{};
    return captured::TensorName{*std::move(tensor.name)};
  }

  Value operator()(Symbolic<int64_t>& value) const { return number(value, graftwork::core::ScalarType::kInt); }
  Value operator()(Symbolic<double>& value) const { return number(value, graftwork::core::ScalarType::kFloat); }
  Value operator()(Symbolic<bool>& value) const { return number(value, graftwork::core::ScalarType::kBool); }
  template <class T>
  static Value number(Symbolic<T>& value, graftwork::core::ScalarType kind) {
    if (auto* symbol = std::get_if<SymbolName>(&value)) return captured::NumberName{std::move(symbol->name), kind};
    return std::get<T>(value);
  }

  Value operator()(MemoryFormat /*format*/) const { return captured::Placement{}; }
  Value operator()(Layout /*layout*/) const { return captured::Placement{}; }
  Value operator()(const Device& /*device*/) const { return captured::Placement{}; }
  Value operator()(Complex number) const { return std::complex<double>(number.real, number.imag); }
  Value operator()(const CustomObject& /*object*/) const { return captured::Unsupported{}; }
  Value operator()(const ArgumentMap& /*map*/) const { return captured::Unsupported{}; }

  Value operator()(std::vector<bool>& values) const {
    captured::Argument::List list;
    for (const bool value : values) list.push_back({value});
    return list;
  }
  template <class T>
  Value operator()(std::vector<T>& values) const {
    captured::Argument::List list;
    list.reserve(values.size());
    for (T& value : values) list.push_back({(*this)(value)});
    return list;
  }
};

}  // namespace

captured::ElementType element_type_of(ScalarType type) {
  const auto known = dtype_of(type);
  return {.known = known,
          .other = known ? Symbol() : Symbol(cat("scalar type ", static_cast<int32_t>(type))),
          .parts = parts_of(type)};
}

captured::Argument argument_of(Argument argument) { return {std::visit(Translator{}, argument.value)}; }

}  // namespace graftwork::core::pt2

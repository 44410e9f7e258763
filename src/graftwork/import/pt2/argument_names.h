// The names that an argument of an exported program mentions.
#pragma once

#include <type_traits>
#include <variant>

#include "graftwork/import/pt2/schema.h"

namespace graftwork::pt2 {

/// Calls `visit` with every tensor's name in the argument, a `std::string&` or, of a const argument, a const one.
template <class Arg, class Visit>
void each_tensor_name(Arg& argument, const Visit& visit) {
  const auto walk = [&](auto& value) {
    using T = std::remove_cvref_t<decltype(value)>;
    if constexpr (std::is_same_v<T, TensorName>) visit(value.name);
    if constexpr (std::is_same_v<T, std::vector<TensorName>>) {
      for (auto& tensor : value) visit(tensor.name);
    }
    if constexpr (std::is_same_v<T, std::vector<OptionalTensorName>>) {
      for (auto& tensor : value) {
        if (tensor.name) visit(*tensor.name);
      }
    }
    if constexpr (std::is_same_v<T, std::vector<std::vector<TensorName>>>) {
      for (auto& list : value) {
        for (auto& tensor : list) visit(tensor.name);
      }
    }
  };
  std::visit(walk, argument.value);
}

/// The same for the names of numbers known at run time.
template <class Arg, class Visit>
void each_symbol_name(Arg& argument, const Visit& visit) {
  const auto one = [&](auto& value) {
    if (auto* symbol = std::get_if<SymbolName>(&value)) visit(symbol->name);
  };
  const auto walk = [&](auto& value) {
    using T = std::remove_cvref_t<decltype(value)>;
    if constexpr (std::is_same_v<T, SymIntArgument> || std::is_same_v<T, SymFloatArgument> ||
                  std::is_same_v<T, SymBoolArgument>) {
      one(value);
    }
    if constexpr (std::is_same_v<T, std::vector<SymIntArgument>> || std::is_same_v<T, std::vector<SymFloatArgument>> ||
                  std::is_same_v<T, std::vector<SymBoolArgument>>) {
      for (auto& element : value) one(element);
    }
  };
  std::visit(walk, argument.value);
}

/// Both.
template <class Arg, class Visit>
void each_name(Arg& argument, const Visit& visit) {
  each_tensor_name(argument, visit);
  each_symbol_name(argument, visit);
}

}  // namespace graftwork::pt2

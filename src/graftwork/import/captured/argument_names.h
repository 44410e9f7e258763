// The names that an argument mentions.
#pragma once

#include <type_traits>
#include <variant>

#include "graftwork/import/captured/argument.h"

namespace graftwork::core::captured {

/// Calls `visit` with every tensor's name in the argument, a `std::string&` or, of a const argument, a const one. Not
/// with those inside of a subgraph.
template <class Arg, class Visit>
void each_tensor_name(Arg& argument, const Visit& visit) {
  const auto walk = [&](auto& value) {
    using T = std::remove_cvref_t<decltype(value)>;
    if constexpr (std::is_same_v<T, TensorName>) visit(value.name);
    if constexpr (std::is_same_v<T, std::vector<TensorName>>) {
      for (auto& tensor : value) visit(tensor.name);
    }
    if constexpr (std::is_same_v<T, Argument::List>) {
      for (auto& element : value) each_tensor_name(element, visit);
    }
  };
  std::visit(walk, argument.value);
}

/// The same for names of tensors and of numbers known at run time.
template <class Arg, class Visit>
void each_name(Arg& argument, const Visit& visit) {
  const auto walk = [&](auto& value) {
    using T = std::remove_cvref_t<decltype(value)>;
    if constexpr (std::is_same_v<T, TensorName> || std::is_same_v<T, NumberName>) visit(value.name);
    if constexpr (std::is_same_v<T, std::vector<TensorName>>) {
      for (auto& tensor : value) visit(tensor.name);
    }
    if constexpr (std::is_same_v<T, Argument::List>) {
      for (auto& element : value) each_name(element, visit);
    }
  };
  std::visit(walk, argument.value);
}

}  // namespace graftwork::core::captured

// What the calls of a captured program take and give. Values are known by their names.
#pragma once

#include <complex>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "graftwork/base/dtype.h"
#include "graftwork/base/symbol.h"
#include "graftwork/ir/type.h"

namespace graftwork::core::captured {

struct SubGraph;

/// An element type. Those that the graph has no name for are told apart by whatever `other` says.
struct ElementType {
  std::optional<DType> known;
  Symbol other;
  /// Of complex numbers, which the graph has no name for: the type of their real and imaginary parts.
  std::optional<DType> parts = {};

  friend bool operator==(const ElementType&, const ElementType&) = default;
};

struct None {};

/// A tensor by its name in the program.
struct TensorName {
  std::string name;
};

/// A number that is known at run time, by its name in the program.
struct NumberName {
  std::string name;
  ScalarType kind = ScalarType::kInt;
};

/// An operator passed as a value.
struct OperatorName {
  Symbol op;
};

/// Where a tensor lies or how it is laid out: a device, a layout, a memory format. The graph does without.
struct Placement {};

/// A value that has no form in the graph: a dict, an object of a class of its own.
struct Unsupported {};

/// One value.
struct Argument {
  using List = std::vector<Argument>;
  using Value = std::variant<None, TensorName, std::vector<TensorName>, NumberName, bool, int64_t, std::vector<int64_t>,
                             double, std::complex<double>, std::string, ElementType, List, Placement, OperatorName,
                             std::shared_ptr<const SubGraph>, Unsupported>;
  Value value;

  template <class T>
  bool is() const {
    return std::holds_alternative<T>(value);
  }
  /// Null when the argument is something else.
  template <class T>
  const T* get_if() const {
    return std::get_if<T>(&value);
  }
};

/// `name` is the parameter's in the operator's schema; empty for higher-order operators.
struct NamedArgument {
  std::string name;
  Argument arg;
};

inline Argument tensor(std::string name) { return {TensorName{std::move(name)}}; }

}  // namespace graftwork::core::captured

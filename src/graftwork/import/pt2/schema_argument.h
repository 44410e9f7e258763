// What nodes of an exported program take and give: the Argument union of torch.export's schema 8, and the
// small types that it is made of. Names of tensors and symbols refer to the tables of the Graph they stand in.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace graftwork::core::pt2 {

struct Graph;

/// The schema's own number of an element type; element_types.h says what it means.
enum class ScalarType : int32_t { kUnknown = 0 };

enum class Layout : int32_t {
  kUnknown = 0,
  kSparseCoo = 1,
  kSparseCsr = 2,
  kSparseCsc = 3,
  kSparseBsr = 4,
  kSparseBsc = 5,
  kMkldnn = 6,
  kStrided = 7,
};

enum class MemoryFormat : int32_t {
  kUnknown = 0,
  kContiguous = 1,
  kChannelsLast = 2,
  kChannelsLast3d = 3,
  kPreserve = 4,
};

struct Device {
  std::string type;
  std::optional<int64_t> index;
};

struct None {};

/// A tensor by its name in the graph.
struct TensorName {
  std::string name;
};

/// Nothing inside stands for None.
struct OptionalTensorName {
  std::optional<std::string> name;
};

/// A symbolic number by its name in the graph.
struct SymbolName {
  std::string name;
};

using SymIntArgument = std::variant<SymbolName, int64_t>;
using SymFloatArgument = std::variant<SymbolName, double>;
using SymBoolArgument = std::variant<SymbolName, bool>;

/// A subgraph that a higher-order operator runs.
struct SubGraph {
  std::string name;
  std::shared_ptr<const Graph> graph;
};

struct CustomObject {
  std::string name;
  std::string class_name;
};

/// An operator passed as a value, by its target text.
struct OperatorName {
  std::string target;
};

struct Complex {
  double real = 0;
  double imag = 0;
};

struct NamedValue;

/// A dict from text to arguments, sorted by key.
struct ArgumentMap {
  std::vector<NamedValue> entries;
};

/// One value. `as_optional_tensor` reads as TensorName or None.
struct Argument {
  using Value = std::variant<None, TensorName, std::vector<TensorName>, std::vector<OptionalTensorName>,
                             std::vector<std::vector<TensorName>>,                              //
                             int64_t, std::vector<int64_t>, std::vector<std::vector<int64_t>>,  //
                             double, std::vector<double>, std::vector<std::vector<double>>,     //
                             bool, std::vector<bool>, std::string, std::vector<std::string>,    //
                             SymIntArgument, std::vector<SymIntArgument>,                       //
                             SymFloatArgument, std::vector<SymFloatArgument>,                   //
                             SymBoolArgument, std::vector<SymBoolArgument>,                     //
                             ScalarType, MemoryFormat, Layout, Device, SubGraph, CustomObject, OperatorName, Complex,
                             ArgumentMap>;
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

struct NamedValue {
  std::string name;
  Argument value;
};

}  // namespace graftwork::core::pt2

// Operators as other operators, in code of ours: those that torch's dispatcher does not take apart.
#pragma once

#include <ATen/ATen.h>
#include <ATen/core/function_schema.h>
#include <ATen/core/stack.h>

#include <string_view>
#include <utility>
#include <vector>

#include "graftwork/base/symbol.h"

namespace graftwork::core::captured {

/// The arguments of one call, by the names of its schema. Tensors have shape and type, and no elements.
class Arguments {
 public:
  /// `read` says of each result whether anything reads it.
  Arguments(const c10::FunctionSchema& schema, const torch::jit::Stack& stack, std::vector<bool> read)
      : schema_(schema), stack_(stack), read_(std::move(read)) {}

  bool is_read(size_t result) const { return result < read_.size() && read_[result]; }

  const at::Tensor& tensor(std::string_view name) const { return at(name).toTensor(); }
  /// Undefined where it is not given.
  at::Tensor optional_tensor(std::string_view name) const;
  std::vector<at::Tensor> tensors(std::string_view name) const { return at(name).toTensorVector(); }
  c10::Scalar number(std::string_view name) const { return at(name).toScalar(); }
  bool is_given(std::string_view name) const { return !at(name).isNone(); }
  int64_t integer(std::string_view name) const { return at(name).toInt(); }
  /// Integers between −2³¹ and 2³¹, whose products and sums with another, and with an extent, fit 64 bits. Leaves the
  /// operator as it is where one is not.
  int64_t bounded(std::string_view name) const;
  std::vector<int64_t> bounded_list(std::string_view name) const;
  /// A bounded one that is divided by. Leaves the operator as it is below 1.
  int64_t divisor(std::string_view name) const;
  bool flag(std::string_view name) const { return at(name).toBool(); }
  std::string text(std::string_view name) const { return at(name).toStringRef(); }
  /// A list, or one number for a list of it; empty where it is not given.
  std::vector<int64_t> integers(std::string_view name) const;
  std::optional<at::ScalarType> dtype(std::string_view name) const;
  const c10::IValue& at(std::string_view name) const;
  /// Whether the operator has such an argument at all: overloads differ.
  bool has(std::string_view name) const { return schema_.argumentIndexWithName(name).has_value(); }

 private:
  const c10::FunctionSchema& schema_;
  const torch::jit::Stack& stack_;
  std::vector<bool> read_;
};

/// The results, computed by other operators; none where the arguments are ones that it is not written for: the operator
/// then stays what it is.
using Decomposition = std::vector<at::Tensor> (*)(const Arguments&);

/// Null when there is none.
Decomposition find_decomposition(Symbol op);

/// Whether the decomposition is for such a call: of the program itself, or, with `is_part`, of what another one made.
/// A convolution in a transform, whose weights are a matrix of ours, is no layer, and must not become one.
bool is_for(Symbol op, bool is_part);

/// Whether the operator stands for several modules of the model, which are found by what its parts read.
bool is_made_of_layers(Symbol op);

/// Decompositions by operator, one table per file.
using Decompositions = std::vector<std::pair<Symbol, Decomposition>>;
Decompositions arithmetic_decompositions();
Decompositions attention_decompositions();
Decompositions fused_layer_decompositions();
Decompositions movement_decompositions();
Decompositions norm_decompositions();
Decompositions order_statistic_decompositions();
Decompositions pool_decompositions();
Decompositions reduction_decompositions();
Decompositions scan_decompositions();

/// Whole numbers and truth values in single precision; others as they are.
at::Tensor as_float(const at::Tensor& x);

/// The answer of a decomposition that is not written for the arguments.
inline std::vector<at::Tensor> stays(std::string_view /*why*/) { return {}; }

/// The same from inside of what it computes with: Error "pt2.decompose". Costs a hundred times as much.
[[noreturn]] void leave_as_it_is(const std::string& why);

}  // namespace graftwork::core::captured

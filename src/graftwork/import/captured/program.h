// A captured program: what PyTorch recorded of a model, in our own types and without a trace of the file or the process
// that it comes from. Every importer of such programs makes these records; build_network.h makes a network of them.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "graftwork/import/captured/argument.h"
#include "graftwork/ir/type.h"

namespace graftwork::core::captured {

/// What a program says of a tensor. Strides count elements; importers that know none leave them out.
struct TensorMeta {
  ElementType dtype;
  std::vector<Dim> sizes;
  std::vector<Dim> strides;
};

template <class T>
using NameMap = std::unordered_map<std::string, T>;

/// Where a call stands in the model.
struct Provenance {
  /// The innermost module around it, "layer1.0.conv1"; empty in the model itself and where that is not known.
  Symbol module;
  /// Whether that is one of torch's own modules, whose body the call is.
  bool is_body = false;
  /// "model.py:88", when known.
  Symbol source;
};

/// One call. Arguments left at their default are not listed.
struct Call {
  /// "aten.conv2d.default"; "sym.mul" of numbers known at run time; "higher_order.cond".
  Symbol op;
  std::vector<NamedArgument> inputs;
  /// A tensor, a number or None for each result; one list of tensors where the operator returns a list.
  std::vector<Argument> outputs;
  /// Often that of its result; may be empty.
  std::string name;
  Provenance provenance;

  /// The argument called `wanted`; null when it is not given.
  const Argument* input(std::string_view wanted) const;
};

/// What a higher-order operator runs: it sees its inputs and nothing else.
struct SubGraph {
  std::vector<Argument> inputs;
  /// In topological order.
  std::vector<Call> calls;
  NameMap<TensorMeta> tensors;
  std::vector<Argument> outputs;
};

struct Input {
  enum class Kind {
    kUser,    ///< given by whoever calls: a tensor, an integer known at run time, or a value fixed by capturing
    kStored,  ///< a parameter, buffer or constant of the model
    kObject,  ///< an object of a class of its own
    kFixed,   ///< a value that capturing has fixed, or a token
  };
  Kind kind = Kind::kUser;
  Argument arg;
  /// What people call it: the qualified name of the tensor or object.
  std::string name;
  /// kStored: its name in the TensorStore. Tied tensors have one.
  std::string stored;
  /// kStored: whether training changes it.
  bool trainable = false;
};

struct Output {
  enum class Kind {
    kResult,         ///< of forward; `name` is the result's
    kMutation,       ///< the new value of the stored tensor called `name`
    kInputMutation,  ///< the new value of the input called `name`
    kOther,          ///< a gradient or a token
  };
  Kind kind = Kind::kResult;
  Argument arg;
  std::string name;
};

struct Program {
  std::vector<Input> inputs;
  /// In topological order.
  std::vector<Call> calls;
  /// What is known of the tensors, by name.
  NameMap<TensorMeta> tensors;
  std::vector<Output> outputs;
};

/// Unknown when the element type has no name in the graph.
Type type_of(const TensorMeta& meta);

/// A call that reads one size of a tensor at run time, as the number `name`; it stands where `origin` does.
Call size_call(const std::string& tensor, size_t axis, const std::string& name, const Call& origin);

/// Throws Error "pt2.graph": the records contradict one another.
[[noreturn]] void contradiction(const std::string& what);

}  // namespace graftwork::core::captured

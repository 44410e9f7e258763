// Writes new calls into a captured program.
#pragma once

#include <string>
#include <vector>

#include "graftwork/import/captured/program.h"
#include "graftwork/import/common/unique_names.h"

namespace graftwork::core::captured {

/// Appends to `program.calls`. Results get names of their own and, where the caller knows it, a type.
class Emitter {
 public:
  /// Names in use are those of the program as it is.
  explicit Emitter(Program& program);

  /// `wanted`, or `wanted_1`, ... when that is taken.
  std::string unique(const std::string& wanted) { return names_.make(wanted); }

  /// Lets a name be given again: what had it is no more.
  void release(const std::string& name) { names_.release(name); }

  /// Appends a call that is ready. Throws Error "pt2.in_place" when the program has grown beyond all measure:
  /// views of views that are written again and again cost their number squared.
  void append(Call call);

  /// A call with one result, which stands where `origin` does. `meta` may be null: then its type is not known.
  std::string call(Symbol op, std::vector<NamedArgument> inputs, const TensorMeta* meta, const Call& origin,
                   const std::string& wanted);

  /// Sizes as an argument: numbers where they are, -1 for a single run-time one where `infer`, else read from `like`,
  /// whose shape they are.
  Argument sizes(const TensorMeta& meta, const std::string& like, bool infer, const Call& origin);

  NameMap<TensorMeta>& tensors() { return program_.tensors; }
  const NameMap<TensorMeta>& tensors() const { return program_.tensors; }

 private:
  Program& program_;
  UniqueNames names_;
  size_t most_calls_;
};

}  // namespace graftwork::core::captured

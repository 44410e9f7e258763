// The names that a program gives to values.
#pragma once

#include "graftwork/import/captured/argument_names.h"
#include "graftwork/import/captured/program.h"
#include "graftwork/import/common/unique_names.h"

namespace graftwork::core::captured {

/// Those of its inputs and of the results of its calls.
inline UniqueNames names_in_use(const Program& program) {
  UniqueNames names;
  const auto take = [&](const std::string& name) { names.take(name); };
  for (const Input& input : program.inputs) each_name(input.arg, take);
  for (const Call& call : program.calls) {
    for (const Argument& output : call.outputs) each_name(output, take);
  }
  return names;
}

}  // namespace graftwork::core::captured

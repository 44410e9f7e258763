#include "graftwork/import/captured/build_network.h"

#include "graftwork/base/error.h"
#include "graftwork/import/captured/build_graph.h"
#include "graftwork/import/captured/decompose/decompose.h"
#include "graftwork/import/captured/explicit_types.h"
#include "graftwork/import/captured/fake_quantizers.h"
#include "graftwork/import/captured/functional/functionalise.h"
#include "graftwork/import/captured/functional/inline_wrappers.h"
#include "graftwork/import/captured/functional/remove_dead.h"
#include "graftwork/import/captured/training.h"

namespace graftwork::core::captured {
namespace {

/// What norms in training write back is what stands in the way then, and has a way out of its own.
void make_functional(Program& program, const std::vector<std::string>& in_training) {
  try {
    functionalise(program);
  } catch (const Error& error) {
    if (in_training.empty()) throw;
    Error better(error.code(), error.message(), "calling model.eval() before exporting it");
    for (const std::string& line : error.context()) better.at(line);
    throw better;
  }
}

std::map<std::string, bool> trainable(const Program& program) {
  std::map<std::string, bool> found;
  for (const Input& input : program.inputs) {
    if (input.kind == Input::Kind::kStored) found[input.stored] |= input.trainable;
  }
  return found;
}

}  // namespace

LoadedNetwork build_network(Program program, TensorStore tensors, size_t bytes) {
  LoadedNetwork loaded;
  loaded.trainable = trainable(program);
  inline_wrappers(program);
  loaded.in_training = layers_in_training(program);
  decompose(program, tensors, !writes_in_place(program));
  const bool writes = writes_in_place(program);  // perhaps in a part of a composite alone
  make_functional(program, loaded.in_training);
  // What wrote in place is an operator like others now, and may be a composite whose parts write in place.
  if (writes && decompose(program, tensors, true)) make_functional(program, loaded.in_training);
  make_types_explicit(program);
  remove_dead(program);
  loaded.network.module = build_graph(program, tensors, bytes, loaded.unsupported);
  loaded.network.tensors = std::move(tensors);
  read_fake_quantizers(loaded.network);
  return loaded;
}

}  // namespace graftwork::core::captured

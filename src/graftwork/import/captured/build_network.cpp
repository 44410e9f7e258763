#include "graftwork/import/captured/build_network.h"

#include "graftwork/import/captured/build_graph.h"
#include "graftwork/import/captured/decompose/decompose.h"
#include "graftwork/import/captured/explicit_types.h"
#include "graftwork/import/captured/fake_quantizers.h"
#include "graftwork/import/captured/functional/functionalise.h"
#include "graftwork/import/captured/functional/inline_wrappers.h"
#include "graftwork/import/captured/functional/remove_dead.h"

namespace graftwork::captured {

LoadedNetwork build_network(Program program, TensorStore tensors, size_t bytes) {
  inline_wrappers(program);
  decompose(program, tensors, !writes_in_place(program));
  const bool writes = writes_in_place(program);  // perhaps in a part of a composite alone
  functionalise(program);
  // What wrote in place is an operator like others now, and may be a composite whose parts write in place.
  if (writes && decompose(program, tensors, true)) functionalise(program);
  make_types_explicit(program);
  remove_dead(program);
  LoadedNetwork loaded;
  loaded.network.module = build_graph(program, tensors, bytes, loaded.unsupported);
  loaded.network.tensors = std::move(tensors);
  read_fake_quantizers(loaded.network);
  return loaded;
}

}  // namespace graftwork::captured

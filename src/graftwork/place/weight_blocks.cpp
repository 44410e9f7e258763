#include "graftwork/place/weight_blocks.h"

#include "graftwork/base/text.h"
#include "graftwork/ir/kind.h"

namespace graftwork::core {

Outcome fits_blocks(const ModuleRecord& layer, int64_t size) {
  if (layer.kind != Symbol("nn.Linear")) return declined("only linear layers have weights in blocks (rule Q1)");
  const int64_t in = *attribute_of(layer, "in_features")->get<int64_t>();
  const int64_t out = *attribute_of(layer, "out_features")->get<int64_t>();
  if (in % size != 0)
    return declined(cat("its ", in, " input channels are no multiple of blocks of ", size, " (rule V8)"));
  if (in == size)
    return declined(cat("its ", in, " input channels are a single block, which takes a kernel of its own (rule Q1)"));
  if (out % 2 != 0) return declined(cat("its ", out, " output channels are an odd number (rule V14)"));
  return applied();
}

}  // namespace graftwork::core

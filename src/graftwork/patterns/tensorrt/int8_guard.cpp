#include "graftwork/base/text.h"
#include "graftwork/ir/kind.h"
#include "graftwork/patterns/tensorrt/tensorrt.h"

namespace graftwork::core {

Outcome int8_kernel_exists(const ModuleRecord& module) {
  static const Symbol kGroups = "groups";
  if (module.kind.str().starts_with("nn.ConvTranspose"))
    return declined("a transposed convolution is faster in floating point (rule F13)");
  const Attribute* groups_attr = attribute_of(module, kGroups);
  const int64_t groups = groups_attr ? *groups_attr->get<int64_t>() : 1;
  if (groups == 1) return applied();
  const int64_t in = *attribute_of(module, "in_channels")->get<int64_t>();
  const int64_t out = *attribute_of(module, "out_channels")->get<int64_t>();
  if (groups == in) return applied();
  if (in / groups % 4 == 0 && out / groups % 4 == 0) return applied();
  return declined(cat("no INT8 kernel: ", in / groups, " input and ", out / groups,
                      " output channels per group, not multiples of 4 (rule S1)"));
}

}  // namespace graftwork::core

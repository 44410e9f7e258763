#include "graftwork/patterns/fusion.h"

namespace graftwork::core {

Outcome FusionPattern::fuse(Symbol kind, std::initializer_list<Part> parts, std::initializer_list<Pat> inputs,
                            const Pat& root, const Match& match, Graft& graft) {
  KernelCall call;
  call.kind = kind;
  call.parts.reserve(parts.size() + 1);  // a quantizer joins them
  call.inputs.reserve(inputs.size());
  for (const Part& part : parts) {
    if (match.has(part.pat)) call.parts.emplace_back(part.role, match[part.pat].module());
  }
  for (const Pat& input : inputs) call.inputs.push_back(&match[input]);
  call.replaces = {&match[root]};
  return replace_by_kernel(std::move(call), graft);
}

}  // namespace graftwork::core

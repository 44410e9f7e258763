#include "graftwork/import/captured/origin.h"

#include "graftwork/base/text.h"

namespace graftwork::core::captured {

Origin origin_of(const Call& call, const std::string& name) {
  const Provenance& from = call.provenance;
  Origin origin;
  origin.source = from.source;
  if (from.module.empty()) {
    origin.module_path = name;
  } else {
    origin.module_path = from.is_body ? from.module : Symbol(from.module.str() + "." + name);
  }
  return origin;
}

std::string place_of(const Call& call) {
  const std::string& name = call.name.empty() ? call.op.str() : call.name;
  const Origin origin = origin_of(call, name);
  return cat("%", name, " = ", call.op.str(), " in ", origin.module_path.str(),
             origin.source.empty() ? "" : " (" + origin.source.str() + ")");
}

}  // namespace graftwork::core::captured

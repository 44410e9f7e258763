#include "graftwork/import/captured/values.h"

#include <utility>

#include "graftwork/base/text.h"

namespace graftwork::core::captured {

Meaning known(Constant constant) {
  Meaning meaning;
  meaning.constant = std::move(constant);
  return meaning;
}

Node& Values::append(Symbol op, Symbol name, const std::vector<Node*>& inputs, AttrMap attrs, const Type& type,
                     Origin origin) {
  NodeSpec spec;
  spec.kind = NodeKind::kCallFunction;
  spec.op = op;
  spec.name = name;
  spec.attrs = std::move(attrs);
  spec.type = type;
  spec.origin = origin;
  return module_.graph().append(std::move(spec), inputs);
}

Node& Values::node(Meaning& meaning) {
  if (meaning.node) return *meaning.node;
  if (meaning.tuple) {
    meaning.node = &module_.add_get_item(unique_name(cat(meaning.tuple->name().str(), "_", meaning.index)),
                                         *meaning.tuple, meaning.index, meaning.tuple->origin());
    return *meaning.node;
  }
  if (!meaning.constant) contradiction("a number stands where a tensor is read");
  return constants_.node(*meaning.constant);
}

Type Values::type(const Meaning& meaning) {
  if (meaning.constant) return meaning.constant->value.type();
  if (meaning.node) return meaning.node->type();
  if (!meaning.tuple) return {};
  const auto* elements = meaning.tuple->type().elements();
  return elements ? (*elements)[static_cast<size_t>(meaning.index)] : Type();
}

}  // namespace graftwork::core::captured

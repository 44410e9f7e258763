#include "graftwork/import/recorded/free_batch.h"

#include <optional>

namespace graftwork::core::recorded {
namespace {

using captured::Argument;
using captured::TensorName;

using Extents = std::vector<int64_t>;

std::optional<Extents> extents_of(const captured::Program& program, const Argument& value) {
  const auto* name = value.get_if<TensorName>();
  const auto meta = name ? program.tensors.find(name->name) : program.tensors.end();
  if (meta == program.tensors.end()) return std::nullopt;
  Extents extents;
  for (const Dim& size : meta->second.sizes) extents.push_back(size.value());
  return extents;
}

/// The sizes that a reshaping call asks for; null for others.
Argument* sizes_of(captured::Call& call) {
  if (call.op != Symbol("aten.view.default") && call.op != Symbol("aten.reshape.default")) return nullptr;
  return call.inputs.size() == 2 && call.inputs[1].arg.is<Extents>() ? &call.inputs[1].arg : nullptr;
}

}  // namespace

void free_batch(captured::Program& program) {
  for (captured::Call& call : program.calls) {
    Argument* const sizes = sizes_of(call);
    if (!sizes) continue;
    const auto from = extents_of(program, call.inputs[0].arg), to = extents_of(program, call.outputs[0]);
    if (!from || !to || from->empty() || to->empty() || from->front() != to->front()) continue;
    Extents free = *to;
    free.front() = -1;
    int64_t rest = 1;
    for (size_t i = 1; i < free.size(); ++i) rest *= free[i];
    if (rest > 0) sizes->value = std::move(free);
  }
}

}  // namespace graftwork::core::recorded

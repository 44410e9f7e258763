#include "graftwork/export/element_types.h"

#include <algorithm>
#include <unordered_set>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"

namespace graftwork::core {
namespace {

bool is_cast(const Node& node) {
  return node.op() == Symbol("aten.to.dtype") || node.op() == Symbol("aten._to_copy.default");
}

/// Operators whose results are numbers that were there before.
bool keeps_numbers(Symbol op) {
  static const std::unordered_set<Symbol> kKept{"aten.view.default",
                                                "aten.reshape.default",
                                                "aten._unsafe_view.default",
                                                "aten.flatten.using_ints",
                                                "aten.unflatten.int",
                                                "aten.unsqueeze.default",
                                                "aten.squeeze.default",
                                                "aten.squeeze.dim",
                                                "aten.squeeze.dims",
                                                "aten.permute.default",
                                                "aten.transpose.int",
                                                "aten.cat.default",
                                                "aten.concat.default",
                                                "aten.stack.default",
                                                "aten.slice.Tensor",
                                                "aten.select.int",
                                                "aten.flip.default",
                                                "aten.expand.default",
                                                "aten.repeat.default",
                                                "aten.embedding.default",
                                                "aten.pad.default",
                                                "aten.constant_pad_nd.default",
                                                "aten.clone.default",
                                                "aten.contiguous.default",
                                                "aten.detach.default",
                                                "aten.alias.default",
                                                "aten.where.self",
                                                "aten.masked_fill.Scalar",
                                                "aten.maximum.default",
                                                "aten.minimum.default",
                                                "aten.max.other",
                                                "aten.min.other",
                                                "aten.clamp.default",
                                                "aten.zeros.default",
                                                "aten.zeros_like.default",
                                                "aten.new_zeros.default",
                                                "aten.ones.default",
                                                "aten.ones_like.default",
                                                "aten.new_ones.default",
                                                "aten.full.default",
                                                "aten.full_like.default",
                                                "aten.new_full.default"};
  return kKept.contains(op);
}

/// Casts from what has no other numbers than UINT8 need no rounding.
bool comes_from_bytes(const Node& cast) {
  const TensorType* from = cast.input(0).tensor();
  return from && (from->dtype == DType::kU8 || from->dtype == DType::kBool);
}

}  // namespace

bool is_cast_to_uint8_result(const Node& node) {
  if (!is_cast(node) || !node.tensor() || node.tensor()->dtype != DType::kU8 || comes_from_bytes(node)) return false;
  for (const Use* use = node.uses(); use; use = use->next()) {
    if (use->user()->kind() != NodeKind::kOutput) return false;
  }
  return true;
}

void check_element_type(const Lowering& lowering, const Node& node) {
  if (!node.tensor() || node.kind() == NodeKind::kOutput) return;
  const DType type = node.tensor()->dtype;
  const FileRules& rules = lowering.options().backend->file;
  if (std::find(rules.missing_types.begin(), rules.missing_types.end(), type) != rules.missing_types.end())
    throw Error("export.dtype", cat("it is ", dtype_name(type), ", which the engine has no type for"),
                "INT32 or INT64 instead");
  if (type != DType::kU8 || !rules.only_casts_uint8 || node.kind() != NodeKind::kCallFunction) return;
  if (keeps_numbers(node.op()) || (is_cast(node) && (comes_from_bytes(node) || is_cast_to_uint8_result(node)))) return;
  throw Error("export.dtype", "its result is UINT8, which engines take from an input and into a result only",
              "a cast to a type that it is computed in, as x.float() or x.int()");
}

}  // namespace graftwork::core

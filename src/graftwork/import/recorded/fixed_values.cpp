#include "graftwork/import/recorded/fixed_values.h"

#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/enum_tag.h>

#include <string_view>
#include <unordered_set>

#include "graftwork/import/captured/argument_names.h"
#include "graftwork/ir/operator_name.h"

namespace graftwork::core::recorded {
namespace {

/// Numbers about a tensor, not out of it, by the operator's name without overload.
bool asks_about(Symbol op) {
  static const std::unordered_set<std::string_view> kNames{
      "can_cast",     "dense_dim", "is_coalesced",  "is_complex",  "is_conj",      "is_floating_point",
      "is_inference", "is_leaf",   "is_neg",        "is_pinned",   "is_same_size", "is_set_to",
      "is_signed",    "output_nr", "promote_types", "result_type", "retains_grad", "size",
      "sparse_dim",   "stride",    "sym_numel",     "sym_size",    "sym_stride",   "sym_storage_offset"};
  return kNames.contains(operator_name(op));
}

bool has_tag(const c10::FunctionSchema& schema, at::Tag tag) {
  const auto handle = c10::Dispatcher::singleton().findSchema(schema.operator_name());
  return handle && handle->hasTag(tag);
}

/// Whether it compares a tensor with itself.
bool compares_with_itself(const captured::Call& call) {
  const captured::Argument *self = call.input("self"), *other = call.input("other");
  if (!self || !other || !self->is<captured::TensorName>() || !other->is<captured::TensorName>()) return false;
  return self->get_if<captured::TensorName>()->name == other->get_if<captured::TensorName>()->name;
}

/// Whether an argument that switches chance off does so: dropout that does not train or drops nothing.
bool chance_is_off(const captured::Call& call, const c10::FunctionSchema& schema) {
  for (const char* flag : {"train", "training"}) {
    const captured::Argument* given = call.input(flag);
    if (given && given->is<bool>() && !*given->get_if<bool>()) return true;
    if (!given && schema.argumentIndexWithName(flag)) return true;  // all default to false
  }
  for (const char* rate : {"p", "dropout", "dropout_p"}) {
    const captured::Argument* given = call.input(rate);
    if (given && given->get_if<double>() && *given->get_if<double>() == 0) return true;
    if (!given && schema.argumentIndexWithName(rate) && std::string_view(rate) == "dropout_p") return true;
  }
  return false;
}

/// Whether truth values choose elements of a tensor.
bool indexes_by_mask(const captured::Call& call, const captured::NameMap<captured::TensorMeta>& tensors) {
  const captured::Argument* indices = call.input("indices");
  if (!indices) return false;
  bool found = false;
  captured::each_tensor_name(*indices, [&](const std::string& name) {
    const auto meta = tensors.find(name);
    const auto known = meta == tensors.end() ? std::nullopt : meta->second.dtype.known;
    found |= known == DType::kBool || known == DType::kU8;
  });
  return found;
}

}  // namespace

bool draws_at_random(const captured::Call& call, const c10::FunctionSchema& schema) {
  return has_tag(schema, at::Tag::nondeterministic_seeded) && !chance_is_off(call, schema);
}

std::string why_fixed(const captured::Call& call, const c10::FunctionSchema& schema,
                      const captured::NameMap<captured::TensorMeta>& tensors, bool depends, bool gives_number) {
  if (gives_number) {
    if (!depends || asks_about(call.op) || compares_with_itself(call)) return {};
    return "it reads a number out of a tensor that depends on the inputs, which is fixed as it was";
  }
  if (draws_at_random(call, schema)) return "it draws at random, other numbers in every run";
  const bool is_index = operator_name(call.op) == "index";
  const bool counts = has_tag(schema, at::Tag::dynamic_output_shape) && (!is_index || indexes_by_mask(call, tensors));
  if (counts && depends) return "the shape of its result depends on the inputs' values, and is fixed as it was";
  return {};
}

}  // namespace graftwork::core::recorded

#include "graftwork/import/captured/functional/view.h"

#include <ATen/ATen.h>
#include <ATen/TensorUtils.h>

#include <map>

#include "graftwork/nn/operator_call.h"

namespace graftwork::core::captured {
namespace {

/// Views whatever the layout, by name without overload.
const std::map<std::string_view, ViewKind>& always() {
  static const std::map<std::string_view, ViewKind> kinds{
      {"aten.alias", ViewKind::kSame},
      {"aten.detach", ViewKind::kSame},
      {"aten.lift_fresh", ViewKind::kSame},
      {"aten.positive", ViewKind::kSame},
      {"aten.resolve_neg", ViewKind::kSame},
      {"aten.squeeze", ViewKind::kReshape},
      {"aten.unsqueeze", ViewKind::kReshape},
      {"aten.view_as", ViewKind::kReshape},
      {"aten.unflatten", ViewKind::kReshape},
      {"aten.transpose", ViewKind::kPermute},
      {"aten.swapaxes", ViewKind::kPermute},
      {"aten.swapdims", ViewKind::kPermute},
      {"aten.permute", ViewKind::kPermute},
      {"aten.movedim", ViewKind::kPermute},
      {"aten.moveaxis", ViewKind::kPermute},
      {"aten.t", ViewKind::kPermute},
      {"aten.numpy_T", ViewKind::kPermute},
      {"aten.mT", ViewKind::kPermute},
      {"aten.adjoint", ViewKind::kPermute},
      {"aten.slice", ViewKind::kSlice},
      {"aten.narrow", ViewKind::kSlice},
      {"aten.select", ViewKind::kSelect},
      {"aten.diagonal", ViewKind::kDiagonal},
      {"aten.split", ViewKind::kSplit},
      {"aten.split_with_sizes", ViewKind::kSplit},
      {"aten.chunk", ViewKind::kSplit},
      {"aten.tensor_split", ViewKind::kSplit},
      {"aten.unbind", ViewKind::kUnbind},
      {"aten.expand", ViewKind::kExpand},
      {"aten.expand_as", ViewKind::kExpand},
      {"aten.broadcast_to", ViewKind::kExpand},
      {"aten.unfold", ViewKind::kExpand},
  };
  return kinds;
}

std::string_view without_overload(Symbol op) {
  const std::string_view text = op.str();
  return text.substr(0, text.rfind('.'));
}

const TensorMeta* meta_of(const NameMap<TensorMeta>& tensors, const Argument& argument) {
  const auto* tensor = argument.get_if<TensorName>();
  if (tensor == nullptr) return nullptr;
  const auto found = tensors.find(tensor->name);
  return found == tensors.end() ? nullptr : &found->second;
}

bool flag(const Call& call, std::string_view name) {
  for (const NamedArgument& input : call.inputs) {
    const auto* value = input.arg.get_if<bool>();
    if (input.name == name && value != nullptr) return *value;
  }
  return false;
}

bool is_contiguous(const TensorMeta& meta) {
  Dim expected(1);
  for (size_t i = meta.sizes.size(); i-- > 0;) {
    if (meta.sizes[i] != Dim(1) && meta.strides[i] != expected) return false;
    expected = expected * meta.sizes[i];
  }
  return true;
}

bool knows_strides(const TensorMeta& meta) { return meta.sizes.size() == meta.strides.size(); }

/// reshape: a view where the strides allow one.
ViewKind reshaped(const TensorMeta& from, const TensorMeta& to) {
  if (!knows_strides(from)) return ViewKind::kUnknown;
  if (from.sizes == to.sizes) return ViewKind::kSame;
  if (is_contiguous(from)) return ViewKind::kReshape;
  const auto sizes = numbers_of(from.sizes);
  const auto strides = numbers_of(from.strides);
  const auto wanted = numbers_of(to.sizes);
  if (!sizes || !strides || !wanted) return ViewKind::kUnknown;
  return at::detail::computeStride(*sizes, *strides, *wanted) ? ViewKind::kReshape : ViewKind::kNone;
}

/// Operators that give back what they were given where nothing is to do.
std::optional<ViewKind> by_layout(Symbol op, const Call& call, const NameMap<TensorMeta>& tensors) {
  const std::string_view name = without_overload(op);
  if (name == "aten.dropout" || name == "aten.feature_dropout" || name == "aten.alpha_dropout" ||
      name == "aten.feature_alpha_dropout") {
    return flag(call, "train") ? ViewKind::kNone : ViewKind::kSame;
  }
  const bool converts = name == "aten.to" || name == "aten.type_as" || name == "aten.contiguous";
  const bool shapes = name == "aten.reshape" || name == "aten.flatten" || name == "aten.ravel" ||
                      name == "aten.reshape_as" || name == "aten.view" || name == "aten.atleast_1d" ||
                      name == "aten.atleast_2d" || name == "aten.atleast_3d";
  if (!converts && !shapes) return std::nullopt;
  const TensorMeta* from = meta_of(tensors, call.inputs[0].arg);
  const TensorMeta* to = call.outputs.size() == 1 ? meta_of(tensors, call.outputs[0]) : nullptr;
  if (from == nullptr || to == nullptr) return ViewKind::kUnknown;
  if (shapes) {
    if (from->dtype != to->dtype) return ViewKind::kOpaque;  // view.dtype
    const ViewKind kind = reshaped(*from, *to);
    return name == "aten.view" && kind != ViewKind::kSame ? ViewKind::kReshape : kind;
  }
  if (!knows_strides(*from) || !knows_strides(*to)) return ViewKind::kUnknown;
  const bool same = from->dtype == to->dtype && from->strides == to->strides && !flag(call, "copy");
  return same ? ViewKind::kSame : ViewKind::kNone;
}

}  // namespace

std::optional<std::vector<int64_t>> numbers_of(const std::vector<Dim>& values) {
  std::vector<int64_t> numbers;
  for (const Dim& value : values) {
    const auto number = value.maybe_value();
    if (!number) return std::nullopt;
    numbers.push_back(*number);
  }
  return numbers;
}

ViewKind view_kind(const Call& call, const NameMap<TensorMeta>& tensors) {
  const Symbol op = call.op;
  if (call.inputs.empty() || call.outputs.empty() || !call.inputs[0].arg.is<TensorName>()) return ViewKind::kNone;
  if (const auto decided = by_layout(op, call, tensors)) return *decided;
  if (const auto known = always().find(without_overload(op)); known != always().end()) return known->second;
  const auto handle = find_operator(op);
  if (!handle) return ViewKind::kNone;
  for (const c10::Argument& result : handle->schema().returns()) {
    if (result.alias_info() != nullptr && !result.alias_info()->isWrite()) return ViewKind::kOpaque;
  }
  return ViewKind::kNone;
}

bool reshapes_itself(Symbol op, Symbol& functional) {
  static const std::map<std::string_view, std::string_view> kOperators{
      {"aten.t_.default", "aten.t.default"},
      {"aten.transpose_.default", "aten.transpose.int"},
      {"aten.swapaxes_.default", "aten.swapaxes.default"},
      {"aten.swapdims_.default", "aten.swapdims.default"},
      {"aten.squeeze_.default", "aten.squeeze.default"},
      {"aten.squeeze_.dim", "aten.squeeze.dim"},
      {"aten.squeeze_.dims", "aten.squeeze.dims"},
      {"aten.unsqueeze_.default", "aten.unsqueeze.default"},
      {"aten.detach_.default", "aten.detach.default"},
      {"aten.requires_grad_.default", "aten.alias.default"},
  };
  const auto found = kOperators.find(op.str());
  if (found == kOperators.end()) return false;
  functional = found->second;
  return true;
}

}  // namespace graftwork::core::captured

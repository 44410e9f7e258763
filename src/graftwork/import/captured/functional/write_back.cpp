#include "graftwork/import/captured/functional/write_back.h"

#include <algorithm>

#include "graftwork/base/text.h"
#include "graftwork/import/captured/argument_names.h"
#include "graftwork/import/captured/functional/replace_range.h"

namespace graftwork::core::captured {
namespace {

std::optional<int64_t> number(const Argument* value) {
  if (value == nullptr) return std::nullopt;
  const auto* fixed = value->get_if<int64_t>();
  return fixed != nullptr ? std::optional(*fixed) : std::nullopt;
}

int64_t number(const Call& call, std::string_view name, int64_t fallback) {
  return number(call.input(name)).value_or(fallback);
}

std::string name_of(const Call& call) { return call.name.empty() ? "value" : call.name; }

std::string result_name(const ViewStep& step) {
  std::string name;
  for (const Argument& output : step.call.outputs)
    each_tensor_name(output, [&](const std::string& one) { name = one; });
  return name.empty() ? "value" : name;
}

int64_t from_front(int64_t axis, const ViewStep& step) {
  return axis < 0 ? axis + static_cast<int64_t>(step.source.sizes.size()) : axis;
}

/// The order that undoes the view's, found by sending the numbers of the dimensions through it.
std::optional<std::vector<int64_t>> inverse_order(const ViewStep& step) {
  const auto rank = static_cast<int64_t>(step.source.sizes.size());
  std::vector<int64_t> order(static_cast<size_t>(rank));
  for (int64_t i = 0; i < rank; ++i) order[static_cast<size_t>(i)] = i;
  const std::string& op = step.call.op.str();
  const auto has = [&](int64_t axis) { return axis >= 0 && axis < rank; };
  const auto swap = [&](int64_t a, int64_t b) {
    a = from_front(a, step);
    b = from_front(b, step);
    if (has(a) && has(b)) std::swap(order[static_cast<size_t>(a)], order[static_cast<size_t>(b)]);
  };
  const auto first = [&](std::string_view name, std::string_view other) {
    return step.call.input(name) != nullptr ? number(step.call, name, 0) : number(step.call, other, 0);
  };
  if (op == "aten.permute.default") {
    const Argument* dims = step.call.input("dims");
    const auto* given = dims != nullptr ? dims->get_if<std::vector<int64_t>>() : nullptr;
    if (given == nullptr || given->size() != order.size()) return std::nullopt;
    for (size_t i = 0; i < given->size(); ++i) {
      const int64_t axis = from_front((*given)[i], step);
      if (!has(axis)) return std::nullopt;
      order[static_cast<size_t>(axis)] = static_cast<int64_t>(i);
    }
  } else if (op == "aten.transpose.int" || op.starts_with("aten.swap")) {
    swap(first("dim0", "axis0"), first("dim1", "axis1"));
  } else if (op == "aten.movedim.int" || op == "aten.moveaxis.int") {
    const int64_t source = from_front(number(step.call, "source", 0), step);
    const int64_t target = from_front(number(step.call, "destination", 0), step);
    if (!has(source) || !has(target)) return std::nullopt;
    const int64_t moved = order[static_cast<size_t>(target)];
    order.erase(order.begin() + target);
    order.insert(order.begin() + source, moved);
  } else if (rank == 2 || op == "aten.mT.default" || op == "aten.adjoint.default") {
    swap(-2, -1);
  } else if (rank > 2) {
    return std::nullopt;  // numpy_T
  }
  return order;
}

std::vector<NamedArgument> scatter_into(const std::string& source, const std::string& value) {
  return {{"self", tensor(source)}, {"src", tensor(value)}};
}

/// The arguments of the view's own call behind its first.
void add_rest(std::vector<NamedArgument>& inputs, const Call& call) {
  inputs.insert(inputs.end(), call.inputs.begin() + 1, call.inputs.end());
}

bool is_given(const Argument* argument) { return argument != nullptr && !argument->is<None>(); }

/// The range of the source that the view is, where it is one without gaps and all of it is known.
std::optional<Range> range_of(const ViewStep& step) {
  Range range{.axis = from_front(number(step.call, "dim", 0), step)};
  if (range.axis < 0 || static_cast<size_t>(range.axis) >= step.source.sizes.size()) return std::nullopt;
  const auto extent = step.source.sizes[static_cast<size_t>(range.axis)].maybe_value();
  if (!extent || *extent < 0 || number(step.call, "step", 1) != 1) return std::nullopt;
  range.extent = *extent;
  const auto position = [&](const Argument* given, int64_t fallback) -> std::optional<int64_t> {
    if (!is_given(given)) return fallback;
    auto value = number(given);
    if (value && *value < 0) *value += range.extent;
    return value ? std::optional(std::clamp<int64_t>(*value, 0, range.extent)) : std::nullopt;
  };
  std::optional<int64_t> start, length;
  if (step.kind == ViewKind::kSelect || step.kind == ViewKind::kUnbind) {
    const bool selects = step.kind == ViewKind::kSelect;
    start = selects ? position(step.call.input("index"), 0) : static_cast<int64_t>(step.result);
    length = 1;
  } else {
    if (static_cast<size_t>(range.axis) >= step.view.sizes.size()) return std::nullopt;
    start = step.kind == ViewKind::kSplit ? step.offset : position(step.call.input("start"), 0);
    length = step.view.sizes[static_cast<size_t>(range.axis)].maybe_value();
  }
  if (!start || !length || *start < 0 || *length < 0 || *length > range.extent - *start) return std::nullopt;
  range.start = *start;
  range.end = *start + *length;
  return range;
}

/// The selected part with the dimension that selecting has taken away.
std::string unsqueezed(Emitter& emitter, const ViewStep& step, int64_t axis, const std::string& value,
                       const Call& origin) {
  TensorMeta meta = step.source;
  meta.sizes[static_cast<size_t>(axis)] = int64_t{1};
  return emitter.call("aten.unsqueeze.default", {{"self", tensor(value)}, {"dim", {axis}}}, &meta, origin,
                      cat(name_of(origin), "_part"));
}

/// Without a known range only slices and selections with run-time bounds or steps are left.
std::optional<std::string> scatter(Emitter& emitter, const ViewStep& step, const std::string& source,
                                   const std::string& value, const Call& origin, const std::string& wanted) {
  Symbol op;
  const Symbol view = step.call.op;
  if (view == Symbol("aten.slice.Tensor")) op = "aten.slice_scatter.default";
  if (view == Symbol("aten.select.int")) op = "aten.select_scatter.default";
  if (view == Symbol("aten.diagonal.default")) op = "aten.diagonal_scatter.default";
  if (op.empty()) return std::nullopt;
  std::vector<NamedArgument> inputs = scatter_into(source, value);
  add_rest(inputs, step.call);
  return emitter.call(op, std::move(inputs), &step.source, origin, wanted);
}

}  // namespace

std::optional<std::string> write_back(Emitter& emitter, const ViewStep& step, const std::string& source,
                                      const std::string& value, const Call& origin) {
  const std::string wanted = cat(name_of(origin), "_in_place");
  const auto call = [&](Symbol op, std::vector<NamedArgument> inputs) {
    return emitter.call(op, std::move(inputs), &step.source, origin, wanted);
  };
  switch (step.kind) {
    case ViewKind::kSame:
      return value;
    case ViewKind::kReshape:
      return call("aten.reshape.default",
                  {{"self", tensor(value)}, {"shape", emitter.sizes(step.source, source, /*infer=*/true, origin)}});
    case ViewKind::kPermute: {
      const auto order = inverse_order(step);
      if (!order) return std::nullopt;
      return call("aten.permute.default", {{"self", tensor(value)}, {"dims", {*order}}});
    }
    case ViewKind::kSlice:
    case ViewKind::kSplit:
    case ViewKind::kSelect:
    case ViewKind::kUnbind: {
      const auto range = range_of(step);
      if (!range) return scatter(emitter, step, source, value, origin, wanted);
      const bool selects = step.kind == ViewKind::kSelect || step.kind == ViewKind::kUnbind;
      const std::string part = selects ? unsqueezed(emitter, step, range->axis, value, origin) : value;
      return replace_range(emitter, source, step.source, *range, part, origin, wanted);
    }
    case ViewKind::kDiagonal:
      return scatter(emitter, step, source, value, origin, wanted);
    case ViewKind::kExpand:
      if (step.source.sizes == step.view.sizes) return value;
      return std::nullopt;
    default:
      return std::nullopt;
  }
}

std::optional<std::string> view_again(Emitter& emitter, const ViewStep& step, const std::string& source) {
  if (step.kind == ViewKind::kSame) return source;
  if (step.kind == ViewKind::kOpaque || step.kind == ViewKind::kUnknown) return std::nullopt;
  const std::string wanted = result_name(step);
  if (step.kind == ViewKind::kReshape) {
    // The new source may lie otherwise in memory than the old one did.
    const Symbol op = step.call.op;
    if (op == Symbol("aten.view.default") && step.call.inputs.size() > 1) {
      return emitter.call("aten.reshape.default", {{"self", tensor(source)}, {"shape", step.call.inputs[1].arg}},
                          &step.view, step.call, wanted);
    }
  }
  Call call = step.call;
  call.inputs[0].arg = tensor(source);
  std::string made;
  size_t position = 0;
  for (Argument& output : call.outputs) {
    each_tensor_name(output, [&](std::string& name) {
      const auto meta = emitter.tensors().find(name);
      const std::string fresh = emitter.unique(name);
      if (meta != emitter.tensors().end()) {
        const TensorMeta copy = meta->second;
        emitter.tensors().insert_or_assign(fresh, copy);
      }
      name = fresh;
      if (position++ == step.result) made = fresh;
    });
  }
  if (made.empty()) return std::nullopt;
  call.name = made;
  emitter.append(std::move(call));
  return made;
}

}  // namespace graftwork::core::captured

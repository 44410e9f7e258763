// Parts of a tensor.
#include "graftwork/base/error.h"
#include "graftwork/export/form.h"

namespace graftwork::core {
namespace {

void select(Lowering& lowering, const Node& node) {
  const int64_t axis = front_axis(integer_attr(node, "dim", 0), rank_of(node));
  const std::string index =
      lowering.constant(node.name().str() + "_index", at::scalar_tensor(integer_attr(node, "index", 0), at::kLong));
  lowering.bind(node, lowering.add("Gather", node.name().str(), {lowering.operand(node, 0), index}, {{"axis", axis}},
                                   lowering.result_name(node)));
}

/// chunk and split: a tuple whose elements are read by get_items.
void split(Lowering& lowering, const Node& node) {
  const std::vector<Type>* parts = node.type().elements();
  const int64_t axis = front_axis(integer_attr(node, "dim", 0), rank_of(node));
  if (!parts) throw Error("export.shape", "its parts are not known");
  std::vector<int64_t> sizes;
  std::vector<std::string> outputs;
  for (size_t i = 0; i < parts->size(); ++i) {
    const TensorType* part = (*parts)[i].tensor();
    const bool has_axis = part && static_cast<size_t>(axis) < part->rank();
    const auto extent = has_axis ? part->dims[static_cast<size_t>(axis)].maybe_value() : std::nullopt;
    if (!extent) throw Error("export.shape", "the size of a part is known at run time only");
    sizes.push_back(*extent);
    outputs.emplace_back();
  }
  for (const Use* use = node.uses(); use; use = use->next()) {
    const Node& item = *use->user();
    if (item.kind() != NodeKind::kGetItem) throw Error("export.shape", "its parts are read as a whole");
    std::string& output = outputs.at(static_cast<size_t>(item.item_index()));
    if (output.empty()) output = lowering.result_name(item);
    lowering.bind(item, output);
  }
  for (std::string& output : outputs) {
    if (output.empty()) output = lowering.fresh_value(node.name().str() + "_unused");
  }
  const std::string lengths = lowering.integers(node.name().str() + "_sizes", sizes);
  lowering.add_multi("Split", node.name().str(), {lowering.operand(node, 0), lengths}, std::move(outputs),
                     {{"axis", axis}});
}

/// Where a tensor says: by the places between the parts, or by how many there are. The first parts of a number that
/// does not divide the extent are longer by one.
void tensor_split(Form& form) {
  const std::vector<Type>* parts = form.node().type().elements();
  if (!parts) throw Error("export.shape", "its parts are not known");
  const auto count = static_cast<int64_t>(parts->size());
  const int64_t axis = form.axis();
  const std::string x = form.operand(0);
  std::string begin, end;  // of all parts
  const std::string extent = form.add("Shape", {x}, {{"end", axis + 1}, {"start", axis}});
  if (form.rank(1) == 0) {
    const std::string sections = form.list({count});
    const std::string width = form.add("Div", {extent, sections});
    const std::string longer = form.add("Mod", {extent, sections});
    const auto edges = [&](const at::Tensor& order) {
      const std::string place = form.constant(order);
      return form.add("Add", {form.add("Mul", {width, place}), form.add("Min", {longer, place})});
    };
    begin = edges(at::arange(count, at::kLong));
    end = edges(at::arange(1, count + 1, at::kLong));
  } else {
    const std::string places = form.operand(1, DType::kI64);
    begin = form.add("Concat", {form.list({0}), places}, {{"axis", int64_t{0}}});
    end = form.add("Concat", {places, extent}, {{"axis", int64_t{0}}});
  }
  for (int64_t i = 0; i < count; ++i) {
    const auto of_part = [&](const std::string& edges) {
      return form.add("Gather", {edges, form.list({i})}, {{"axis", int64_t{0}}});
    };
    form.result_of(static_cast<size_t>(i), form.add("Slice", {x, of_part(begin), of_part(end), form.list({axis})}));
  }
}

/// A tuple of all slices along an axis.
void unbind(Lowering& lowering, const Node& node) {
  const int64_t axis = front_axis(integer_attr(node, "dim", 0), rank_of(node));
  for (const Use* use = node.uses(); use; use = use->next()) {
    const Node& item = *use->user();
    if (item.kind() != NodeKind::kGetItem) throw Error("export.shape", "its parts are read as a whole");
    const std::string index =
        lowering.constant(item.name().str() + "_index", at::scalar_tensor(item.item_index(), at::kLong));
    lowering.bind(item, lowering.add("Gather", item.name().str(), {lowering.operand(node, 0), index}, {{"axis", axis}},
                                     lowering.result_name(item)));
  }
}

}  // namespace

OperatorLowerings split_lowerings() {
  return {{"aten.select.int", select},
          {"aten.chunk.default", split},
          {"aten.split.Tensor", split},
          {"aten.unsafe_split.Tensor", split},
          {"aten.split_with_sizes.default", split},
          {"aten.tensor_split.tensor_indices_or_sections", form(tensor_split)},
          {"aten.unbind.int", unbind}};
}

}  // namespace graftwork::core

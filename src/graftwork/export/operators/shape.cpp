// Operators that move data.
#include <algorithm>
#include <limits>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/export/operator_lowering.h"
#include "graftwork/export/reshape.h"
#include "graftwork/export/runtime_number.h"

namespace graftwork::core {
namespace {

void reshape(Lowering& lowering, const Node& node) {
  lowering.bind(node, lower_reshape(lowering, node.name().str(), lowering.operand(node, 0), node.input(0).type(),
                                    node.type(), lowering.result_name(node)));
}

void transpose(Lowering& lowering, const Node& node, const std::vector<int64_t>& order) {
  lowering.bind(node, lowering.add("Transpose", node.name().str(), {lowering.operand(node, 0)}, {{"perm", order}},
                                   lowering.result_name(node)));
}

void permute(Lowering& lowering, const Node& node) {
  std::vector<int64_t> order = integers_attr(node, "dims");
  for (int64_t& axis : order) axis = front_axis(axis, rank_of(node));
  transpose(lowering, node, order);
}

void swap_axes(Lowering& lowering, const Node& node) {
  std::vector<int64_t> order;
  for (int64_t axis = 0; axis < rank_of(node); ++axis) order.push_back(axis);
  if (!order.empty())
    std::swap(order.at(static_cast<size_t>(front_axis(integer_attr(node, "dim0", 0), rank_of(node)))),
              order.at(static_cast<size_t>(front_axis(integer_attr(node, "dim1", 0), rank_of(node)))));
  transpose(lowering, node, order);
}

/// A matrix; vectors and numbers stay.
void turn(Lowering& lowering, const Node& node) {
  transpose(lowering, node,
            rank_of(node) == 2   ? std::vector<int64_t>{1, 0}
            : rank_of(node) == 1 ? std::vector<int64_t>{0}
                                 : std::vector<int64_t>());
}

/// A row of nothing joins whatever else there is.
bool is_passed_over(const Node& node, size_t slot) {
  const TensorType* type = node.input(slot).tensor();
  return type && node.tensor() && node.tensor()->rank() != 1 && type->rank() == 1;
}

void concat(Lowering& lowering, const Node& node) {
  std::vector<std::string> inputs;
  for (size_t slot = 0; slot < node.input_count(); ++slot) {
    if (!is_passed_over(node, slot)) inputs.push_back(operand_as_result(lowering, node, slot));
  }
  if (inputs.empty()) throw Error("export.attribute", "it joins nothing");
  const int64_t axis = front_axis(integer_attr(node, "dim", 0),
                                  static_cast<int64_t>(node.tensor() ? node.tensor()->rank() : rank_of(node)));
  lowering.bind(
      node, lowering.add("Concat", node.name().str(), std::move(inputs), {{"axis", axis}}, lowering.result_name(node)));
}

void slice(Lowering& lowering, const Node& node) {
  const std::string& name = node.name().str();
  const int64_t axis = front_axis(integer_attr(node, "dim", 0), rank_of(node));
  const auto bound = [&](Symbol attr, int64_t fallback) {
    const Attribute* given = node.attrs().find(attr);
    if (given && given->get<InputRef>()) return lower_number(lowering, node, *given);
    return lowering.integers(cat(name, "_", attr.str()), {integer_attr(node, attr, fallback)});
  };
  if (const Attribute* step = node.attrs().find("step");
      step && !step->get<InputRef>() && integer_attr(node, "step", 1) < 1)
    throw Error("export.attribute", cat("its step is ", integer_attr(node, "step", 1)));
  std::vector<std::string> inputs{lowering.operand(node, 0), bound("start", 0),
                                  bound("end", std::numeric_limits<int64_t>::max()),
                                  lowering.integers(name + "_axis", {axis}), bound("step", 1)};
  lowering.bind(node, lowering.add("Slice", name, std::move(inputs), {}, lowering.result_name(node)));
}

/// Every tensor as a slice of one, joined.
void stack(Lowering& lowering, const Node& node) {
  const std::string& name = node.name().str();
  const int64_t axis = front_axis(integer_attr(node, "dim", 0), rank_of(node) + 1);
  const std::string axes = lowering.integers(name + "_axis", {axis});
  std::vector<std::string> slices;
  for (size_t slot = 0; slot < node.input_count(); ++slot)
    slices.push_back(
        lowering.add("Unsqueeze", cat(name, "_slice_", slot), {operand_as_result(lowering, node, slot), axes}));
  lowering.bind(node, lowering.add("Concat", name, std::move(slices), {{"axis", axis}}, lowering.result_name(node)));
}

/// Backwards from the last element to before the first.
void flip(Lowering& lowering, const Node& node) {
  const std::string& name = node.name().str();
  std::vector<int64_t> axes = integers_attr(node, "dims");
  for (int64_t& axis : axes) axis = front_axis(axis, rank_of(node));
  const std::vector<int64_t> last(axes.size(), -1), back(axes.size(), -1);
  const std::vector<int64_t> before_first(axes.size(), std::numeric_limits<int64_t>::min());
  lowering.bind(node, lowering.add("Slice", name,
                                   {lowering.operand(node, 0), lowering.integers(name + "_start", last),
                                    lowering.integers(name + "_end", before_first),
                                    lowering.integers(name + "_axes", axes), lowering.integers(name + "_step", back)},
                                   {}, lowering.result_name(node)));
}

/// Rows of a table; what else the operator is told concerns its gradient.
void embedding(Lowering& lowering, const Node& node) {
  lowering.bind(node, lowering.add("Gather", node.name().str(), {lowering.operand(node, 0), lowering.operand(node, 1)},
                                   {{"axis", int64_t{0}}}, lowering.result_name(node)));
}

/// torch lists two numbers for each dimension from the last one on, ONNX all beginnings and then all ends.
template <class Number>
std::vector<Number> pads_of(const std::vector<Number>& last_first, size_t rank, const Number& none) {
  if (last_first.size() % 2 != 0 || last_first.size() > 2 * rank)
    throw Error("export.attribute", "its padding is for another number of dimensions");
  std::vector<Number> pads(2 * rank, none);
  for (size_t i = 0; i * 2 + 1 < last_first.size() && i < rank; ++i) {
    pads[rank - 1 - i] = last_first[2 * i];
    pads[2 * rank - 1 - i] = last_first[2 * i + 1];
  }
  return pads;
}

std::vector<int64_t> widths(const Node& node, Symbol attr) {
  constexpr int64_t kMost = int64_t{1} << 31;
  std::vector<int64_t> widths = integers_attr(node, attr);
  const auto fits = [](int64_t width) { return width >= -kMost && width <= kMost; };
  if (!std::all_of(widths.begin(), widths.end(), fits))
    throw Error("export.attribute", "its padding is wider than any tensor");
  return widths;
}

void lower_pad(Lowering& lowering, const Node& node, const std::string& word, Symbol attr) {
  const Attribute* given = node.attrs().find(attr);
  const std::string name = node.name().str() + "_pads";
  const auto rank = static_cast<size_t>(rank_of(node));
  const std::string pads =
      given && given->get<Attribute::List>()  // run-time numbers
          ? lowering.add("Concat", name,
                         pads_of(lower_numbers(lowering, node, *given), rank, lowering.integers(name + "_none", {0})),
                         {{"axis", int64_t{0}}})
          : lowering.integers(name, pads_of(widths(node, attr), rank, int64_t{0}));
  std::vector<std::string> inputs{lowering.operand(node, 0), pads};
  if (word == "constant")
    inputs.push_back(number_as_result(lowering, node, node.name().str() + "_value", number_attr(node, "value", 0)));
  lowering.bind(node,
                lowering.add("Pad", node.name().str(), std::move(inputs),
                             {{"mode", word == "replicate" ? std::string("edge") : word}}, lowering.result_name(node)));
}

void pad(Lowering& lowering, const Node& node) {
  const Attribute* mode = node.attrs().find("mode");
  const std::string word = mode && mode->get<std::string>() ? *mode->get<std::string>() : "constant";
  if (word != "constant" && word != "reflect" && word != "replicate")
    throw Error("export.attribute", "padding mode " + word + " has no ONNX form");
  lower_pad(lowering, node, word, "pad");
}

void reflect(Lowering& lowering, const Node& node) { lower_pad(lowering, node, "reflect", "padding"); }
void replicate(Lowering& lowering, const Node& node) { lower_pad(lowering, node, "replicate", "padding"); }

}  // namespace

OperatorLowerings shape_operator_lowerings() {
  return {{"aten.view.default", reshape},
          {"aten.reshape.default", reshape},
          {"aten._unsafe_view.default", reshape},
          {"aten.flatten.using_ints", reshape},
          {"aten.unsqueeze.default", reshape},
          {"aten.squeeze.dim", reshape},
          {"aten.squeeze.dims", reshape},
          {"aten.unflatten.int", reshape},
          {"aten.permute.default", permute},
          {"aten.transpose.int", swap_axes},
          {"aten.t.default", turn},
          {"aten.cat.default", concat},
          {"aten.concat.default", concat},
          {"aten.slice.Tensor", slice},
          {"aten.stack.default", stack},
          {"aten.flip.default", flip},
          {"aten.squeeze.default", reshape},
          {"aten.embedding.default", embedding},
          {"aten.pad.default", pad},
          {"aten.constant_pad_nd.default", pad},
          {"aten.reflection_pad1d.default", reflect},
          {"aten.reflection_pad2d.default", reflect},
          {"aten.reflection_pad3d.default", reflect},
          {"aten.replication_pad1d.default", replicate},
          {"aten.replication_pad2d.default", replicate},
          {"aten.replication_pad3d.default", replicate}};
}

}  // namespace graftwork::core

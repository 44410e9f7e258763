// LSTM, GRU and plain recurrent layers: one ONNX node for each layer, float (ONNX's recurrent operators have no Q/DQ
// form that TensorRT fuses). Weights may be computed at run time, and states may be projected.
#include <variant>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/export/operator_lowering.h"

namespace graftwork::core {
namespace {

/// Blocks of the gates in torch's rows, in ONNX's order: torch has i f g o and r z n, ONNX i o f g and z r n.
struct Form {
  const char* op_type;
  std::vector<int64_t> gates;
  size_t states;  // h, or h and c
};

/// A parameter: known now, or a value of the file.
using Part = std::variant<at::Tensor, std::string>;

/// Reads the inputs of one call.
class Recurrence {
 public:
  Recurrence(Lowering& lowering, const Node& node, Form form)
      : lowering_(lowering),
        node_(node),
        form_(std::move(form)),
        name_(node.name().str()),
        has_biases_(flag_attr(node, "has_biases", true)),
        directions_(flag_attr(node, "bidirectional", false) ? 2 : 1),
        layers_(integer_attr(node, "num_layers", 1)) {
    if (flag_attr(node, "train", false) && number_attr(node, "dropout", 0) != 0)
      throw Error("export.attribute", "it is in training mode");
    constexpr int64_t kMostLayers = 1 << 10;
    if (layers_ < 1 || layers_ > kMostLayers) throw Error("export.attribute", "it has no layers, or too many");
    const size_t given = node.input_count() - std::min(node.input_count(), 1 + form_.states);
    const auto blocks = static_cast<size_t>(layers_ * directions_);
    per_direction_ = has_biases_ ? 4 : 2;
    projects_ = form_.states == 2 && given == blocks * (per_direction_ + 1);
    per_direction_ += projects_ ? 1 : 0;
    if (given != blocks * per_direction_) throw Error("export.attribute", "it has another number of weights");
    check_shapes();
  }

  void lower() {
    const bool batch_first = flag_attr(node_, "batch_first", false);
    std::string x = lowering_.operand(node_, 0);
    if (batch_first) x = swap_batch(x, name_ + "_time_first", "");
    std::vector<std::vector<std::string>> finals(form_.states);
    for (int64_t layer = 0; layer < layers_; ++layer) {
      const std::string label = cat(name_, "_layer_", layer);
      std::vector<std::string> inputs{x, input_weights(label, layer), recurrent_weights(label, layer),
                                      has_biases_ ? biases(label, layer) : "", ""};
      std::vector<std::string> outputs{lowering_.fresh_value(label + "_y")};
      for (size_t state = 0; state < form_.states; ++state) {
        inputs.push_back(initial(label, layer, state));
        outputs.push_back(lowering_.fresh_value(cat(label, "_state_", state)));
      }
      std::vector<std::pair<std::string, onnx::AttributeValue>> attributes{
          {"direction", directions_ == 2 ? "bidirectional" : "forward"}, {"hidden_size", hidden_}};
      if (std::string_view(form_.op_type) == "GRU") attributes.emplace_back("linear_before_reset", int64_t{1});
      if (std::string_view(form_.op_type) == "RNN" && node_.op() == Symbol("aten.rnn_relu.input")) {
        attributes.emplace_back("activations", std::vector<std::string>(static_cast<size_t>(directions_), "Relu"));
      }
      lowering_.add_multi(form_.op_type, label, std::move(inputs), {outputs}, std::move(attributes));
      if (projects_) {
        const std::string projection = projections(label, layer);
        for (const size_t output : {size_t{0}, size_t{1}})
          outputs[output] = lowering_.add("MatMul", cat(label, "_projected_", output), {outputs[output], projection});
      }
      for (size_t state = 0; state < form_.states; ++state) finals[state].push_back(outputs[1 + state]);
      x = join_directions(outputs[0], label);
    }
    std::vector<std::string> results{""};
    for (const auto& states : finals) {
      results.push_back(states.size() == 1 ? states[0]
                                           : lowering_.add("Concat", cat(name_, "_states_", results.size()), states,
                                                           {{"axis", int64_t{0}}}));
    }
    for (const Use* use = node_.uses(); use; use = use->next()) {
      const Node& item = *use->user();
      if (item.kind() != NodeKind::kGetItem) throw Error("export.shape", "its results are read as a whole");
      const auto index = static_cast<size_t>(item.item_index());
      if (index > 0) {
        lowering_.bind(
            item, lowering_.add("Identity", item.name().str(), {results.at(index)}, {}, lowering_.result_name(item)));
      } else if (batch_first) {
        lowering_.bind(item, swap_batch(x, item.name().str(), lowering_.result_name(item)));
      } else {
        lowering_.bind(item, lowering_.add("Identity", item.name().str(), {x}, {}, lowering_.result_name(item)));
      }
    }
  }

 private:
  std::string swap_batch(const std::string& value, const std::string& name, const std::string& output) {
    return lowering_.add("Transpose", name, {value}, {{"perm", std::vector<int64_t>{1, 0, 2}}}, output);
  }

  // ---- parameters ------------------------------------------------------------------------------------

  enum Which : size_t { kInputWeight, kRecurrentWeight, kInputBias, kRecurrentBias };

  size_t slot_of(int64_t layer, int64_t direction, size_t part) const {
    return 1 + form_.states + static_cast<size_t>(layer * directions_ + direction) * per_direction_ + part;
  }

  std::vector<int64_t> shape_of(size_t slot) const {
    const TensorType* type = node_.input(slot).tensor();
    std::vector<int64_t> shape;
    for (size_t i = 0; type && i < type->rank(); ++i) shape.push_back(type->dims[i].maybe_value().value_or(-1));
    return shape;
  }

  /// Rows of all gates, one below the other.
  void check_shapes() {
    const auto gates = static_cast<int64_t>(form_.gates.size());
    const std::vector<int64_t> first = shape_of(slot_of(0, 0, kRecurrentWeight));
    if (first.size() == 2) hidden_ = first[0] / gates;
    const int64_t state = first.size() == 2 ? first[1] : 0;
    bool fits = hidden_ > 0 && (projects_ || state == hidden_);
    for (int64_t layer = 0; layer < layers_; ++layer) {
      for (int64_t direction = 0; direction < directions_; ++direction) {
        const auto shape = [&](size_t part) { return shape_of(slot_of(layer, direction, part)); };
        const int64_t rows = gates * hidden_;
        fits &= shape(kInputWeight).size() == 2 && shape(kInputWeight)[0] == rows;
        fits &= shape(kRecurrentWeight) == std::vector<int64_t>{rows, state};
        for (const size_t bias : {kInputBias, kRecurrentBias})
          fits &= !has_biases_ || shape(bias) == std::vector<int64_t>{rows};
        fits &= !projects_ || shape(per_direction_ - 1) == std::vector<int64_t>{state, hidden_};
      }
    }
    if (!fits) throw Error("export.attribute", "its weights do not fit each other");
  }

  Part parameter(int64_t layer, int64_t direction, size_t part) {
    const size_t slot = slot_of(layer, direction, part);
    if (node_.input(slot).kind() != NodeKind::kConstant) return lowering_.operand(node_, slot);
    return evaluate(node_.input(slot).constant(), lowering_.network().tensors);
  }

  std::string value_of(const Part& part, const std::string& name) {
    if (const auto* value = std::get_if<std::string>(&part)) return *value;
    return lowering_.float_constant(name, std::get<at::Tensor>(part));
  }

  static bool are_known(const std::vector<Part>& parts) {
    return std::all_of(parts.begin(), parts.end(),
                       [](const Part& part) { return std::holds_alternative<at::Tensor>(part); });
  }

  Part joined(const std::vector<Part>& parts, const std::string& name) {
    if (are_known(parts)) {
      std::vector<at::Tensor> tensors;
      for (const Part& part : parts) tensors.push_back(std::get<at::Tensor>(part));
      return at::cat(tensors, 0);
    }
    std::vector<std::string> values;
    for (const Part& part : parts) values.push_back(value_of(part, cat(name, "_part_", values.size())));
    return values.size() == 1 ? values[0] : lowering_.add("Concat", name, values, {{"axis", int64_t{0}}});
  }

  /// The gates in ONNX's order.
  Part ordered(const Part& part, const std::string& name) {
    if (form_.gates.size() == 1) return part;
    std::vector<Part> gates;
    for (const int64_t gate : form_.gates) {
      const int64_t begin = gate * hidden_, end = begin + hidden_;
      if (const auto* tensor = std::get_if<at::Tensor>(&part)) {
        gates.emplace_back(at::slice(*tensor, 0, begin, end));
      } else {
        const std::string label = cat(name, "_gate_", gate);
        gates.emplace_back(
            lowering_.add("Slice", label,
                          {std::get<std::string>(part), lowering_.integers(label + "_start", {begin}),
                           lowering_.integers(label + "_end", {end}), lowering_.integers(label + "_axis", {0})}));
      }
    }
    return joined(gates, name + "_ordered");
  }

  /// One for each direction, along a new first dimension.
  std::string stacked(std::vector<Part> parts, const std::string& name) {
    for (Part& part : parts) {
      if (auto* tensor = std::get_if<at::Tensor>(&part)) {
        part = at::unsqueeze(*tensor, 0);
      } else {
        part = lowering_.add("Unsqueeze", name + "_row",
                             {std::get<std::string>(part), lowering_.integers(name + "_row_axis", {0})});
      }
    }
    return value_of(joined(parts, name), name);
  }

  template <class Make>
  std::string of_directions(const std::string& name, const Make& make) {
    std::vector<Part> parts;
    for (int64_t direction = 0; direction < directions_; ++direction)
      parts.push_back(make(direction, cat(name, "_", direction)));
    return stacked(std::move(parts), name);
  }

  std::string input_weights(const std::string& label, int64_t layer) {
    return of_directions(label + "_w", [&](int64_t direction, const std::string& name) {
      return ordered(parameter(layer, direction, kInputWeight), name);
    });
  }

  std::string biases(const std::string& label, int64_t layer) {
    return of_directions(label + "_b", [&](int64_t direction, const std::string& name) {
      return joined({ordered(parameter(layer, direction, kInputBias), name + "_input"),
                     ordered(parameter(layer, direction, kRecurrentBias), name + "_recurrent")},
                    name);
    });
  }

  /// What a projected layer reads back is the projection of what it would give without one: weights · projection read
  /// that itself.
  std::string recurrent_weights(const std::string& label, int64_t layer) {
    return of_directions(label + "_r", [&](int64_t direction, const std::string& name) -> Part {
      const Part weight = ordered(parameter(layer, direction, kRecurrentWeight), name);
      if (!projects_) return weight;
      const Part projection = parameter(layer, direction, per_direction_ - 1);
      if (!are_known({weight, projection})) {
        return lowering_.add("MatMul", name + "_unprojected",
                             {value_of(weight, name), value_of(projection, name + "_projection")});
      }
      const at::Tensor &a = std::get<at::Tensor>(weight), &b = std::get<at::Tensor>(projection);
      return at::matmul(a.to(at::kDouble), b.to(at::kDouble)).to(a.scalar_type());
    });
  }

  /// [directions, hidden, projected].
  std::string projections(const std::string& label, int64_t layer) {
    return of_directions(label + "_p", [&](int64_t direction, const std::string& name) -> Part {
      const Part projection = parameter(layer, direction, per_direction_ - 1);
      if (const auto* tensor = std::get_if<at::Tensor>(&projection)) return tensor->t();
      return lowering_.add("Transpose", name + "_turned", {std::get<std::string>(projection)},
                           {{"perm", std::vector<int64_t>{1, 0}}});
    });
  }

  // ---- states ----------------------------------------------------------------------------------------

  /// The states that one layer begins with: its rows of [layers · directions, batch, hidden].
  std::string initial(const std::string& label, int64_t layer, size_t state) {
    const bool is_projected = projects_ && state == 0;
    if (is_projected && begins_with_zeros()) return "";
    std::string value = lowering_.operand(node_, 1 + state);
    const std::string name = cat(label, "_initial_", state);
    if (layers_ > 1) {
      value = lowering_.add(
          "Slice", name,
          {value, lowering_.integers(name + "_start", {layer * directions_}),
           lowering_.integers(name + "_end", {(layer + 1) * directions_}), lowering_.integers(name + "_axis", {0})});
    }
    if (!is_projected) return value;
    return lowering_.add("MatMul", name + "_unprojected", {value, unprojections(label, layer)});
  }

  /// ONNX begins with zeros where it is given nothing.
  bool begins_with_zeros() const {
    const Node& node = node_.input(1);
    if (node.kind() != NodeKind::kConstant) return node.op().str().starts_with("aten.zeros");
    return !evaluate(node.constant(), lowering_.network().tensors).any().item<bool>();
  }

  /// [directions, projected, hidden]: a state whose projection is the given one.
  std::string unprojections(const std::string& label, int64_t layer) {
    return of_directions(label + "_u", [&](int64_t direction, const std::string& /*name*/) -> Part {
      const Part projection = parameter(layer, direction, per_direction_ - 1);
      const auto* tensor = std::get_if<at::Tensor>(&projection);
      if (!tensor)
        throw Error("export.attribute", "it begins with a state, and its projection is computed in the graph",
                    "beginning with zeros");
      const at::Tensor wide = tensor->to(at::kDouble);
      const at::Tensor inverse = at::linalg_pinv(wide, 1e-6);
      const at::Tensor identity = at::eye(wide.size(0), wide.options());
      if (!at::allclose(at::matmul(wide, inverse), identity, 1e-6, 1e-6))
        throw Error("export.attribute", "it begins with a state that its projection does not reach",
                    "beginning with zeros");
      return inverse.t().to(tensor->scalar_type());
    });
  }

  /// [time, directions, batch, hidden] to [time, batch, directions · hidden].
  std::string join_directions(const std::string& y, const std::string& label) {
    const int64_t size = projects_ ? shape_of(slot_of(0, 0, kRecurrentWeight))[1] : hidden_;
    const std::string turned =
        lowering_.add("Transpose", label + "_turned", {y}, {{"perm", std::vector<int64_t>{0, 2, 1, 3}}});
    return lowering_.add("Reshape", label + "_joined",
                         {turned, lowering_.integers(label + "_shape", {0, 0, directions_ * size})});
  }

  Lowering& lowering_;
  const Node& node_;
  Form form_;
  std::string name_;
  bool has_biases_;
  int64_t directions_;
  int64_t layers_;
  size_t per_direction_ = 0;
  bool projects_ = false;
  int64_t hidden_ = 0;
};

void lstm(Lowering& lowering, const Node& node) { Recurrence(lowering, node, {"LSTM", {0, 3, 1, 2}, 2}).lower(); }
void gru(Lowering& lowering, const Node& node) { Recurrence(lowering, node, {"GRU", {1, 0, 2}, 1}).lower(); }
void rnn(Lowering& lowering, const Node& node) { Recurrence(lowering, node, {"RNN", {0}, 1}).lower(); }

}  // namespace

OperatorLowerings recurrent_lowerings() {
  return {
      {"aten.lstm.input", lstm}, {"aten.gru.input", gru}, {"aten.rnn_tanh.input", rnn}, {"aten.rnn_relu.input", rnn}};
}

}  // namespace graftwork::core

// LSTM, GRU and plain recurrent layers: one ONNX node for each layer, float (ONNX's recurrent operators have no Q/DQ
// form that TensorRT fuses).
#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/export/operator_lowering.h"

namespace graftwork {
namespace {

/// Blocks of the gates in torch's rows, in ONNX's order: torch has i f g o and r z n, ONNX i o f g and z r n.
struct Form {
  const char* op_type;
  std::vector<int64_t> gates;
  size_t states;  // h, or h and c
};

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
    for (size_t slot = 1; slot < node.input_count(); ++slot) {
      if (slot > form_.states && node.input(slot).kind() != NodeKind::kConstant)
        throw Error("export.attribute", "its weights are computed in the graph");
    }
    const auto blocks = static_cast<size_t>(layers_ * directions_) * (has_biases_ ? 4 : 2);
    if (node.input_count() != 1 + form_.states + blocks)
      throw Error("export.attribute", "it has projections, which ONNX has no form for");
  }

  void lower() {
    const bool batch_first = flag_attr(node_, "batch_first", false);
    std::string x = lowering_.operand(node_, 0);
    if (batch_first) x = swap_batch(x, name_ + "_time_first", "");
    std::vector<std::vector<std::string>> finals(form_.states);
    for (int64_t layer = 0; layer < layers_; ++layer) {
      const std::string label = cat(name_, "_layer_", layer);
      std::vector<std::string> inputs{x, weights(label + "_w", layer, 0), weights(label + "_r", layer, 1),
                                      has_biases_ ? biases(label + "_b", layer) : "", ""};
      std::vector<std::string> outputs{lowering_.fresh_value(label + "_y")};
      for (size_t state = 0; state < form_.states; ++state) {
        inputs.push_back(initial(label, layer, state));
        outputs.push_back(lowering_.fresh_value(cat(label, "_state_", state)));
        finals[state].push_back(outputs.back());
      }
      std::vector<std::pair<std::string, onnx::AttributeValue>> attributes{
          {"direction", directions_ == 2 ? "bidirectional" : "forward"}, {"hidden_size", hidden()}};
      if (std::string_view(form_.op_type) == "GRU") attributes.emplace_back("linear_before_reset", int64_t{1});
      if (std::string_view(form_.op_type) == "RNN" && node_.op() == Symbol("aten.rnn_relu.input")) {
        attributes.emplace_back("activations", std::vector<std::string>(static_cast<size_t>(directions_), "Relu"));
      }
      lowering_.add_multi(form_.op_type, label, std::move(inputs), {outputs}, std::move(attributes));
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

  at::Tensor parameter(int64_t layer, int64_t direction, size_t part) const {
    const size_t per_direction = has_biases_ ? 4 : 2;
    const size_t slot = 1 + form_.states + static_cast<size_t>(layer * directions_ + direction) * per_direction + part;
    const at::Tensor value = evaluate(node_.input(slot).constant(), lowering_.network().tensors);
    const std::vector<at::Tensor> gates = value.chunk(static_cast<int64_t>(form_.gates.size()), 0);
    std::vector<at::Tensor> ordered;
    for (const int64_t gate : form_.gates) ordered.push_back(gates[static_cast<size_t>(gate)]);
    return at::cat(ordered, 0);
  }

  int64_t hidden() const { return parameter(0, 0, 1).size(1); }

  std::string weights(const std::string& name, int64_t layer, size_t part) {
    std::vector<at::Tensor> both;
    for (int64_t direction = 0; direction < directions_; ++direction) both.push_back(parameter(layer, direction, part));
    return lowering_.float_constant(name, at::stack(both));
  }

  std::string biases(const std::string& name, int64_t layer) {
    std::vector<at::Tensor> both;
    for (int64_t direction = 0; direction < directions_; ++direction)
      both.push_back(at::cat({parameter(layer, direction, 2), parameter(layer, direction, 3)}));
    return lowering_.float_constant(name, at::stack(both));
  }

  /// The states that one layer begins with: its rows of [layers · directions, batch, hidden].
  std::string initial(const std::string& label, int64_t layer, size_t state) {
    const std::string& all = lowering_.operand(node_, 1 + state);
    if (layers_ == 1) return all;
    const std::string name = cat(label, "_initial_", state);
    return lowering_.add(
        "Slice", name,
        {all, lowering_.integers(name + "_start", {layer * directions_}),
         lowering_.integers(name + "_end", {(layer + 1) * directions_}), lowering_.integers(name + "_axis", {0})});
  }

  /// [time, directions, batch, hidden] to [time, batch, directions · hidden].
  std::string join_directions(const std::string& y, const std::string& label) {
    const std::string turned =
        lowering_.add("Transpose", label + "_turned", {y}, {{"perm", std::vector<int64_t>{0, 2, 1, 3}}});
    return lowering_.add("Reshape", label + "_joined",
                         {turned, lowering_.integers(label + "_shape", {0, 0, directions_ * hidden()})});
  }

  Lowering& lowering_;
  const Node& node_;
  Form form_;
  std::string name_;
  bool has_biases_;
  int64_t directions_;
  int64_t layers_;
};

void lstm(Lowering& lowering, const Node& node) { Recurrence(lowering, node, {"LSTM", {0, 3, 1, 2}, 2}).lower(); }
void gru(Lowering& lowering, const Node& node) { Recurrence(lowering, node, {"GRU", {1, 0, 2}, 1}).lower(); }
void rnn(Lowering& lowering, const Node& node) { Recurrence(lowering, node, {"RNN", {0}, 1}).lower(); }

}  // namespace

OperatorLowerings recurrent_lowerings() {
  return {
      {"aten.lstm.input", lstm}, {"aten.gru.input", gru}, {"aten.rnn_tanh.input", rnn}, {"aten.rnn_relu.input", rnn}};
}

}  // namespace graftwork

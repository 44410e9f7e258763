#include "graftwork/onnx/check.h"

#include <string_view>
#include <unordered_set>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"

namespace graftwork::core::onnx {
namespace {

template <class... Parts>
[[noreturn]] void fail(const Parts&... parts) {
  throw InternalError(cat("internal error: the ONNX model is malformed: ", parts...));
}

/// A `place` below is a callable: the text is made for a message only, which all but never comes.
class Checker {
 public:
  explicit Checker(const Model& model) : model_(model), graph_(model.graph) {
    values_.reserve(graph_.inputs.size() + graph_.initializers.size() + graph_.nodes.size());
    node_names_.reserve(graph_.nodes.size());
  }

  void run() {
    check_versions();
    if (graph_.name.empty()) fail("the graph has no name");
    for (const ValueInfo& input : graph_.inputs) define(input.name, [] { return "a graph input"; });
    check_listed(graph_.inputs, "graph input");
    for (const Tensor& tensor : graph_.initializers) {
      const auto place = [&] { return "initializer " + quoted(tensor.name); };
      define(tensor.name, place);
      check_tensor(tensor, place);
    }
    for (size_t i = 0; i < graph_.nodes.size(); ++i) check_node(graph_.nodes[i], i);
    check_listed(graph_.value_infos, "value info");
    check_listed(graph_.outputs, "graph output");
  }

 private:
  void check_versions() const {
    if (model_.opset < 1 || model_.opset > kNewestOpset) fail("opset ", model_.opset, " is unknown");
    const int64_t least = ir_version_for_opset(model_.opset);
    if (model_.ir_version != 0 && model_.ir_version < least) {
      fail("IR version ", model_.ir_version, " is too low for opset ", model_.opset, ", which needs ", least);
    }
  }

  template <class Place>
  void define(const std::string& name, const Place& place) {
    if (name.empty()) fail(place(), " has no name");
    if (!values_.insert(name).second) fail(place(), " defines ", quoted(name), ", which is already defined");
  }

  void check_node(const Node& node, size_t index) {
    const auto place = [&] { return cat("node ", quoted(node.name), " (", node.op_type, ", number ", index, ")"); };
    if (node.op_type.empty()) fail(place(), " has no operator");
    if (!node.name.empty() && !node_names_.insert(node.name).second) fail(place(), " has the name of an earlier node");
    if (!node.domain.empty() && !knows_domain(node.domain)) {
      fail(place(), " is of domain ", quoted(node.domain), ", whose version the model does not give");
    }
    for (const std::string& input : node.inputs) {
      if (!input.empty() && !values_.contains(input)) {
        fail(place(), " reads ", quoted(input), ", which nothing before it defines");
      }
    }
    check_attributes(node, place);
    for (const std::string& output : node.outputs) {
      if (!output.empty()) define(output, place);
    }
  }

  template <class Place>
  void check_attributes(const Node& node, const Place& place) const {
    std::unordered_set<std::string_view> names;
    for (const auto& attribute : node.attributes) {
      const auto& [name, value] = attribute;
      if (name.empty()) fail(place(), " has an attribute without a name");
      if (!names.insert(name).second) fail(place(), " has two attributes ", quoted(name));
      if (const Tensor* tensor = std::get_if<Tensor>(&value)) {
        check_tensor(*tensor, [&] { return "attribute " + quoted(attribute.first) + " of " + place(); });
      }
    }
  }

  template <class Place>
  static void check_tensor(const Tensor& tensor, const Place& place) {
    const std::optional<uint64_t> needed = byte_count(tensor);
    if (!needed) fail(place(), " has a negative or an impossible size");
    if (*needed != tensor.bytes.view.size()) {
      fail(place(), " has ", counted(tensor.bytes.view.size(), "byte"), " where its shape asks for ", *needed);
    }
  }

  void check_listed(const std::vector<ValueInfo>& values, std::string_view what) const {
    std::unordered_set<std::string_view> names;
    for (const ValueInfo& value : values) {
      if (!values_.contains(value.name)) fail(what, " ", quoted(value.name), " does not exist");
      if (!names.insert(value.name).second) fail(what, " ", quoted(value.name), " is listed twice");
      for (const Dimension& dim : value.dims) {
        const int64_t* size = std::get_if<int64_t>(&dim);
        if (size && *size < 0) fail(what, " ", quoted(value.name), " has the size ", *size);
      }
    }
  }

  bool knows_domain(std::string_view domain) const {
    for (const auto& [name, version] : model_.other_opsets) {
      if (name == domain) return true;
    }
    return false;
  }

  const Model& model_;
  const Graph& graph_;
  std::unordered_set<std::string_view> values_;
  std::unordered_set<std::string_view> node_names_;
};

}  // namespace

void check_model(const Model& model) { Checker(model).run(); }

}  // namespace graftwork::core::onnx

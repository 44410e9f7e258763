// graftwork_infer_types FILE.onnx [--listed]: what onnx::infer_types says of a file, for
// tests/python/test_inference.py.
//
// A line a value: name, tab, ONNX's number of the element type, tab, extents with commas between ("?" for one that is
// not known), or "unknown" without a rank. With --listed the file's own types take part; otherwise only those of
// inputs.
#include <onnx.pb.h>

#include <cstring>
#include <fstream>
#include <iostream>
#include <map>

#include "graftwork/base/error.h"
#include "graftwork/onnx/infer.h"

namespace graftwork::core::onnx {
namespace {

Bytes kept(std::string bytes) {
  auto owner = std::make_shared<const std::string>(std::move(bytes));
  return {owner, std::as_bytes(std::span(owner->data(), owner->size()))};
}

template <class Values>
std::string packed(const Values& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(*values.data())};
}

DType type_of(int64_t number) {
  const std::optional<DType> type = dtype_of(number);
  if (!type) throw Error("test.type", "element type " + std::to_string(number));
  return *type;
}

Tensor read(const ::onnx::TensorProto& proto) {
  std::string bytes = proto.raw_data();
  if (bytes.empty() && proto.int64_data_size() > 0) bytes = packed(proto.int64_data());
  if (bytes.empty() && proto.float_data_size() > 0) bytes = packed(proto.float_data());
  return raw_tensor(proto.name(), type_of(proto.data_type()), {proto.dims().begin(), proto.dims().end()},
                    kept(std::move(bytes)));
}

ValueInfo read(const ::onnx::ValueInfoProto& proto) {
  ValueInfo info{proto.name(), type_of(proto.type().tensor_type().elem_type()), {}};
  for (const auto& dim : proto.type().tensor_type().shape().dim()) {
    info.dims.push_back(dim.has_dim_value() ? Dimension(dim.dim_value()) : Dimension(dim.dim_param()));
  }
  return info;
}

Node read(const ::onnx::NodeProto& proto) {
  Node node{proto.op_type(),
            proto.name(),
            {proto.input().begin(), proto.input().end()},
            {proto.output().begin(), proto.output().end()},
            {},
            proto.domain()};
  for (const ::onnx::AttributeProto& attribute : proto.attribute()) {
    switch (attribute.type()) {
      case ::onnx::AttributeProto::INT:
        node.attributes.emplace_back(attribute.name(), int64_t{attribute.i()});
        break;
      case ::onnx::AttributeProto::FLOAT:
        node.attributes.emplace_back(attribute.name(), double{attribute.f()});
        break;
      case ::onnx::AttributeProto::STRING:
        node.attributes.emplace_back(attribute.name(), attribute.s());
        break;
      case ::onnx::AttributeProto::INTS:
        node.attributes.emplace_back(attribute.name(),
                                     std::vector<int64_t>(attribute.ints().begin(), attribute.ints().end()));
        break;
      default:
        break;  // no rule reads others
    }
  }
  return node;
}

Model read_model(const char* path, bool listed) {
  std::ifstream file(path, std::ios::binary);
  ::onnx::ModelProto proto;
  if (!proto.ParseFromIstream(&file)) throw Error("test.file", std::string(path) + " is no ONNX file");
  Model model;
  for (const auto& opset : proto.opset_import()) {
    if (opset.domain().empty()) model.opset = opset.version();
  }
  for (const auto& input : proto.graph().input()) model.graph.inputs.push_back(read(input));
  for (const auto& tensor : proto.graph().initializer()) model.graph.initializers.push_back(read(tensor));
  for (const auto& node : proto.graph().node()) model.graph.nodes.push_back(read(node));
  if (!listed) return model;
  for (const auto& value : proto.graph().value_info()) model.graph.value_infos.push_back(read(value));
  for (const auto& output : proto.graph().output()) model.graph.outputs.push_back(read(output));
  return model;
}

std::string text_of(const std::optional<Dims>& dims) {
  if (!dims) return "unknown";
  std::string text;
  for (const Dimension& dim : *dims) {
    if (!text.empty()) text += ",";
    const int64_t* size = std::get_if<int64_t>(&dim);
    text += size ? std::to_string(*size) : "?";
  }
  return text;
}

}  // namespace
}  // namespace graftwork::core::onnx

int main(int argc, char** argv) try {
  using namespace graftwork::core::onnx;
  const bool listed = argc == 3 && std::strcmp(argv[2], "--listed") == 0;
  if (argc < 2 || (argc > 2 && !listed)) return 2;
  const Model model = read_model(argv[1], listed);
  const ValueTypes types = infer_types(model);
  const std::map<std::string_view, ValueType> sorted(types.begin(), types.end());
  for (const auto& [name, value] : sorted)
    std::cout << name << '\t' << data_type(value.type) << '\t' << text_of(value.dims) << '\n';
  return 0;
} catch (const std::exception& why) {
  std::cerr << why.what() << '\n';
  return 1;
}

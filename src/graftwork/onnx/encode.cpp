#include "graftwork/onnx/encode.h"

#include <google/protobuf/message_lite.h>
#include <onnx.pb.h>

#include <numeric>

#include "graftwork/base/error.h"

namespace graftwork::core::onnx {
namespace {

std::string bytes_of(const google::protobuf::MessageLite& message) {
  std::string bytes;
  const bool is_complete = message.SerializeToString(&bytes);
  GRAFTWORK_ASSERT(is_complete);
  return bytes;
}

/// Tag and length of a length-delimited field; its bytes follow.
std::string field_start(int number, uint64_t length) {
  constexpr uint64_t kLengthDelimited = 2;
  std::string bytes;
  for (uint64_t value : {static_cast<uint64_t>(number) << 3 | kLengthDelimited, length}) {
    for (; value >= 0x80; value >>= 7) bytes += static_cast<char>(value | 0x80);
    bytes += static_cast<char>(value);
  }
  return bytes;
}

/// All of a tensor but its elements.
::onnx::TensorProto tensor_head(const Tensor& tensor) {
  ::onnx::TensorProto proto;
  for (const int64_t dim : tensor.dims) proto.add_dims(dim);
  proto.set_data_type(tensor.is_int4 ? ::onnx::TensorProto::INT4 : data_type(tensor.type));
  if (!tensor.name.empty()) proto.set_name(tensor.name);
  return proto;
}

struct AttributeSetter {
  ::onnx::AttributeProto& proto;

  void operator()(int64_t value) const {
    proto.set_type(::onnx::AttributeProto::INT);
    proto.set_i(value);
  }
  void operator()(double value) const {
    proto.set_type(::onnx::AttributeProto::FLOAT);
    proto.set_f(static_cast<float>(value));
  }
  void operator()(const std::string& value) const {
    proto.set_type(::onnx::AttributeProto::STRING);
    proto.set_s(value);
  }
  void operator()(const std::vector<int64_t>& values) const {
    proto.set_type(::onnx::AttributeProto::INTS);
    proto.mutable_ints()->Add(values.begin(), values.end());
  }
  void operator()(const std::vector<float>& values) const {
    proto.set_type(::onnx::AttributeProto::FLOATS);
    proto.mutable_floats()->Add(values.begin(), values.end());
  }
  void operator()(const std::vector<std::string>& values) const {
    proto.set_type(::onnx::AttributeProto::STRINGS);
    proto.mutable_strings()->Add(values.begin(), values.end());
  }
  void operator()(const Tensor& tensor) const {
    proto.set_type(::onnx::AttributeProto::TENSOR);
    *proto.mutable_t() = tensor_head(tensor);
    proto.mutable_t()->set_raw_data(tensor.bytes.view.data(), tensor.bytes.view.size());
  }
};

void fill_node(const Node& node, ::onnx::NodeProto& proto) {
  proto.mutable_input()->Add(node.inputs.begin(), node.inputs.end());
  proto.mutable_output()->Add(node.outputs.begin(), node.outputs.end());
  proto.set_op_type(node.op_type);
  if (!node.name.empty()) proto.set_name(node.name);
  if (!node.domain.empty()) proto.set_domain(node.domain);
  for (const auto& [name, value] : node.attributes) {
    ::onnx::AttributeProto& attribute = *proto.add_attribute();
    attribute.set_name(name);
    std::visit(AttributeSetter{attribute}, value);
  }
}

void fill_value_info(const ValueInfo& value, ::onnx::ValueInfoProto& proto) {
  proto.set_name(value.name);
  ::onnx::TypeProto::Tensor& type = *proto.mutable_type()->mutable_tensor_type();
  type.set_elem_type(data_type(value.type));
  // Asked for even without dimensions: a scalar's shape is there and empty, not missing.
  ::onnx::TensorShapeProto& shape = *type.mutable_shape();
  for (const Dimension& dim : value.dims) {
    ::onnx::TensorShapeProto::Dimension& dimension = *shape.add_dim();
    if (const int64_t* size = std::get_if<int64_t>(&dim)) {
      dimension.set_dim_value(*size);
    } else if (const std::string& name = std::get<std::string>(dim); !name.empty()) {
      dimension.set_dim_param(name);
    }
  }
}

std::string graph_shell(const Graph& graph) {
  ::onnx::GraphProto proto;
  proto.set_name(graph.name);
  for (const Node& node : graph.nodes) fill_node(node, *proto.add_node());
  for (const ValueInfo& value : graph.inputs) fill_value_info(value, *proto.add_input());
  for (const ValueInfo& value : graph.outputs) fill_value_info(value, *proto.add_output());
  for (const ValueInfo& value : graph.value_infos) fill_value_info(value, *proto.add_value_info());
  return bytes_of(proto);
}

void add_opset(const std::string& domain, int64_t version, ::onnx::ModelProto& proto) {
  ::onnx::OperatorSetIdProto& opset = *proto.add_opset_import();
  opset.set_domain(domain);
  opset.set_version(version);
}

std::string model_shell(const Model& model) {
  ::onnx::ModelProto proto;
  proto.set_ir_version(model.ir_version != 0 ? model.ir_version : ir_version_for_opset(model.opset));
  proto.set_producer_name(model.producer_name);
  proto.set_producer_version(model.producer_version);
  add_opset("", model.opset, proto);
  for (const auto& [domain, version] : model.other_opsets) add_opset(domain, version, proto);
  for (const auto& [key, value] : model.metadata) {
    ::onnx::StringStringEntryProto& entry = *proto.add_metadata_props();
    entry.set_key(key);
    entry.set_value(value);
  }
  return bytes_of(proto);
}

void add_external(std::string key, std::string value, ::onnx::TensorProto& proto) {
  ::onnx::StringStringEntryProto& entry = *proto.add_external_data();
  entry.set_key(std::move(key));
  entry.set_value(std::move(value));
}

Chunk initializer_inside(const Tensor& tensor) {
  const std::span<const std::byte> payload = tensor.bytes.view;
  std::string head = bytes_of(tensor_head(tensor));
  head += field_start(::onnx::TensorProto::kRawDataFieldNumber, payload.size());
  return {field_start(::onnx::GraphProto::kInitializerFieldNumber, head.size() + payload.size()) + head, payload};
}

Chunk initializer_outside(const Tensor& tensor, const std::string& location, uint64_t offset) {
  ::onnx::TensorProto proto = tensor_head(tensor);
  proto.set_data_location(::onnx::TensorProto::EXTERNAL);
  add_external("location", location, proto);
  add_external("offset", std::to_string(offset), proto);
  add_external("length", std::to_string(tensor.bytes.view.size()), proto);
  const std::string head = bytes_of(proto);
  return {field_start(::onnx::GraphProto::kInitializerFieldNumber, head.size()) + head, {}};
}

}  // namespace

uint64_t total_size(std::span<const Chunk> chunks) {
  return std::accumulate(chunks.begin(), chunks.end(), uint64_t{0},
                         [](uint64_t sum, const Chunk& chunk) { return sum + chunk.size(); });
}

std::vector<Chunk> encode_model(const Model& model, const ExternalData& external) {
  const std::vector<Tensor>& tensors = model.graph.initializers;
  GRAFTWORK_ASSERT(external.offsets.empty() || external.offsets.size() == tensors.size());
  std::vector<Chunk> chunks(1);
  chunks.reserve(tensors.size() + 1);
  chunks[0].head = graph_shell(model.graph);
  for (size_t i = 0; i < tensors.size(); ++i) {
    const std::optional<uint64_t> offset = external.offsets.empty() ? std::nullopt : external.offsets[i];
    chunks.push_back(offset ? initializer_outside(tensors[i], external.location, *offset)
                            : initializer_inside(tensors[i]));
  }
  // Only now is the length of the whole graph known, which stands before it.
  const std::string start = field_start(::onnx::ModelProto::kGraphFieldNumber, total_size(chunks));
  chunks[0].head.insert(0, model_shell(model) + start);
  return chunks;
}

}  // namespace graftwork::core::onnx

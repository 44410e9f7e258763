// Every field of the structs arrives where protobuf, an independent reader, expects it.
#include <gtest/gtest.h>

#include "graftwork/base/error.h"
#include "graftwork/onnx/write.h"
#include "unit/onnx/sample.h"

namespace graftwork::core::onnx {
namespace {

using testing::float_tensor;
using testing::int8_tensor;
using testing::parsed;
using testing::sample_model;

template <class Range>
std::vector<typename Range::value_type> listed(const Range& range) {
  return {range.begin(), range.end()};
}

/// The one attribute of a node, written and read back.
::onnx::AttributeProto round_trip(AttributeValue value) {
  Model model = sample_model();
  model.graph.nodes[0].attributes = {{"name", std::move(value)}};
  const ::onnx::ModelProto proto = parsed(serialize_model(model));
  EXPECT_EQ(proto.graph().node(0).attribute_size(), 1);
  EXPECT_EQ(proto.graph().node(0).attribute(0).name(), "name");
  return proto.graph().node(0).attribute(0);
}

TEST(OnnxEncode, CarriesTheModelsOwnFields) {
  Model model = sample_model();
  model.other_opsets = {{"com.example", 3}};
  const ::onnx::ModelProto proto = parsed(serialize_model(model));
  EXPECT_EQ(proto.ir_version(), 10);
  EXPECT_EQ(proto.producer_name(), "graftwork");
  EXPECT_EQ(proto.producer_version(), "0.1.0");
  ASSERT_EQ(proto.opset_import_size(), 2);
  EXPECT_EQ(proto.opset_import(0).domain(), "");
  EXPECT_EQ(proto.opset_import(0).version(), 21);
  EXPECT_EQ(proto.opset_import(1).domain(), "com.example");
  EXPECT_EQ(proto.opset_import(1).version(), 3);
  ASSERT_EQ(proto.metadata_props_size(), 2);
  EXPECT_EQ(proto.metadata_props(0).key(), "recipe");
  EXPECT_EQ(proto.metadata_props(1).value(), "unknown");
}

TEST(OnnxEncode, WritesAGivenIrVersionAsItIs) {
  Model model = sample_model();
  model.ir_version = 12;
  EXPECT_EQ(parsed(serialize_model(model)).ir_version(), 12);
}

TEST(OnnxEncode, CarriesNodesInOrder) {
  const ::onnx::GraphProto graph = parsed(serialize_model(sample_model())).graph();
  EXPECT_EQ(graph.name(), "sample");
  ASSERT_EQ(graph.node_size(), 2);
  EXPECT_EQ(graph.node(0).op_type(), "Gemm");
  EXPECT_EQ(graph.node(0).name(), "linear");
  EXPECT_EQ(listed(graph.node(0).input()), (std::vector<std::string>{"x", "w", "b"}));
  EXPECT_EQ(listed(graph.node(0).output()), std::vector<std::string>{"h"});
  ASSERT_EQ(graph.node(0).attribute_size(), 2);
  EXPECT_EQ(graph.node(0).attribute(0).name(), "transB");
  EXPECT_EQ(graph.node(0).attribute(1).name(), "alpha");
  EXPECT_EQ(graph.node(1).op_type(), "Relu");
}

TEST(OnnxEncode, CarriesTypesAndShapes) {
  Model model = sample_model();
  model.graph.inputs.push_back({"scalar", DType::kBool, {}});
  model.graph.inputs.push_back({"unknown", DType::kF16, {std::string(), int64_t{0}}});
  const ::onnx::GraphProto graph = parsed(serialize_model(model)).graph();
  const auto tensor = [&](int i) { return graph.input(i).type().tensor_type(); };
  ASSERT_EQ(tensor(0).shape().dim_size(), 2);
  EXPECT_EQ(tensor(0).elem_type(), ::onnx::TensorProto::FLOAT);
  EXPECT_EQ(tensor(0).shape().dim(0).dim_param(), "batch");
  EXPECT_EQ(tensor(0).shape().dim(1).dim_value(), 2);
  EXPECT_EQ(tensor(1).elem_type(), ::onnx::TensorProto::BOOL);
  EXPECT_TRUE(tensor(1).has_shape());
  EXPECT_EQ(tensor(1).shape().dim_size(), 0);
  EXPECT_EQ(tensor(2).elem_type(), ::onnx::TensorProto::FLOAT16);
  EXPECT_EQ(tensor(2).shape().dim(0).value_case(), ::onnx::TensorShapeProto::Dimension::VALUE_NOT_SET);
  EXPECT_TRUE(tensor(2).shape().dim(1).has_dim_value());
  EXPECT_EQ(graph.output(0).name(), "y");
  EXPECT_EQ(graph.value_info(0).name(), "h");
}

TEST(OnnxEncode, CarriesInt4AsTwoElementsAByte) {
  Model model = sample_model();
  Tensor codes = raw_tensor("codes", DType::kI8, {3, 1}, testing::keep_bytes(std::vector<uint8_t>{0xF1, 0x07}));
  codes.is_int4 = true;
  EXPECT_EQ(byte_count(codes), 2U);
  model.graph.initializers.push_back(codes);
  const ::onnx::TensorProto stored = parsed(serialize_model(model)).graph().initializer(2);
  EXPECT_EQ(stored.data_type(), ::onnx::TensorProto::INT4);
  EXPECT_EQ(stored.raw_data(), "\xF1\x07");
  model.graph.initializers.back().is_int4 = false;
  EXPECT_THROW(serialize_model(model), InternalError);
}

TEST(OnnxEncode, CarriesInitializers) {
  Model model = sample_model();
  model.graph.initializers.push_back(raw_tensor("none", DType::kI64, {0}, {}));
  model.graph.initializers.push_back(float_tensor("long", std::vector<float>(100'000, 0.25F)));
  const ::onnx::GraphProto graph = parsed(serialize_model(model)).graph();
  ASSERT_EQ(graph.initializer_size(), 4);
  EXPECT_EQ(graph.initializer(0).name(), "w");
  EXPECT_EQ(graph.initializer(0).data_type(), ::onnx::TensorProto::FLOAT);
  EXPECT_EQ(listed(graph.initializer(0).dims()), (std::vector<int64_t>{2, 3}));
  const std::vector<float> w{1, 2, 3, 4, 5, 6};
  EXPECT_EQ(graph.initializer(0).raw_data(), std::string(reinterpret_cast<const char*>(w.data()), 24));
  EXPECT_TRUE(graph.initializer(2).has_raw_data());
  EXPECT_EQ(graph.initializer(2).raw_data(), "");
  EXPECT_EQ(graph.initializer(3).raw_data().size(), 400'000U);
  EXPECT_EQ(graph.initializer(3).data_location(), ::onnx::TensorProto::DEFAULT);
}

TEST(OnnxEncode, GivesLengthsAroundEachPowerOf128) {
  for (const size_t size : {1U, 127U, 128U, 129U, 16383U, 16384U, 2097152U}) {
    Model model = sample_model();
    model.graph.initializers = {int8_tensor("w", std::vector<int8_t>(size, 7)), float_tensor("b", {1})};
    const ::onnx::GraphProto graph = parsed(serialize_model(model)).graph();
    ASSERT_EQ(graph.initializer_size(), 2) << size;
    EXPECT_EQ(graph.initializer(0).raw_data(), std::string(size, 7)) << size;
  }
}

TEST(OnnxEncode, CarriesScalarAttributes) {
  const ::onnx::AttributeProto number = round_trip(int64_t{-7});
  EXPECT_EQ(number.type(), ::onnx::AttributeProto::INT);
  EXPECT_EQ(number.i(), -7);
  const ::onnx::AttributeProto real = round_trip(1e-5);
  EXPECT_EQ(real.type(), ::onnx::AttributeProto::FLOAT);
  EXPECT_EQ(real.f(), 1e-5F);
  const ::onnx::AttributeProto text = round_trip("round_prefer_floor");
  EXPECT_EQ(text.type(), ::onnx::AttributeProto::STRING);
  EXPECT_EQ(text.s(), "round_prefer_floor");
}

TEST(OnnxEncode, CarriesListAttributes) {
  const ::onnx::AttributeProto numbers = round_trip(std::vector<int64_t>{1, -1, int64_t{1} << 40});
  EXPECT_EQ(numbers.type(), ::onnx::AttributeProto::INTS);
  EXPECT_EQ(listed(numbers.ints()), (std::vector<int64_t>{1, -1, int64_t{1} << 40}));
  const ::onnx::AttributeProto reals = round_trip(std::vector<float>{0.5F, -2});
  EXPECT_EQ(reals.type(), ::onnx::AttributeProto::FLOATS);
  EXPECT_EQ(listed(reals.floats()), (std::vector<float>{0.5F, -2}));
  const ::onnx::AttributeProto texts = round_trip(std::vector<std::string>{"a", ""});
  EXPECT_EQ(texts.type(), ::onnx::AttributeProto::STRINGS);
  EXPECT_EQ(listed(texts.strings()), (std::vector<std::string>{"a", ""}));
  const ::onnx::AttributeProto empty = round_trip(std::vector<int64_t>{});
  EXPECT_EQ(empty.type(), ::onnx::AttributeProto::INTS);
  EXPECT_EQ(empty.ints_size(), 0);
}

TEST(OnnxEncode, CarriesTensorAttributes) {
  const ::onnx::AttributeProto attribute = round_trip(int8_tensor("", {1, -1}));
  EXPECT_EQ(attribute.type(), ::onnx::AttributeProto::TENSOR);
  EXPECT_EQ(attribute.t().data_type(), ::onnx::TensorProto::INT8);
  EXPECT_EQ(listed(attribute.t().dims()), std::vector<int64_t>{2});
  EXPECT_EQ(attribute.t().raw_data(), std::string("\x01\xff"));
}

}  // namespace
}  // namespace graftwork::core::onnx

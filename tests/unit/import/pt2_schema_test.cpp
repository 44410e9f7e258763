#include <cmath>

#include "graftwork/import/pt2/element_types.h"
#include "graftwork/import/pt2/schema.h"
#include "support/reader_testing.h"
#include "unit/import/pt2_program.h"

namespace graftwork::core::pt2 {
namespace {

using namespace graftwork::core::testing;
using Json = nlohmann::json;

ExportedProgram read(const Json& json) { return read_exported_program(json.dump()); }

/// The program whose relu takes `argument`, which is read and returned.
Argument read_as_argument(const Json& argument) {
  Json program = sample_program();
  program["graph_module"]["graph"]["nodes"][2]["inputs"][0]["arg"] = argument;
  return read(program).graph.nodes[2].inputs[0].arg;
}

template <class T>
T read_as(const char* tag, const Json& content) {
  const Argument argument = read_as_argument({{tag, content}});
  const T* value = argument.get_if<T>();
  if (value == nullptr) throw std::runtime_error(std::string(tag) + " reads as something else");
  return *value;
}

std::vector<std::string> names(const std::vector<TensorName>& tensors) {
  std::vector<std::string> out;
  for (const TensorName& tensor : tensors) out.push_back(tensor.name);
  return out;
}

TEST(Schema, ReadsNodesWithTheirArguments) {
  const Graph graph = read(sample_program()).graph;
  ASSERT_EQ(graph.nodes.size(), 3u);
  const Node& conv = graph.nodes[1];
  EXPECT_EQ(conv.target, "torch.ops.aten.conv2d.default");
  EXPECT_EQ(conv.name, "conv2d");
  ASSERT_EQ(conv.inputs.size(), 4u);
  EXPECT_EQ(conv.inputs[0].name, "input");
  EXPECT_EQ(conv.inputs[0].kind, ArgumentKind::kPositional);
  EXPECT_EQ(conv.inputs[0].arg.get_if<TensorName>()->name, "x");
  EXPECT_TRUE(conv.inputs[2].arg.is<None>());
  EXPECT_EQ(*conv.inputs[3].arg.get_if<std::vector<int64_t>>(), (std::vector<int64_t>{1, 2}));
  EXPECT_EQ(conv.inputs[3].kind, ArgumentKind::kKeyword);
  EXPECT_EQ(conv.outputs[0].get_if<TensorName>()->name, "conv2d");
  EXPECT_EQ(conv.metadata.at("nn_module_stack"), "L__self__,,M;L__self__conv,conv,torch.nn.modules.conv.Conv2d");
  EXPECT_EQ(std::get<SymbolName>(*graph.nodes[0].outputs[0].get_if<SymIntArgument>()).name, "sym_size_int");
  EXPECT_FALSE(graph.nodes[2].name);
}

TEST(Schema, ReadsTheTablesOfValues) {
  const Graph graph = read(sample_program()).graph;
  EXPECT_EQ(graph.inputs.size(), 3u);
  EXPECT_EQ(*graph.inputs[2].get_if<double>(), 3.0);
  const TensorMeta& x = graph.tensor_values.at("x");
  EXPECT_EQ(x.dtype, scalar_type_of(DType::kF32));
  const auto& batch = std::get<SymbolicExpression>(x.sizes[0]);
  EXPECT_EQ(batch.text, "Symbol('s77', positive=True, integer=True)");
  EXPECT_EQ(std::get<int64_t>(batch.hint), 2);
  EXPECT_EQ(std::get<int64_t>(x.sizes[1]), 3);
  EXPECT_EQ(std::get<int64_t>(x.strides[0]), 3);
  EXPECT_EQ(x.layout, Layout::kStrided);
  const TensorMeta& other = graph.tensor_values.at("a.b");
  EXPECT_EQ(other.dtype, scalar_type_of(DType::kBF16));
  EXPECT_EQ(other.device.type, "cuda");
  EXPECT_EQ(other.device.index, 1);
  EXPECT_TRUE(other.requires_grad);
  EXPECT_EQ(std::get<int64_t>(other.storage_offset), 4);
  EXPECT_TRUE(std::holds_alternative<std::monostate>(
      std::get<SymbolicExpression>(graph.sym_int_values.at("sym_size_int")).hint));
  EXPECT_TRUE(std::get<bool>(graph.sym_bool_values.at("b")));
  EXPECT_EQ(std::get<double>(graph.sym_float_values.at("f")), 0.5);
  EXPECT_EQ(graph.custom_object_values.at("o").class_name, "C");
}

TEST(Schema, ReadsWhatSurroundsTheGraph) {
  const ExportedProgram program = read(sample_program());
  EXPECT_EQ(program.schema_version.minor, 20);
  EXPECT_EQ(program.torch_version, "2.13.0");
  EXPECT_EQ(program.range_constraints.at("s77").min, 1);
  EXPECT_FALSE(program.range_constraints.at("s77").max);
  EXPECT_EQ(program.opset_version.at("aten"), 10);
  EXPECT_EQ(program.verifiers, std::vector<std::string>{"TRAINING"});
  EXPECT_EQ(program.guards_code, std::vector<std::string>{"guard"});
  EXPECT_EQ(program.metadata.at("k"), "v");
  EXPECT_EQ(program.namedtuple_fields.at("T"), (std::vector<std::string>{"p", "q"}));
  ASSERT_EQ(program.module_call_graph.size(), 2u);
  EXPECT_EQ(program.module_call_graph[0].signature->in_spec, "[1, {}]");
  EXPECT_EQ(program.module_call_graph[0].signature->out_spec, "[1, null]");
  EXPECT_EQ(program.module_call_graph[0].signature->forward_arg_names, (std::vector<std::string>{"x", "scale"}));
  EXPECT_FALSE(program.module_call_graph[1].signature);
}

TEST(Schema, ReadsEveryKindOfInput) {
  Json program = sample_program();
  program["graph_module"]["signature"]["input_specs"] = Json::parse(R"([
    {"parameter": {"arg": {"name": "p"}, "parameter_name": "w"}},
    {"buffer": {"arg": {"name": "b"}, "buffer_name": "m", "persistent": true}},
    {"tensor_constant": {"arg": {"name": "c"}, "tensor_constant_name": "t"}},
    {"custom_obj": {"arg": {"name": "o", "class_fqn": "C"}, "custom_obj_name": "q"}},
    {"token": {"arg": {"name": "k"}}},
    {"user_input": {"arg": {"as_sym_int": {"as_name": "n"}}}},
    {"constant_input": {"name": "flag", "value": {"as_bool": false}}}])");
  const std::vector<InputSpec> inputs = read(program).signature.inputs;
  using Kind = InputSpec::Kind;
  const std::vector<Kind> kinds{Kind::kParameter, Kind::kBuffer,    Kind::kTensorConstant, Kind::kCustomObject,
                                Kind::kToken,     Kind::kUserInput, Kind::kConstantInput};
  const std::vector<std::string> targets{"w", "m", "t", "q", "", "", "flag"};
  ASSERT_EQ(inputs.size(), kinds.size());
  for (size_t i = 0; i < kinds.size(); ++i) {
    EXPECT_EQ(inputs[i].kind, kinds[i]) << i;
    EXPECT_EQ(inputs[i].target, targets[i]) << i;
  }
  EXPECT_EQ(inputs[0].arg.get_if<TensorName>()->name, "p");
  EXPECT_TRUE(inputs[1].persistent);
  EXPECT_EQ(inputs[3].arg.get_if<CustomObject>()->class_name, "C");
  EXPECT_FALSE(*inputs[6].arg.get_if<bool>());
}

TEST(Schema, ReadsEveryKindOfOutput) {
  Json program = sample_program();
  program["graph_module"]["signature"]["output_specs"] = Json::parse(R"([
    {"user_output": {"arg": {"as_none": true}}},
    {"loss_output": {"arg": {"name": "a"}}},
    {"buffer_mutation": {"arg": {"name": "a"}, "buffer_name": "b"}},
    {"parameter_mutation": {"arg": {"name": "a"}, "parameter_name": "p"}},
    {"user_input_mutation": {"arg": {"name": "a"}, "user_input_name": "u"}},
    {"gradient_to_parameter": {"arg": {"name": "a"}, "parameter_name": "p"}},
    {"gradient_to_user_input": {"arg": {"name": "a"}, "user_input_name": "u"}},
    {"token": {"arg": {"name": "k"}}}])");
  const std::vector<OutputSpec> outputs = read(program).signature.outputs;
  using Kind = OutputSpec::Kind;
  const std::vector<Kind> kinds{Kind::kUserOutput,          Kind::kLoss,
                                Kind::kBufferMutation,      Kind::kParameterMutation,
                                Kind::kUserInputMutation,   Kind::kGradientToParameter,
                                Kind::kGradientToUserInput, Kind::kToken};
  const std::vector<std::string> targets{"", "", "b", "p", "u", "p", "u", ""};
  ASSERT_EQ(outputs.size(), kinds.size());
  for (size_t i = 0; i < kinds.size(); ++i) {
    EXPECT_EQ(outputs[i].kind, kinds[i]) << i;
    EXPECT_EQ(outputs[i].target, targets[i]) << i;
  }
}

TEST(Arguments, ReadPlainValues) {
  EXPECT_EQ(read_as<int64_t>("as_int", -7), -7);
  EXPECT_EQ(read_as<double>("as_float", 0.25), 0.25);
  EXPECT_EQ(read_as<double>("as_float", 2), 2.0);
  EXPECT_TRUE(read_as<bool>("as_bool", true));
  EXPECT_EQ(read_as<std::string>("as_string", "tanh"), "tanh");
  EXPECT_EQ(read_as<std::vector<double>>("as_floats", {1.5, 2}), (std::vector<double>{1.5, 2}));
  EXPECT_EQ(read_as<std::vector<bool>>("as_bools", {true, false}), (std::vector<bool>{true, false}));
  EXPECT_EQ(read_as<std::vector<std::string>>("as_strings", {"a", "b"}), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(read_as<std::vector<std::vector<int64_t>>>("as_int_lists", Json::parse("[[1], [], [2, 3]]")),
            (std::vector<std::vector<int64_t>>{{1}, {}, {2, 3}}));
  EXPECT_EQ(read_as<std::vector<std::vector<double>>>("as_float_lists", Json::parse("[[1.5]]")),
            (std::vector<std::vector<double>>{{1.5}}));
  const auto complex = read_as<Complex>("as_complex", {{"real", 1.0}, {"imag", "NaN"}});
  EXPECT_EQ(complex.real, 1.0);
  EXPECT_TRUE(std::isnan(complex.imag));
}

TEST(Arguments, ReadTensors) {
  EXPECT_EQ(names(read_as<std::vector<TensorName>>("as_tensors", Json::parse(R"([{"name": "a"}, {"name": "b"}])"))),
            (std::vector<std::string>{"a", "b"}));
  const auto optional = read_as<std::vector<OptionalTensorName>>(
      "as_optional_tensors", Json::parse(R"([{"as_none": true}, {"as_tensor": {"name": "a"}}])"));
  ASSERT_EQ(optional.size(), 2u);
  EXPECT_FALSE(optional[0].name);
  EXPECT_EQ(optional[1].name, "a");
  EXPECT_EQ(read_as<TensorName>("as_optional_tensor", {{"as_tensor", {{"name", "a"}}}}).name, "a");
  EXPECT_TRUE(read_as_argument(Json::parse(R"({"as_optional_tensor": {"as_none": true}})")).is<None>());
  const auto nested =
      read_as<std::vector<std::vector<TensorName>>>("as_nested_tensors", Json::parse(R"([[{"name": "a"}], []])"));
  ASSERT_EQ(nested.size(), 2u);
  EXPECT_EQ(names(nested[0]), std::vector<std::string>{"a"});
}

TEST(Arguments, ReadSymbolicNumbers) {
  EXPECT_EQ(std::get<int64_t>(read_as<SymIntArgument>("as_sym_int", {{"as_int", 4}})), 4);
  const auto mixed =
      read_as<std::vector<SymIntArgument>>("as_sym_ints", Json::parse(R"([{"as_name": "s"}, {"as_int": -1}])"));
  EXPECT_EQ(std::get<SymbolName>(mixed[0]).name, "s");
  EXPECT_EQ(std::get<int64_t>(mixed[1]), -1);
  EXPECT_EQ(std::get<double>(read_as<SymFloatArgument>("as_sym_float", {{"as_float", 0.5}})), 0.5);
  EXPECT_EQ(read_as<std::vector<SymFloatArgument>>("as_sym_floats", Json::parse(R"([{"as_name": "f"}])")).size(), 1u);
  EXPECT_TRUE(std::get<bool>(read_as<SymBoolArgument>("as_sym_bool", {{"as_bool", true}})));
  EXPECT_EQ(read_as<std::vector<SymBoolArgument>>("as_sym_bools", Json::parse(R"([{"as_bool": true}])")).size(), 1u);
}

TEST(Arguments, ReadTypesPlacesAndObjects) {
  EXPECT_EQ(read_as<ScalarType>("as_scalar_type", 6), scalar_type_of(DType::kF16));
  EXPECT_EQ(read_as<ScalarType>("as_scalar_type", 35), ScalarType{35});  // uint64
  EXPECT_EQ(read_as<MemoryFormat>("as_memory_format", 2), MemoryFormat::kChannelsLast);
  EXPECT_EQ(read_as<Layout>("as_layout", 7), Layout::kStrided);
  EXPECT_EQ(read_as<Device>("as_device", {{"type", "cpu"}}).type, "cpu");
  EXPECT_EQ(read_as<CustomObject>("as_custom_obj", {{"name", "o"}, {"class_fqn", "C"}}).class_name, "C");
  EXPECT_EQ(read_as<OperatorName>("as_operator", "torch.ops.aten.add.Tensor").target, "torch.ops.aten.add.Tensor");
  const auto map =
      read_as<ArgumentMap>("as_string_to_argument", Json::parse(R"({"b": {"as_int": 2}, "a": {"as_none": true}})"));
  ASSERT_EQ(map.entries.size(), 2u);
  EXPECT_EQ(map.entries[0].name, "a");
  EXPECT_EQ(*map.entries[1].value.get_if<int64_t>(), 2);
}

TEST(Arguments, ReadSubgraphs) {
  Json graph = sample_program()["graph_module"]["graph"];
  const auto sub = read_as<SubGraph>("as_graph", {{"name", "body"}, {"graph", graph}});
  EXPECT_EQ(sub.name, "body");
  EXPECT_EQ(sub.graph->nodes.size(), 3u);
}

TEST(Arguments, ReadNumbersThatAreNotFinite) {
  EXPECT_EQ(read_as<double>("as_float", "Infinity"), INFINITY);
  EXPECT_EQ(read_as<double>("as_float", "-Infinity"), -INFINITY);
  EXPECT_TRUE(std::isnan(read_as<double>("as_float", "NaN")));
  expect_error("pt2.schema", "found a string", [] { read_as_argument({{"as_float", "inf"}}); });
}

TEST(Schema, ReadsTheBareTokensOfTorch26) {
  std::string text = sample_program().dump();
  const std::string number = R"({"as_float":3.0})";
  text.replace(text.find(number), number.size(), R"({"as_floats":[-Infinity, Infinity,NaN]})");
  const auto floats = *read_exported_program(text).graph.inputs[2].get_if<std::vector<double>>();
  EXPECT_EQ(floats[0], -INFINITY);
  EXPECT_EQ(floats[1], INFINITY);
  EXPECT_TRUE(std::isnan(floats[2]));
}

TEST(Schema, IgnoresUnknownKeysAndFillsMissingOnes) {
  Json program = sample_program();
  program["from_the_future"] = {{"a", 1}};
  program["graph_module"]["graph"]["nodes"][1]["more"] = 5;
  for (const char* key : {"torch_version", "verifiers", "guards_code", "range_constraints", "opset_version"}) {
    program.erase(key);
  }
  Json& graph = program["graph_module"]["graph"];
  for (const char* key : {"sym_int_values", "sym_bool_values", "sym_float_values", "custom_obj_values"})
    graph.erase(key);
  graph["nodes"][1]["inputs"][0].erase("kind");
  graph["tensor_values"]["x"].erase("layout");
  program["graph_module"].erase("treespec_namedtuple_fields");
  const ExportedProgram read_back = read(program);
  EXPECT_EQ(read_back.graph.nodes[1].inputs[0].kind, ArgumentKind::kUnknown);
  EXPECT_EQ(read_back.graph.tensor_values.at("x").layout, Layout::kStrided);
  EXPECT_TRUE(read_back.guards_code.empty());
}

TEST(Schema, RefusesAnotherMajorVersionBeforeAnythingElse) {
  Json program{{"schema_version", {{"major", 9}, {"minor", 1}}}};
  expect_error("pt2.version", "schema 9.1", [&] { read(program); });
  program["schema_version"]["major"] = 7;
  expect_error("pt2.version", "torch 2.9", [&] { read(program); });
  program = sample_program();
  program["schema_version"]["minor"] = 99;
  EXPECT_EQ(read(program).schema_version.minor, 99);
}

TEST(Schema, SaysWhichTagIsUnknownAndWhere) {
  Json program = sample_program();
  program["graph_module"]["graph"]["nodes"][1]["inputs"][2]["arg"] = {{"as_magic", 1}};
  expect_error("pt2.schema",
               "\"as_magic\" is not a known kind of argument\n  at  graph_module.graph.nodes[1].inputs[2].arg\n",
               [&] { read(program); });
  program = sample_program();
  program["graph_module"]["signature"]["input_specs"][0] = {{"secret", 1}};
  expect_error("pt2.schema", "graph_module.signature.input_specs[0]\n", [&] { read(program); });
  program = sample_program();
  program["graph_module"]["signature"]["output_specs"][0] = {{"secret", 1}};
  expect_error("pt2.schema", "graph_module.signature.output_specs[0]\n", [&] { read(program); });
  program = sample_program();
  program["graph_module"]["graph"]["tensor_values"]["a.b"]["sizes"] = Json::parse(R"([{"as_dream": 1}])");
  expect_error("pt2.schema", "graph_module.graph.tensor_values[\"a.b\"].sizes[0]\n", [&] { read(program); });
}

TEST(Schema, RefusesUnionsWithoutExactlyOneTag) {
  expect_error("pt2.schema", "exactly one tag, found one with 0", [] { read_as_argument(Json::object()); });
  expect_error("pt2.schema", "exactly one tag, found one with 2",
               [] { read_as_argument({{"as_int", 1}, {"as_bool", true}}); });
  expect_error("pt2.schema", "found null", [] { read_as_argument(nullptr); });
}

TEST(Schema, SaysWhatATypeShouldHaveBeen) {
  const char* where = "graph_module.graph.nodes[2].inputs[0].arg.as_int";
  expect_error("pt2.schema", where, [] { read_as_argument({{"as_int", "1"}}); });
  expect_error("pt2.schema", "expected an integer, found a string", [] { read_as_argument({{"as_int", "1"}}); });
  expect_error("pt2.schema", "expected an integer, found a number", [] { read_as_argument({{"as_int", 1.5}}); });
  expect_error("pt2.schema", "18446744073709551615", [] { read_as_argument({{"as_int", 18446744073709551615u}}); });
  expect_error("pt2.schema", "as_ints[1]", [] { read_as_argument(Json::parse(R"({"as_ints": [1, null]})")); });
  expect_error("pt2.schema", "expected a list", [] { read_as_argument({{"as_ints", 1}}); });
  expect_error("pt2.schema", "expected an object", [] { read_as_argument({{"as_tensor", 1}}); });
  expect_error("pt2.schema", "\"name\" is missing", [] { read_as_argument({{"as_tensor", Json::object()}}); });
  expect_error("pt2.schema", "expected a boolean", [] { read_as_argument({{"as_bool", 1}}); });
}

TEST(Schema, RefusesUnknownEnumNumbers) {
  expect_error("pt2.schema", "36 is not a known scalar type", [] { read_as_argument({{"as_scalar_type", 36}}); });
  expect_error("pt2.schema", "14 is not a known scalar type", [] { read_as_argument({{"as_scalar_type", 14}}); });
  expect_error("pt2.schema", "8 is not a known layout", [] { read_as_argument({{"as_layout", 8}}); });
  expect_error("pt2.schema", "-1 is not a known memory format", [] { read_as_argument({{"as_memory_format", -1}}); });
  Json program = sample_program();
  program["graph_module"]["graph"]["nodes"][1]["inputs"][0]["kind"] = 3;
  expect_error("pt2.schema", "3 is not a known kind", [&] { read(program); });
}

TEST(Schema, SaysWhichKeyIsMissing) {
  for (const char* key : {"graph_module", "schema_version"}) {
    Json program = sample_program();
    program.erase(key);
    expect_error("pt2.schema", key, [&] { read(program); });
  }
  Json program = sample_program();
  program["graph_module"]["graph"]["nodes"][0].erase("target");
  expect_error("pt2.schema", "\"target\" is missing", [&] { read(program); });
  for (const char* text : {"[]", "null", "3", "\"text\""}) {
    expect_error("pt2.schema", "expected an object", [&] { read_exported_program(text); });
  }
}

TEST(Schema, RefusesAProgramCutAnywhere) {
  const std::string whole = sample_program().dump();
  for (size_t step = 0; step < 50; ++step) {
    expect_error("pt2.json", "broken", [&] { read_exported_program(whole.substr(0, whole.size() * step / 50)); });
  }
}

TEST(Schema, SurvivesAnyValueInTheWrongPlace) {
  const Json program = sample_program();
  const Json flat = program.flatten();
  for (const auto& [pointer, value] : flat.items()) {
    for (const Json& wrong : {Json(nullptr), Json(-1), Json(1e300), Json("x"), Json::array({1}), Json{{"as_int", 1}}}) {
      Json bent = program;
      bent[Json::json_pointer(pointer)] = wrong;
      try {
        read(bent);
      } catch (const Error&) {
        continue;
      }
    }
  }
}

TEST(PayloadConfig, ReadsWhereTensorsLie) {
  const PayloadConfig config = read_payload_config(R"({"config": {
    "fc.weight": {"path_name": "weight_0", "is_param": true, "use_pickle": false, "tensor_meta": {
      "dtype": 7, "sizes": [{"as_int": 2}, {"as_int": 3}], "requires_grad": true,
      "device": {"type": "cuda", "index": 0}, "strides": [{"as_int": 1}, {"as_int": 2}],
      "storage_offset": {"as_int": 5}, "layout": 7}},
    "obj": {"path_name": "custom_obj_0", "is_param": false, "use_pickle": true, "tensor_meta": null}}})");
  ASSERT_EQ(config.size(), 2u);
  const PayloadMeta& weight = config.at("fc.weight");
  EXPECT_EQ(weight.path_name, "weight_0");
  EXPECT_TRUE(weight.is_parameter);
  EXPECT_FALSE(weight.use_pickle);
  EXPECT_EQ(std::get<int64_t>(weight.tensor->strides[1]), 2);
  EXPECT_EQ(std::get<int64_t>(weight.tensor->storage_offset), 5);
  EXPECT_TRUE(config.at("obj").use_pickle);
  EXPECT_FALSE(config.at("obj").tensor);
  EXPECT_TRUE(read_payload_config(R"({"config": {}})").empty());
  expect_error("pt2.schema", "config[\"a.b\"]", [] { read_payload_config(R"({"config": {"a.b": 1}})"); });
  expect_error("pt2.schema", "\"config\" is missing", [] { read_payload_config("{}"); });
}

}  // namespace
}  // namespace graftwork::core::pt2

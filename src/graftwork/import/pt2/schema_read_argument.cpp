// Arguments: one function for each tag of the union.
#include <array>

#include "graftwork/base/text.h"
#include "graftwork/import/pt2/element_types.h"
#include "graftwork/import/pt2/schema_read.h"

namespace graftwork::core::pt2 {
namespace {

template <class Enum>
Enum read_enum(const Cursor& at, std::string_view what, bool (*is_known)(int64_t)) {
  const int64_t number = at.integer();
  if (!is_known(number)) at.fail(cat(number, " is not a known ", what));
  return static_cast<Enum>(number);
}

MemoryFormat read_memory_format(const Cursor& at) {
  return read_enum<MemoryFormat>(at, "memory format", [](int64_t n) { return 0 <= n && n <= 4; });
}

template <class Plain>
std::variant<SymbolName, Plain> read_symbolic(const Cursor& at, std::string_view plain_tag,
                                              Plain (*read)(const Cursor&)) {
  const auto [tag, content] = at.tagged();
  if (tag == "as_name") return SymbolName{content.text()};
  if (tag == plain_tag) return read(content);
  at.fail_tag("symbolic argument", tag);
}

SymIntArgument read_sym_int_argument(const Cursor& at) { return read_symbolic<int64_t>(at, "as_int", read_integer); }
SymFloatArgument read_sym_float_argument(const Cursor& at) {
  return read_symbolic<double>(at, "as_float", read_number);
}
SymBoolArgument read_sym_bool_argument(const Cursor& at) { return read_symbolic<bool>(at, "as_bool", read_boolean); }

OptionalTensorName read_optional_tensor(const Cursor& at) {
  const auto [tag, content] = at.tagged();
  if (tag == "as_tensor") return {read_tensor_name(content).name};
  if (tag == "as_none") return {};
  at.fail_tag("optional tensor", tag);
}

Argument::Value read_optional_tensor_argument(const Cursor& at) {
  OptionalTensorName tensor = read_optional_tensor(at);
  if (!tensor.name) return None{};
  return TensorName{*std::move(tensor.name)};
}

SubGraph read_subgraph(const Cursor& at) {
  return {.name = at.get("name", read_text), .graph = std::make_shared<const Graph>(read_graph(at.at("graph")))};
}

Complex read_complex(const Cursor& at) { return {.real = at.at("real").number(), .imag = at.at("imag").number()}; }

ArgumentMap read_argument_map(const Cursor& at) {
  ArgumentMap map;
  for (auto& [name, value] : at.map(read_argument)) map.entries.push_back({.name = name, .value = std::move(value)});
  return map;
}

template <auto kRead>
auto list_of(const Cursor& at) {
  return at.list(kRead);
}

template <auto kRead>
Argument::Value value_of(const Cursor& at) {
  return kRead(at);
}

struct TagReader {
  std::string_view tag;
  Argument::Value (*read)(const Cursor&);
};

constexpr std::array<TagReader, 31> kTags{{
    {"as_tensor", value_of<read_tensor_name>},
    {"as_int", value_of<read_integer>},
    {"as_ints", value_of<list_of<read_integer>>},
    {"as_float", value_of<read_number>},
    {"as_bool", value_of<read_boolean>},
    {"as_none", [](const Cursor&) -> Argument::Value { return None{}; }},
    {"as_tensors", value_of<list_of<read_tensor_name>>},
    {"as_optional_tensor", read_optional_tensor_argument},
    {"as_optional_tensors", value_of<list_of<read_optional_tensor>>},
    {"as_nested_tensors", value_of<list_of<list_of<read_tensor_name>>>},
    {"as_int_lists", value_of<list_of<list_of<read_integer>>>},
    {"as_floats", value_of<list_of<read_number>>},
    {"as_float_lists", value_of<list_of<list_of<read_number>>>},
    {"as_bools", value_of<list_of<read_boolean>>},
    {"as_string", value_of<read_text>},
    {"as_strings", value_of<list_of<read_text>>},
    {"as_sym_int", value_of<read_sym_int_argument>},
    {"as_sym_ints", value_of<list_of<read_sym_int_argument>>},
    {"as_sym_float", value_of<read_sym_float_argument>},
    {"as_sym_floats", value_of<list_of<read_sym_float_argument>>},
    {"as_sym_bool", value_of<read_sym_bool_argument>},
    {"as_sym_bools", value_of<list_of<read_sym_bool_argument>>},
    {"as_scalar_type", value_of<read_scalar_type>},
    {"as_memory_format", value_of<read_memory_format>},
    {"as_layout", value_of<read_layout>},
    {"as_device", value_of<read_device>},
    {"as_graph", value_of<read_subgraph>},
    {"as_custom_obj", value_of<read_custom_object>},
    {"as_operator", [](const Cursor& at) -> Argument::Value { return OperatorName{at.text()}; }},
    {"as_complex", value_of<read_complex>},
    {"as_string_to_argument", value_of<read_argument_map>},
}};

}  // namespace

Argument read_argument(const Cursor& at) {
  const auto [tag, content] = at.tagged();
  for (const TagReader& reader : kTags) {
    if (reader.tag == tag) return {reader.read(content)};
  }
  at.fail_tag("argument", tag);
}

TensorName read_tensor_name(const Cursor& at) { return {at.at("name").text()}; }

CustomObject read_custom_object(const Cursor& at) {
  return {.name = at.at("name").text(), .class_name = at.get("class_fqn", read_text)};
}

Device read_device(const Cursor& at) {
  return {.type = at.at("type").text(), .index = at.get_optional("index", read_integer)};
}

ScalarType read_scalar_type(const Cursor& at) { return read_enum<ScalarType>(at, "scalar type", is_scalar_type); }

Layout read_layout(const Cursor& at) {
  return read_enum<Layout>(at, "layout", [](int64_t n) { return 0 <= n && n <= 7; });
}

}  // namespace graftwork::core::pt2

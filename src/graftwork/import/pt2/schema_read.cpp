#include "graftwork/import/pt2/schema_read.h"

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/import/pt2/schema_json.h"

namespace graftwork::core::pt2 {
namespace {

constexpr int64_t kMajorVersion = 8;

SymbolicExpression read_expression(const Cursor& at) {
  SymbolicExpression expression{.text = at.at("expr_str").text(), .hint = {}};
  const std::optional<Cursor> hint = at.find("hint");
  if (!hint) return expression;
  const auto [tag, content] = hint->tagged();
  if (tag == "as_int") {
    expression.hint = content.integer();
  } else if (tag == "as_float") {
    expression.hint = content.number();
  } else if (tag == "as_bool") {
    expression.hint = content.boolean();
  } else {
    hint->fail_tag("hint", tag);
  }
  return expression;
}

template <class Plain>
std::variant<Plain, SymbolicExpression> read_symbolic(const Cursor& at, std::string_view plain_tag,
                                                      Plain (*read)(const Cursor&)) {
  const auto [tag, content] = at.tagged();
  if (tag == plain_tag) return read(content);
  if (tag == "as_expr") return read_expression(content);
  at.fail_tag("symbolic number", tag);
}

NamedArgument read_named_argument(const Cursor& at) {
  NamedArgument argument{.name = at.get("name", read_text), .arg = read_argument(at.at("arg"))};
  if (const std::optional<Cursor> kind = at.find("kind")) {
    const int64_t number = kind->integer();
    if (number < 0 || number > 2) kind->fail(cat(number, " is not a known kind of parameter"));
    argument.kind = static_cast<ArgumentKind>(number);
  }
  return argument;
}

Node read_node(const Cursor& at) {
  return {.target = at.at("target").text(),
          .inputs = at.get_list("inputs", read_named_argument),
          .outputs = at.get_list("outputs", read_argument),
          .metadata = at.get_map("metadata", read_text),
          .name = at.get_optional("name", read_text),
          .is_hop_single_tensor_return = at.get_optional("is_hop_single_tensor_return", read_boolean)};
}

ModuleCallSignature read_call_signature(const Cursor& at) {
  return {.inputs = at.get_list("inputs", read_argument),
          .outputs = at.get_list("outputs", read_argument),
          .in_spec = at.get("in_spec", read_text),
          .out_spec = at.get("out_spec", read_text),
          .forward_arg_names = at.get_list("forward_arg_names", read_text)};
}

ModuleCallEntry read_call_entry(const Cursor& at) {
  return {.name = at.at("fqn").text(), .signature = at.get_optional("signature", read_call_signature)};
}

RangeConstraint read_range(const Cursor& at) {
  return {.min = at.get_optional("min_val", read_integer), .max = at.get_optional("max_val", read_integer)};
}

std::vector<std::string> read_field_names(const Cursor& at) { return at.get_list("field_names", read_text); }

SchemaVersion read_version(const Cursor& at) {
  const SchemaVersion version{.major = at.at("major").integer(), .minor = at.get("minor", read_integer)};
  if (version.major != kMajorVersion) {
    throw Error("pt2.version",
                cat("the model is written in schema ", version.major, ".", version.minor, "; schema ", kMajorVersion,
                    " is read"),
                version.major > kMajorVersion ? "a newer Graftwork, or exporting with torch 2.13"
                                              : "exporting the model again with torch 2.9 or later");
  }
  return version;
}

PayloadMeta read_payload(const Cursor& at) {
  return {.path_name = at.at("path_name").text(),
          .is_parameter = at.get("is_param", read_boolean),
          .use_pickle = at.get("use_pickle", read_boolean),
          .tensor = at.get_optional("tensor_meta", read_tensor_meta)};
}

}  // namespace

SymInt read_sym_int(const Cursor& at) { return read_symbolic<int64_t>(at, "as_int", read_integer); }
SymFloat read_sym_float(const Cursor& at) { return read_symbolic<double>(at, "as_float", read_number); }
SymBool read_sym_bool(const Cursor& at) { return read_symbolic<bool>(at, "as_bool", read_boolean); }

TensorMeta read_tensor_meta(const Cursor& at) {
  TensorMeta meta{.dtype = read_scalar_type(at.at("dtype")),
                  .sizes = at.at("sizes").list(read_sym_int),
                  .strides = at.get_list("strides", read_sym_int),
                  .storage_offset = at.get("storage_offset", read_sym_int),
                  .requires_grad = at.get("requires_grad", read_boolean),
                  .device = at.get("device", read_device)};
  if (const std::optional<Cursor> layout = at.find("layout")) meta.layout = read_layout(*layout);
  return meta;
}

Graph read_graph(const Cursor& at) {
  return {.inputs = at.get_list("inputs", read_argument),
          .outputs = at.get_list("outputs", read_argument),
          .nodes = at.at("nodes").list(read_node),
          .tensor_values = at.get_map("tensor_values", read_tensor_meta),
          .sym_int_values = at.get_map("sym_int_values", read_sym_int),
          .sym_float_values = at.get_map("sym_float_values", read_sym_float),
          .sym_bool_values = at.get_map("sym_bool_values", read_sym_bool),
          .custom_object_values = at.get_map("custom_obj_values", read_custom_object),
          .is_single_tensor_return = at.get("is_single_tensor_return", read_boolean)};
}

ExportedProgram read_exported_program(std::string_view text) {
  nlohmann::json document = parse_json(text);
  const Cursor root(document);
  // The version comes first: what another version means by the rest is not known.
  const SchemaVersion version = read_version(root.at("schema_version"));
  const Cursor module = root.at("graph_module");
  return {.schema_version = version,
          .torch_version = root.get("torch_version", read_text),
          .graph = read_graph(module.at("graph")),
          .signature = read_signature(module.at("signature")),
          .module_call_graph = module.get_list("module_call_graph", read_call_entry),
          .metadata = module.get_map("metadata", read_text),
          .namedtuple_fields = module.get_map("treespec_namedtuple_fields", read_field_names),
          .range_constraints = root.get_map("range_constraints", read_range),
          .opset_version = root.get_map("opset_version", read_integer),
          .verifiers = root.get_list("verifiers", read_text),
          .guards_code = root.get_list("guards_code", read_text)};
}

PayloadConfig read_payload_config(std::string_view text) {
  nlohmann::json document = parse_json(text);
  return Cursor(document).at("config").map(read_payload);
}

}  // namespace graftwork::core::pt2

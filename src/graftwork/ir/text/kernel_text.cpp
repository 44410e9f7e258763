#include "graftwork/ir/text/kernel_text.h"

#include <algorithm>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/ir/body.h"
#include "graftwork/ir/text/attribute_text.h"
#include "graftwork/ir/text/print.h"
#include "graftwork/ir/text/value_names.h"

namespace graftwork::core {
namespace {

constexpr size_t kMostValues = 256;

class KernelReader {
 public:
  explicit KernelReader(Lexer& lexer) : lexer_(lexer) {}

  Kind run(Family family) {
    const size_t offset = lexer_.peek().offset;
    Kind kind;
    kind.family = family;
    kind.name = lexer_.expect_name("the name of a kernel");
    lexer_.expect("(");
    while (!lexer_.accept(")")) {
      const size_t at = lexer_.peek().offset;
      const std::string name = values_.name();
      define(name, body_->add_input(name, {}), at);
      if (!lexer_.at(")")) lexer_.expect(",");
    }
    lexer_.expect("{");
    while (!lexer_.accept_word("return")) statement();
    results();
    std::vector<Symbol> quantize, can_quantize;
    if (lexer_.accept_word("quantize")) quantize = names();
    if (lexer_.accept_word("can_quantize")) can_quantize = names();
    lexer_.expect("}");
    kind.body = std::move(body_);
    try {
      complete_kernel(kind, quantize, can_quantize);
    } catch (const Error& error) {
      lexer_.fail_at(offset, error.message(), error.hint());
    }
    return kind;
  }

 private:
  void define(const std::string& name, Node& node, size_t offset) {
    values_.define(name, node, offset);
    if (values_.size() > kMostValues) lexer_.fail_at(offset, cat("a body has at most ", kMostValues, " values"));
  }

  void statement() {
    const size_t offset = lexer_.peek().offset;
    const std::string name = values_.name();
    lexer_.expect("=");
    define(name, lexer_.accept("@") ? part(name) : operation(name), offset);
  }

  Node& part(const std::string& name) {
    const std::string role = lexer_.expect_name("the role of a part");
    const size_t offset = lexer_.peek().offset;
    const std::vector<Node*> inputs = values_.operands();
    const PartCount count = lexer_.accept("?")   ? PartCount::kOptional
                            : lexer_.accept("*") ? PartCount::kAny
                                                 : PartCount::kOne;
    if (inputs.empty() || (count == PartCount::kAny && inputs.size() != 1)) {
      lexer_.fail_at(offset, cat("the part ", role, inputs.empty() ? " reads nothing" : " has other than one input"));
    }
    return add_call_part(*body_, name, role, inputs, count);
  }

  Node& operation(const std::string& name) {
    const size_t offset = lexer_.peek().offset;
    const std::string op = lexer_.expect_name("an operator, or \"@\" and a role");
    const std::vector<Node*> inputs = values_.operands();
    AttrMap attrs = read_attributes(lexer_, {inputs.size(), true});
    if (op == "get_item") {
      const int64_t index = item_index(attrs, inputs.size(), lexer_, offset);
      return body_->add_get_item(name, *inputs[0], index);
    }
    if (std::count(op.begin(), op.end(), '.') < 2 || op.starts_with("nn.")) {
      lexer_.fail_at(offset, cat(quoted(op), " is no operator: a body calls modules by the role of a part"),
                     "@role(...), or an operator's whole name: aten.add.Tensor");
    }
    return body_->add_untyped_call(op, name, inputs, std::move(attrs));
  }

  void results() {
    std::vector<Node*> nodes;
    std::vector<Symbol> result_names;
    do {
      Symbol name;
      if (!lexer_.at("%")) {
        name = lexer_.expect_name("a result");
        lexer_.expect("=");
      }
      nodes.push_back(&values_.value());
      result_names.push_back(name.empty() ? nodes.back()->name() : name);
    } while (lexer_.accept(","));
    body_->add_output(nodes, std::move(result_names));
  }

  std::vector<Symbol> names() {
    std::vector<Symbol> found;
    do {
      found.push_back(values_.value().name());
    } while (lexer_.accept(","));
    return found;
  }

  Lexer& lexer_;
  std::shared_ptr<GraphModule> body_ = std::make_shared<GraphModule>();
  ValueNames values_{lexer_};
};

std::string value_text(const Node& node) { return "%" + print_name(node.name()); }

std::string value_list(const std::vector<Symbol>& names) {
  std::vector<std::string> parts;
  for (const Symbol name : names) parts.push_back("%" + print_name(name));
  return join(parts);
}

std::string call_text(const Node& node) {
  std::vector<std::string> operands, attrs;
  for (const Use& use : node.inputs()) operands.push_back(value_text(*use.producer()));
  const std::string arguments = "(" + join(operands) + ")";
  if (node.kind() == NodeKind::kCallPart) {
    const PartCount count = part_count(node);
    return cat("@", print_name(node.role()), arguments,
               count == PartCount::kOptional ? "?"
               : count == PartCount::kAny    ? "*"
                                             : "");
  }
  for (const auto& [name, value] : node.attrs()) attrs.push_back(cat(print_name(name), "=", value.text()));
  return cat(print_name(node.op()), arguments, attrs.empty() ? "" : " {" + join(attrs) + "}");
}

/// Attributes of records that the operators refer to.
void add_references(const GraphModule& body, std::vector<AttrSpec>& attrs) {
  for (const Node& node : body.graph().nodes()) {
    for (const auto& [name, value] : node.attrs()) {
      const RecordRef* reference = value.get<RecordRef>();
      const bool known = reference && std::any_of(attrs.begin(), attrs.end(),
                                                  [&](const AttrSpec& spec) { return spec.name == reference->name; });
      if (reference && !known) attrs.push_back({reference->name, AttrForm::any(), Attribute()});
    }
  }
}

}  // namespace

Kind read_kernel(Lexer& lexer, Family family) { return KernelReader(lexer).run(family); }

void complete_kernel(Kind& kind, const std::vector<Symbol>& quantize, const std::vector<Symbol>& can_quantize) {
  const Node& output = *kind.body->graph().output();
  if (output.input_count() == 0) throw Error("ir.kernel", cat(kind.name.str(), " has no result"));
  if (!quantize.empty() && kind.family != Family::kFused)
    throw Error("ir.kernel", cat(kind.name.str(), " is quantized, and only kernels are"), "a fusion");
  const auto check = [&](Symbol name) {
    const Node* value = value_of(*kind.body, name);
    bool read_inside = false;
    for (const Use* use = value ? value->uses() : nullptr; use; use = use->next())
      read_inside = read_inside || use->user() != &output;
    if (value && !read_inside) {
      throw Error("ir.kernel",
                  cat("nothing in the body reads %", name.str(), ": its readers decide how it is quantized"),
                  "a value that the body itself reads");
    }
  };
  for (const Symbol name : quantize) {
    check(name);
    if (const auto input = kind.input(name)) {
      kind.inputs_to_quantize.push_back(static_cast<int64_t>(*input));
    } else {
      kind.values_to_quantize.push_back(name);
    }
  }
  for (const Symbol name : can_quantize) check(name);
  kind.quantizable_values = can_quantize;
  std::sort(kind.inputs_to_quantize.begin(), kind.inputs_to_quantize.end());
  kind.quantized_attrs = {{"stubs", kind.inputs_to_quantize}};
  if (kind.family == Family::kFused)
    kind.attrs.push_back({"stubs", AttrForm::integers(0, 0), Attribute(std::vector<int64_t>())});
  add_references(*kind.body, kind.attrs);
  const std::vector<Node*> inputs = kind.body->graph().inputs();
  kind.max_inputs = inputs.size();
  const auto optional =
      std::find_if(inputs.begin(), inputs.end(), [](const Node* input) { return is_optional_input(*input); });
  kind.min_inputs = static_cast<size_t>(optional - inputs.begin());
  const auto needed =
      std::find_if(optional, inputs.end(), [](const Node* input) { return !is_optional_input(*input); });
  if (needed != inputs.end()) {
    throw Error("ir.kernel",
                cat("the input %", (*needed)->name().str(), " stands behind %", (*optional)->name().str(),
                    ", which may be absent"),
                "optional inputs at the end");
  }
}

std::string print_kernel(const Kind& kind) {
  std::vector<std::string> inputs, results;
  std::string statements;
  const Graph& graph = kind.body->graph();
  for (const Node& node : graph.nodes()) {
    if (node.kind() == NodeKind::kInput) {
      inputs.push_back(value_text(node));
    } else if (node.kind() != NodeKind::kOutput) {
      statements += cat("  ", value_text(node), " = ", call_text(node), "\n");
    }
  }
  const std::vector<Symbol>& names = kind.body->signature().outputs;
  for (const Use& use : graph.output()->inputs()) {
    const Node& result = *use.producer();
    const bool has_name = names[use.slot()] != result.name();
    results.push_back((has_name ? print_name(names[use.slot()]) + "=" : "") + value_text(result));
  }
  std::vector<Symbol> quantize;
  const std::vector<Node*> positions = graph.inputs();
  for (const int64_t input : kind.inputs_to_quantize) quantize.push_back(positions[static_cast<size_t>(input)]->name());
  quantize.insert(quantize.end(), kind.values_to_quantize.begin(), kind.values_to_quantize.end());
  return cat(kind.is_fused() ? "kernel " : "converted ", print_name(kind.name), "(", join(inputs), ") {\n", statements,
             "  return ", join(results), "\n", quantize.empty() ? "" : cat("  quantize ", value_list(quantize), "\n"),
             kind.quantizable_values.empty() ? "" : cat("  can_quantize ", value_list(kind.quantizable_values), "\n"),
             "}\n");
}

}  // namespace graftwork::core

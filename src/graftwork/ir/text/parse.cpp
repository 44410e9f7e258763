#include "graftwork/ir/text/parse.h"

#include <algorithm>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/ir/body.h"
#include "graftwork/ir/bounds.h"
#include "graftwork/ir/node_budget.h"
#include "graftwork/ir/text/attribute_text.h"
#include "graftwork/ir/text/kernel_text.h"
#include "graftwork/ir/text/value_names.h"

namespace graftwork::core {
namespace {

constexpr int kDepthLimit = 64;
constexpr size_t kMostDefinitions = 1024;

class Parser {
 public:
  Parser(std::string_view text, const std::string& source, const std::shared_ptr<const KindTable>& kinds)
      : lexer_(text, source), module_(kinds) {}

  GraphModule run() {
    definitions();
    const size_t start = lexer_.peek().offset;
    if (lexer_.expect_name("\"graph\"") != "graph") lexer_.fail_at(start, "a network starts with \"graph(\"");
    lexer_.expect("(");
    while (!lexer_.accept(")")) {
      const size_t offset = lexer_.peek().offset;
      const std::string name = values_.name();
      lexer_.expect(":");
      values_.define(name, module_.add_input(name, type()), offset);
      spend(offset);
      if (!lexer_.at(")")) lexer_.expect(",");
    }
    lexer_.expect("{");
    while (!lexer_.accept_word("return")) statement();
    results();
    lexer_.expect("}");
    if (lexer_.peek().kind != TokenKind::kEnd) lexer_.fail("text follows the network");
    return std::move(module_);
  }

 private:
  /// Kinds with a body, in front of the network.
  void definitions() {
    std::vector<Kind> defined;
    while (lexer_.at_word("kernel") || lexer_.at_word("converted")) {
      const Token word = lexer_.take();
      Kind kind = read_kernel(lexer_, word.text == "kernel" ? Family::kFused : Family::kConverted);
      kind.definition_place = lexer_.place(word.offset);
      const bool twice =
          std::any_of(defined.begin(), defined.end(), [&](const Kind& other) { return other.name == kind.name; });
      if (twice) lexer_.fail_at(word.offset, cat(kind.name.str(), " is defined twice"));
      defined.push_back(std::move(kind));
      if (defined.size() > kMostDefinitions)
        lexer_.fail_at(word.offset, cat("more than ", kMostDefinitions, " kernels"));
    }
    if (!defined.empty()) module_.modules().use_kinds(module_.modules().kinds().with(std::move(defined)));
  }

  struct DepthGuard {
    DepthGuard(Parser& owner) : parser(owner) {
      if (++parser.depth_ > kDepthLimit) parser.lexer_.fail(cat("nested deeper than ", kDepthLimit, " levels"));
    }
    ~DepthGuard() { --parser.depth_; }
    Parser& parser;
  };

  Type type() {
    const DepthGuard guard(*this);
    if (lexer_.accept("?")) return {};
    if (lexer_.accept("(")) {
      std::vector<Type> elements;
      while (!lexer_.accept(")")) {
        lexer_.count_listed();
        elements.push_back(type());
        if (!lexer_.at(")")) lexer_.expect(",");
      }
      return Type::tuple(std::move(elements));
    }
    const Token word = lexer_.take();
    if (word.text == "int") return ScalarType::kInt;
    if (word.text == "float") return ScalarType::kFloat;
    if (word.text == "bool" && !lexer_.at("[")) return ScalarType::kBool;
    const auto dtype = parse_dtype(word.text);
    if (!dtype || word.kind != TokenKind::kWord) lexer_.fail_at(word.offset, "\"" + word.text + "\" is no type");
    TensorType tensor{*dtype, {}};
    lexer_.expect("[");
    while (!lexer_.accept("]")) {
      const size_t offset = lexer_.peek().offset;
      const std::string raw = lexer_.take_raw_dim();
      if (raw.size() > kLongestExtent) lexer_.fail_at(offset, cat("a size of more than ", kLongestExtent, " letters"));
      if (tensor.rank() == kMostDimensions)
        lexer_.fail_at(offset, cat("a tensor of more than ", kMostDimensions, " dimensions"));
      const auto dim = Dim::parse(raw);
      if (!dim || (dim->is_static() && dim->value() < 0)) lexer_.fail_at(offset, "\"" + raw + "\" is no dimension");
      tensor.dims.push_back(*dim);
      if (!lexer_.at("]")) lexer_.expect(",");
    }
    return tensor;
  }

  std::vector<int64_t> integers() {
    std::vector<int64_t> numbers;
    lexer_.expect("[");
    while (!lexer_.accept("]")) {
      lexer_.count_listed();
      numbers.push_back(read_integer(lexer_, "an integer"));
      if (!lexer_.at("]")) lexer_.expect(",");
    }
    return numbers;
  }

  ParamExpr param_expr() {
    const DepthGuard guard(*this);
    if (lexer_.accept("@")) {
      const std::string name = lexer_.expect_name("the name of a stored tensor");
      lexer_.expect(":");
      const size_t offset = lexer_.peek().offset;
      const Type declared = type();
      if (!declared.tensor()) lexer_.fail_at(offset, "a stored tensor has a tensor type");
      return ParamExpr::leaf(name, *declared.tensor());
    }
    const Token word = lexer_.take();
    lexer_.expect("(");
    if (is_operator(word)) return computed(word);
    ParamExpr result = call(word);
    lexer_.expect(")");
    return result;
  }

  static bool is_operator(const Token& word) { return word.text.find('.') != std::string::npos; }

  ParamExpr computed(const Token& word) {
    std::vector<ParamExpr> operands;
    while (!lexer_.accept(")")) {
      operands.push_back(param_expr());
      if (!lexer_.at(")")) lexer_.expect(",");
    }
    AttrMap attrs = read_attributes(lexer_, {operands.size(), false});
    int64_t result = 0;
    if (lexer_.accept("[")) {
      const size_t offset = lexer_.peek().offset;
      result = read_integer(lexer_, "the number of a result");
      if (result < 0) lexer_.fail_at(offset, "results are counted from 0");
      lexer_.expect("]");
    }
    lexer_.expect(":");
    const size_t offset = lexer_.peek().offset;
    const Type declared = type();
    if (!declared.tensor()) lexer_.fail_at(offset, "a parameter has a tensor type");
    return ParamExpr::computed(word.text, operands, std::move(attrs), result, *declared.tensor());
  }

  ParamExpr call(const Token& word) {
    if (word.text == "concat") {
      std::vector<ParamExpr> parts;
      lexer_.expect("[");
      while (!lexer_.accept("]")) {
        parts.push_back(param_expr());
        if (!lexer_.at("]")) lexer_.expect(",");
      }
      lexer_.expect(",");
      return ParamExpr::concat(parts, read_integer(lexer_, "an axis"));
    }
    if (word.text != "view" && word.text != "permute" && word.text != "slice" && word.text != "multiply") {
      lexer_.fail_at(word.offset, "\"" + word.text + "\" is no parameter expression");
    }
    const ParamExpr first = param_expr();
    lexer_.expect(",");
    if (word.text == "view") return first.view(integers());
    if (word.text == "permute") return first.permute(integers());
    if (word.text == "multiply") return first.multiply(param_expr());
    const int64_t axis = read_integer(lexer_, "an axis");
    lexer_.expect(",");
    const int64_t start = read_integer(lexer_, "a start");
    lexer_.expect(",");
    return first.slice(axis, start, read_integer(lexer_, "an end"));
  }

  bool at_param_expr() const {
    const Token& token = lexer_.peek();
    return lexer_.at("@") || token.text == "view" || token.text == "permute" || token.text == "slice" ||
           token.text == "concat" || token.text == "multiply" || is_operator(token);
  }

  struct ModuleHead {
    const Kind* kind;
    Symbol path;
    size_t offset;
  };

  /// The kind's name has been read; reads "@path".
  ModuleHead module_head(const Token& kind_word) {
    const Kind* kind = module_.modules().kinds().find(kind_word.text);
    if (!kind || kind->family == Family::kOperator)
      lexer_.fail_at(kind_word.offset, "there is no module kind " + kind_word.text);
    lexer_.expect("@");
    return {kind, lexer_.expect_name("a module path"), kind_word.offset};
  }

  /// Attributes and parts; the record of a path that was described above is taken from there.
  ModuleId module_body(const ModuleHead& head) {
    const DepthGuard guard(*this);
    const Kind* kind = head.kind;
    const Symbol path = head.path;
    const ModuleId known = module_.modules().find(path);
    if (known && module_.modules()[known].kind != kind->name) {
      lexer_.fail_at(head.offset, "@" + path.str() + " is a module of another kind above");
    }
    if (known && (lexer_.at("{") || lexer_.at("["))) lexer_.fail("@" + path.str() + " is described above already");
    if (known) return known;
    ModuleRecord record;
    record.path = path;
    record.kind = kind->name;
    std::vector<Symbol> absent;
    if (lexer_.accept("{")) {
      while (!lexer_.accept("}")) {
        const size_t offset = lexer_.peek().offset;
        const Symbol name = lexer_.expect_name("an attribute name");
        lexer_.expect("=");
        if (kind->param(name) && at_param_expr()) {
          record.set_param(name, param_expr());
        } else if (kind->param(name)) {
          if (lexer_.take().text != "none")
            lexer_.fail_at(offset, name.str() + " is a parameter: give an expression or none");
          absent.push_back(name);
        } else if (kind->attr(name)) {
          record.attrs.set(name, read_attribute(lexer_, {}));
        } else {
          lexer_.fail_at(offset, kind->name.str() + " has no attribute " + name.str());
        }
        if (!lexer_.at("}")) lexer_.expect(",");
      }
    }
    fill_defaults(*kind, record, absent, head.offset);
    if (lexer_.accept("[")) {
      while (!lexer_.accept("]")) {
        const Symbol role = lexer_.expect_name("a role");
        lexer_.expect("=");
        record.children.emplace_back(role, module_body(module_head(lexer_.take())));
        if (!lexer_.at("]")) lexer_.expect(",");
      }
    }
    if (module_.modules().find(path)) lexer_.fail_at(head.offset, "@" + path.str() + " cannot be a part of itself");
    check_parts(*kind, record, head.offset);
    return module_.modules().add(std::move(record));
  }

  /// Parts are those of the kind's body, each once, and what quantizes weights and inner values.
  void check_parts(const Kind& kind, const ModuleRecord& record, size_t offset) {
    const auto refuse = [&](const std::string& what) { lexer_.fail_at(offset, kind.name.str() + " " + what); };
    std::vector<Symbol> seen;
    for (const auto& [role, child] : record.children) {
      const Symbol child_kind = module_.modules()[child].kind;
      const bool is_layer = kind.output_channel_axis >= 0 && role == Symbol("weight_fake_quant") &&
                            child_kind == Symbol("WeightFakeQuantize");
      const bool known = kind.body ? has_part(*kind.body, role) || is_quantizer_role(kind, role, child_kind) : is_layer;
      if (!known) refuse("has no part " + role.str());
      if (std::find(seen.begin(), seen.end(), role) != seen.end()) refuse("has two parts " + role.str());
      seen.push_back(role);
    }
  }

  static bool has_part(const GraphModule& body, Symbol role) {
    for (const Node& node : body.graph().nodes()) {
      if (node.kind() != NodeKind::kCallPart) continue;
      const bool repeated = part_count(node) == PartCount::kAny && role.str().starts_with(node.role().str() + "_");
      if (node.role() == role || repeated) return true;
    }
    return false;
  }

  void fill_defaults(const Kind& kind, ModuleRecord& record, const std::vector<Symbol>& absent, size_t offset) {
    check_attributes(record, module_.modules().kinds());
    std::vector<std::pair<Symbol, ParamExpr>> params;
    for (const ParamSpec& spec : kind.params) {
      const bool left_out = spec.deferred && !record.param(spec.name);
      if (left_out || std::find(absent.begin(), absent.end(), spec.name) != absent.end()) continue;
      const auto implied = kind.param_type ? kind.param_type(record, spec.name) : std::nullopt;
      if (const ParamExpr* given = record.param(spec.name)) {
        if (implied && implied->dims != given->type().dims) {
          lexer_.fail_at(offset, cat("the parameter ", spec.name.str(), " is ", given->type().text(), ", and ",
                                     kind.name.str(), " takes ", implied->text()));
        }
        params.emplace_back(spec.name, *given);
      } else if (implied) {
        params.emplace_back(spec.name, ParamExpr::leaf(cat(record.path.str(), ".", spec.name.str()), *implied));
      } else {
        lexer_.fail_at(offset, kind.name.str() + " needs the parameter " + spec.name.str());
      }
    }
    record.params = std::move(params);
  }

  void statement() {
    const size_t offset = lexer_.peek().offset;
    const std::string name = values_.name();
    Type declared;
    if (lexer_.accept(":")) declared = type();
    lexer_.expect("=");
    try {
      values_.define(name, expression(name, declared), offset);
      budget_.spend(module_);
    } catch (const Error& error) {
      if (error.code() == "gir.syntax") throw;
      lexer_.fail_at(offset, "%" + name + ": " + error.message());
    }
  }

  void spend(size_t offset) {
    try {
      budget_.spend(module_);
    } catch (const Error& error) {
      lexer_.fail_at(offset, error.message());
    }
  }

  Node& expression(const std::string& name, const Type& declared) {
    Token op = lexer_.take();
    if (op.kind != TokenKind::kWord && op.kind != TokenKind::kString) lexer_.fail_at(op.offset, "expected an operator");
    if (op.kind == TokenKind::kWord && op.text == "constant") return module_.add_constant(name, param_expr());
    if (lexer_.at("@")) {
      const ModuleHead head = module_head(op);
      const std::vector<Node*> inputs = values_.operands();
      NodeSpec spec = call_module_spec(module_.modules(), module_body(head), inputs);
      spec.name = name;
      if (declared.is_known() && !compatible(declared, spec.type)) {
        lexer_.fail_at(op.offset, cat("%", name, " is declared ", declared.text(), " and would be ", spec.type.text()));
      }
      if (declared.is_known()) spec.type = declared;
      return module_.graph().append(std::move(spec), inputs);
    }
    const std::vector<Node*> inputs = values_.operands();
    AttrMap attrs = read_attributes(lexer_, {inputs.size(), false});
    if (op.kind == TokenKind::kWord && op.text == "get_item") {
      const int64_t index = item_index(attrs, inputs.size(), lexer_, op.offset);
      return module_.add_get_item(name, *inputs[0], index);
    }
    return module_.add_call_function(op.text, name, inputs, std::move(attrs), declared);
  }

  void results() {
    std::vector<Node*> nodes;
    std::vector<Symbol> names;
    while (!lexer_.at("}")) {
      lexer_.count_listed();
      Symbol name;
      if (!lexer_.at("%")) {
        name = lexer_.expect_name("the name of a result");
        lexer_.expect("=");
      }
      nodes.push_back(&values_.value());
      names.push_back(name);
      if (!lexer_.at("}")) lexer_.expect(",");
    }
    module_.add_output(nodes, std::move(names));
  }

  Lexer lexer_;
  GraphModule module_;
  ValueNames values_{lexer_};
  NodeBudget budget_;
  int depth_ = 0;
};

}  // namespace

GraphModule parse(std::string_view text, const std::string& source, const std::shared_ptr<const KindTable>& kinds) {
  return Parser(text, source, kinds).run();
}

}  // namespace graftwork::core

#include "graftwork/ir/text/print.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "graftwork/base/error.h"
#include "graftwork/base/hash.h"
#include "graftwork/base/text.h"
#include "graftwork/ir/body.h"
#include "graftwork/ir/kind.h"
#include "graftwork/ir/text/kernel_text.h"

namespace graftwork::core {
namespace {

bool is_default_param(const ModuleRecord& record, const Kind& kind, Symbol name, const ParamExpr& expr) {
  if (expr.op() != ParamExpr::Op::kLeaf || expr.leaf_name() != Symbol(cat(record.path.str(), ".", name.str())))
    return false;
  const auto implied = kind.param_type ? kind.param_type(record, name) : std::nullopt;
  return implied && *implied == expr.type();
}

std::string braces(const std::vector<std::string>& parts) { return parts.empty() ? "" : " {" + join(parts) + "}"; }

using PathSet = std::unordered_set<Symbol>;

std::string record_text(const ModuleTable& modules, const ModuleRecord& record, PathSet* described);

/// Attributes and parts. `described`, when given, has the paths whose bodies stand above already.
std::string record_body(const ModuleTable& modules, const ModuleRecord& record, PathSet* described) {
  if (described && !described->insert(record.path).second) return {};
  const Kind& kind = modules.kinds().at(record.kind);
  std::vector<std::string> parts;
  for (const AttrSpec& spec : kind.attrs) {
    const Attribute* value = record.attrs.find(spec.name);
    if (value && !(spec.default_value && *spec.default_value == *value))
      parts.push_back(cat(spec.name.str(), "=", value->text()));
  }
  for (const ParamSpec& spec : kind.params) {
    const ParamExpr* expr = record.param(spec.name);
    if (!expr && spec.deferred) continue;
    if (!expr) {
      parts.push_back(cat(spec.name.str(), "=none"));
    } else if (spec.deferred || !is_default_param(record, kind, spec.name, *expr)) {
      parts.push_back(cat(spec.name.str(), "=", expr->text()));
    }
  }
  std::string text = braces(parts);
  if (record.children.empty()) return text;
  std::vector<std::string> children;
  for (const auto& [role, child] : record.children)
    children.push_back(cat(role.str(), "=", record_text(modules, modules[child], described)));
  return text + " [" + join(children) + "]";
}

std::string record_text(const ModuleTable& modules, const ModuleRecord& record, PathSet* described) {
  return cat(record.kind.str(), " @", print_name(record.path), record_body(modules, record, described));
}

class Printer {
 public:
  Printer(const GraphModule& module, ShowTypes types) : module_(module), types_(types) { name_all(); }

  std::string run() {
    std::vector<std::string> inputs;
    std::string body;
    for (const Node& node : module_.graph().nodes()) {
      if (node.kind() == NodeKind::kInput) {
        inputs.push_back(value(node) + ": " + node.type().text());
      } else if (node.kind() == NodeKind::kOutput) {
        body += "  return" + results(node) + "\n";
      } else {
        body += "  " + statement(node) + "\n";
      }
    }
    return definitions() + "graph(" + join(inputs) + ") {\n" + body + "}\n";
  }

 private:
  /// The kinds in use that a reader does not know: those that a user defined.
  std::string definitions() const {
    const ModuleTable& modules = module_.modules();
    std::unordered_set<Symbol> used;
    for (uint32_t index = 0; index < modules.size(); ++index) used.insert(modules[ModuleId{index}].kind);
    std::string text;
    for (const auto& kind : modules.kinds().all()) {
      if (kind->body && !kind->definition_place.empty() && used.contains(kind->name)) text += print_kernel(*kind);
    }
    return text;
  }

  void name_all() {
    std::unordered_set<std::string> taken;
    std::unordered_map<std::string, size_t> tries;  // where the numbering of a name goes on
    for (const Node& node : module_.graph().nodes()) {
      const std::string wanted = node.name().empty() ? "v" : node.name().str();
      std::string name = wanted;
      while (!taken.insert(name).second) name = cat(wanted, "_", ++tries[wanted]);
      names_.emplace(&node, name);
    }
  }

  std::string value(const Node& node) const { return "%" + print_name(names_.at(&node)); }

  std::string operands(const Node& node) const {
    std::vector<std::string> parts;
    for (const Use& use : node.inputs()) parts.push_back(value(*use.producer()));
    return "(" + join(parts) + ")";
  }

  std::string statement(const Node& node) {
    const std::string head = value(node) + type_note(node) + " = ";
    if (node.kind() == NodeKind::kConstant) return head + "constant " + node.constant().text();
    std::vector<std::string> attrs;
    if (node.kind() == NodeKind::kCallModule) {
      const ModuleRecord& record = module_.record(node);
      const std::string call = cat(record.kind.str(), " @", print_name(record.path), operands(node));
      return head + call + record_body(module_.modules(), record, &described_);
    }
    for (const auto& [name, attr] : node.attrs()) attrs.push_back(cat(print_name(name), "=", attr.text()));
    return head + print_name(node.op()) + operands(node) + braces(attrs);
  }

  std::string type_note(const Node& node) const {
    const bool always = types_ == ShowTypes::kAlways;
    const bool note = always ? node.type().is_known() : !is_inferred(node);
    return note ? ": " + node.type().text() : "";
  }

  bool is_inferred(const Node& node) const {
    const bool is_call = node.kind() == NodeKind::kCallFunction || node.kind() == NodeKind::kCallModule;
    if (!node.type().is_known() || !is_call) return true;
    std::vector<Type> inputs;
    for (const Use& use : node.inputs()) inputs.push_back(use.producer()->type());
    try {
      if (node.kind() == NodeKind::kCallModule)
        return infer_module(module_.record(node), inputs, module_.modules()) == node.type();
      return infer_function(node.op(), inputs, node.attrs()) == node.type();
    } catch (const Error&) {
      return false;  // the importer knew more than the shape function can see
    }
  }

  std::string results(const Node& output) const {
    std::vector<std::string> parts;
    const std::vector<Symbol>& names = module_.signature().outputs;
    for (const Use& use : output.inputs()) {
      const Symbol name = use.slot() < names.size() ? names[use.slot()] : Symbol();
      parts.push_back((name.empty() ? "" : print_name(name) + "=") + value(*use.producer()));
    }
    return parts.empty() ? "" : " " + join(parts);
  }

  const GraphModule& module_;
  ShowTypes types_;
  std::unordered_map<const Node*, std::string> names_;
  PathSet described_;
};

}  // namespace

std::string print(const GraphModule& module, ShowTypes types) { return Printer(module, types).run(); }

std::string fingerprint(const GraphModule& module) { return hash_digits(hash_text(print(module))); }

std::string print_record(const ModuleTable& modules, ModuleId id) { return record_text(modules, modules[id], nullptr); }

std::string print_name(Symbol name) {
  const std::string& text = name.str();
  const bool plain =
      !text.empty() && text[0] != '.' && text[0] != '-' && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
               c == '-';
      });
  return plain ? text : quoted(text);
}

}  // namespace graftwork::core

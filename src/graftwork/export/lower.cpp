#include "graftwork/export/lower.h"

#include <algorithm>
#include <set>
#include <stdexcept>
#include <unordered_map>
#include <unordered_set>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/export/element_types.h"
#include "graftwork/export/mask_sum.h"
#include "graftwork/export/module_lowering.h"
#include "graftwork/export/operator_lowering.h"
#include "graftwork/export/opset.h"
#include "graftwork/export/value_info.h"
#include "graftwork/ir/body.h"
#include "graftwork/ir/kinds/quant.h"
#include "graftwork/nn/size_arithmetic.h"
#include "graftwork/nn/torch_failure.h"
#include "graftwork/onnx/fold_padding.h"
#include "graftwork/onnx/infer.h"
#include "graftwork/onnx/prune.h"
#include "graftwork/onnx/share_initializers.h"

namespace graftwork::core {
namespace {

/// Who reads a run-time size writes it from the types: it needs no form of its own.
bool is_size(const Node& node) {
  return node.op() == Symbol("aten.sym_size.int") || is_size_operator(node.op()) || node.type().scalar();
}

bool is_lowered(const Node& node) {
  if (node.kind() == NodeKind::kCallFunction) return find_operator_lowering(node.op()) || is_size(node);
  return node.kind() != NodeKind::kCallModule || find_module_lowering(node.op()) != nullptr;
}

/// Places of what has no ONNX form in the module, its parts and theirs.
void check_module(const ModuleTable& modules, const ModuleRecord& record, const std::string& place,
                  std::vector<std::string>& places) {
  if (!record.body) {
    if (!find_module_lowering(record.kind)) places.push_back(place);
    return;
  }
  for (const Node& node : record.body->module.graph().nodes()) {
    if (node.kind() == NodeKind::kCallPart) {
      check_module(modules, modules[record.child(node.role())], cat(place, ": its part ", node.role().str()), places);
    } else if (!is_lowered(node)) {
      places.push_back(cat(place, ": %", node.name().str(), " = ", node.op().str()));
    }
  }
}

/// Those that opening a file could have computed, had they cost less.
bool is_of_parameters(const Node& node) {
  const std::span<const Use> inputs = node.inputs();
  return !inputs.empty() && std::all_of(inputs.begin(), inputs.end(),
                                        [](const Use& use) { return use.producer()->kind() == NodeKind::kConstant; });
}

std::string why_unwritten(const Node& node, const Reasons& reasons) {
  const auto reason = reasons.find(node.name());
  if (reason != reasons.end()) return reason->second;
  if (!is_of_parameters(node)) return "";
  return "it is computed of parameters alone, by an operator that does not run, or on more elements than one runs on, "
         "while a file is opened: compute it in the model before the export "
         "(torch.nn.utils.parametrize.remove_parametrizations)";
}

}  // namespace

void check_exportable(const GraphModule& module, const ExportOptions& options, const Reasons& reasons) {
  check_opset(options);
  if (module.graph().output()->inputs().empty())
    throw Error("export.output", "the network has no result", "returning a tensor from forward");
  std::vector<std::string> places;
  for (const Node& node : module.graph().nodes()) {
    if (node.kind() == NodeKind::kCallModule) {
      check_module(module.modules(), module.record(node), place_of(node), places);
    } else if (!is_lowered(node)) {
      const std::string why = why_unwritten(node, reasons);
      places.push_back(why.empty() ? place_of(node) : cat(place_of(node), ": ", why));
    }
  }
  if (places.empty()) return;
  Error error(
      "export.unsupported",
      cat(counted(places.size(), "operator"), " of the network ", places.size() == 1 ? "has" : "have", " no ONNX form"),
      places.size() == 1 ? "replacing it in the model" : "replacing them in the model");
  for (std::string& place : places) error.at(std::move(place));
  throw error;
}

bool has_lowering(Symbol kind) { return find_module_lowering(kind) != nullptr; }

ModuleLowering find_module_lowering(Symbol kind) {
  static const std::unordered_map<Symbol, ModuleLowering> table = [] {
    std::unordered_map<Symbol, ModuleLowering> all;
    for (auto make :
         {conv_lowerings, activation_lowerings, pool_lowerings, shape_lowerings, norm_lowerings, resize_lowerings}) {
      for (const auto& [name, lowering] : make()) all.emplace(name, lowering);
    }
    return all;
  }();
  const auto found = table.find(kind);
  return found == table.end() ? nullptr : found->second;
}

namespace {

/// What only a file that contradicts itself leads to.
Error misfit(const std::string& what) {
  return Error("export.attribute", what, "exporting the network again: torch.export writes no such file");
}

/// Graph inputs keep their type; what the file has in another begins with a Cast.
void lower_input(Lowering& lowering, onnx::Model& model, const Node& node) {
  const std::string& name = node.name().str();
  if (!node.tensor() && node.uses() && node.uses()->user()->op() == Symbol("aten.view_as_real.default"))
    throw Error("export.types", "it is complex, and ONNX has no complex numbers",
                "an input of pairs of real numbers, and torch.view_as_complex of it in the model");
  model.graph.inputs.push_back(value_info(name, node.type()));
  const DType own = node.tensor()->dtype, wanted = lowering.exported_dtype(own);
  if (own == wanted) return lowering.bind(node, name);
  lowering.bind_cast(node, lowering.add("Cast", name + "_cast", {name}, {{"to", onnx::data_type(wanted)}}), name, own);
}

void lower_constant(Lowering& lowering, const Node& node) {
  const at::Tensor value = evaluate(node.constant(), lowering.network().tensors);
  const bool is_float = value.is_floating_point() || is_floating(lowering.exported_dtype(node.tensor()->dtype));
  lowering.bind(
      node, is_float ? lowering.float_constant(node.name().str(), value) : lowering.constant(node.name().str(), value));
}

bool is_read_in_two_types(const Lowering& lowering, const Node& node) {
  for (const Use* use = node.uses(); use; use = use->next()) {
    if (lowering.float_type_of(*use->user()) != lowering.float_type_of(node)) return true;
  }
  return false;
}

}  // namespace

std::string lower_module(Lowering& lowering, const Node& node, const std::string& output) {
  const ModuleRecord& record = lowering.modules()[node.module()];
  // Q takes floats of either type; one that is disabled passes them on. Readers of two types have a pair each.
  const bool takes_any = is_quant_stub(node) && node.input(0).kind() != NodeKind::kInput &&
                         scale_of(record, lowering.network().tensors).defined() &&
                         !is_read_in_two_types(lowering, node);
  const std::string input = takes_any ? lowering.value(node.input(0)) : lowering.operand(node, 0);
  const ModuleCall call{record, {input}, node.input(0).type(), node.type(), output};
  return find_module_lowering(record.kind)(lowering, call);
}

void lower_node(Lowering& lowering, const Node& node) {
  if (lowering.is_bound(node)) return;  // an element of a tuple, bound with it
  if (node.kind() == NodeKind::kConstant) return lower_constant(lowering, node);
  if (node.kind() == NodeKind::kCallFunction) {
    if (is_size(node)) return;
    find_operator_lowering(node.op())(lowering, node);
    return keep_mask_whole(lowering, node);
  }
  if (node.kind() == NodeKind::kGetItem) throw misfit("it takes what its operator does not give");
  const ModuleRecord& record = lowering.modules()[node.module()];
  if (record.body) return lower_body(lowering, node);
  lowering.bind(node, lower_module(lowering, node, is_quant_stub(node) ? "" : lowering.result_name(node)));
}

namespace {

/// A file may claim what no machine holds. What is computed on the way to it is bounded by this, too.
void check_size(const Type& type) {
  constexpr int64_t kMostElements = int64_t{1} << 31;
  if (const std::vector<Type>* elements = type.elements()) {
    for (const Type& element : *elements) check_size(element);
  }
  const TensorType* tensor = type.tensor();
  if (!tensor) return;
  int64_t elements = 1;
  for (const Dim& dim : tensor->dims) {
    const int64_t extent = std::max<int64_t>(dim.maybe_value().value_or(1), 1);
    if (extent > kMostElements / elements)
      throw Error("export.shape", cat("a tensor of it has the shape ", type.text(), ", more than 2³¹ elements"),
                  "smaller sizes, or less of it at once");
    elements *= extent;
  }
}

void let_go_of(const TensorStore& tensors, const ParamExpr& expr) {
  for (const Symbol leaf : expr.leaves()) tensors.let_go(leaf);
}

void let_go_of(const TensorStore& tensors, const ModuleTable& modules, ModuleId id) {
  for (const auto& [name, expr] : modules[id].params) let_go_of(tensors, expr);
  for (const auto& [role, child] : modules[id].children) let_go_of(tensors, modules, child);
}

/// The weights of a node that has been written: the model holds what it needs of them.
void let_go_of_weights(const Network& network, const Node& node) {
  if (node.kind() == NodeKind::kConstant) let_go_of(network.tensors, node.constant());
  if (node.kind() == NodeKind::kCallModule) let_go_of(network.tensors, network.module.modules(), node.module());
}

/// What was in the way of some nodes; those that stand behind them are passed over.
class Problems {
 public:
  bool stand_in_front_of(const Node& node) {
    const std::span<const Use> inputs = node.inputs();
    const bool reads_one =
        std::any_of(inputs.begin(), inputs.end(), [this](const Use& use) { return nodes_.contains(use.producer()); });
    if (reads_one) nodes_.insert(&node);
    return reads_one;
  }
  void note(const Node& node, Error error) {
    nodes_.insert(&node);
    errors_.push_back(std::move(error));
  }
  void rethrow() const {
    if (errors_.empty()) return;
    if (errors_.size() == 1) throw errors_.front();
    const Error& first = errors_.front();
    const auto shared = [&](const auto& of) {
      return std::all_of(errors_.begin(), errors_.end(), [&](const Error& error) { return of(error) == of(first); });
    };
    const auto code = [](const Error& error) { return error.code(); };
    const auto hint = [](const Error& error) { return error.hint(); };
    Error all(shared(code) ? first.code() : "export.unsupported",
              cat(counted(errors_.size(), "operator"), " of the network cannot be written"),
              shared(hint) ? first.hint() : "what each line says, or replacing them in the model");
    for (const Error& error : errors_) {
      const bool says_more = !shared(hint) && !error.hint().empty();
      all.at(cat(error.context().back(), ": ", error.message(), says_more ? "; try " + error.hint() : ""));
    }
    throw all;
  }

 private:
  std::unordered_set<const Node*> nodes_;
  std::vector<Error> errors_;
};

/// Names of the results: those of the signature, but where another value has the name already (an input that is
/// something else, an earlier result), with a number behind it.
std::vector<std::string> result_names(Lowering& lowering, const GraphModule& module) {
  const std::vector<Symbol>& wanted = module.signature().outputs;
  const Node& output = *module.graph().output();
  std::set<std::string> taken;
  for (const Node* input : module.graph().inputs()) taken.insert(input->name().str());
  std::vector<std::string> names;
  for (const Use& use : output.inputs()) {
    const Node& result = *use.producer();
    std::string name = wanted[use.slot()].str();
    if (name.empty()) name = lowering.fresh_value(wanted.size() == 1 ? "output" : cat("output_", use.slot()));
    const bool is_itself = result.kind() == NodeKind::kInput && result.name() == Symbol(name);
    const bool repeated = std::find(names.begin(), names.end(), name) != names.end();
    if (repeated || (taken.contains(name) && !is_itself)) name = lowering.fresh_value(name);
    names.push_back(std::move(name));
  }
  return names;
}

}  // namespace

std::vector<std::string> try_lowering(const Network& network, const ExportOptions& options, const Reasons& reasons) {
  check_exportable(network.module, options, reasons);
  ExportOptions trial = options;
  trial.float_type = DType::kF32;
  trial.lets_go_of_weights = false;
  std::vector<std::string> warnings;
  lower(network, trial, &warnings);
  return warnings;
}

onnx::Model lower(const Network& network, const ExportOptions& options, std::vector<std::string>* warnings) {
  check_exportable(network.module, options);
  Problems problems;
  Lowering lowering(network, options);
  onnx::Model& model = lowering.model_;
  const Node& output = *network.module.graph().output();
  const std::vector<std::string> names = result_names(lowering, network.module);
  const auto casts = [&](const Node& result) {
    return result.tensor() && lowering.file_dtype_of(result) != result.tensor()->dtype &&
           !is_cast_to_uint8_result(result);
  };
  // A result that is computed here, once, in its own type, takes its name from the signature.
  for (const Use& use : output.inputs()) {
    const Node& result = *use.producer();
    const bool computed = result.kind() == NodeKind::kCallModule || result.kind() == NodeKind::kCallFunction ||
                          result.kind() == NodeKind::kGetItem;
    if (computed && !casts(result) && !is_quant_stub(result)) lowering.results_.emplace(&result, names[use.slot()]);
  }
  for (const Node& node : network.module.graph().nodes()) {
    if (node.kind() == NodeKind::kOutput || problems.stand_in_front_of(node)) continue;
    try {
      const int64_t before = lowering.opset();
      lowering.enter(node);
      check_element_type(lowering, node);
      check_size(node.type());
      if (node.kind() == NodeKind::kInput) {
        lower_input(lowering, model, node);
      } else {
        lower_node(lowering, node);
        if (options.lets_go_of_weights) let_go_of_weights(network, node);
      }
      if (lowering.opset() > before) check_opset(options, lowering.opset(), "its operator");
    } catch (Error& error) {
      problems.note(node, error.at(place_of(node)));
    } catch (const std::out_of_range&) {  // an axis beyond the rank that the file says, a list that is too short
      problems.note(node, misfit("its arguments do not fit the shapes of what it reads").at(place_of(node)));
    } catch (...) {
      problems.note(node, misfit(reason_of_failure()).at(place_of(node)));
    }
  }
  problems.rethrow();
  for (const Use& use : output.inputs()) {
    const Node& result = *use.producer();
    const std::string& name = names[use.slot()];
    const Type& type = result.type();
    if (result.kind() == NodeKind::kCallFunction && is_size(result))
      throw Error("export.output", "a result of the network is a size, and no tensor").at(place_of(result));
    const bool is_input = result.kind() == NodeKind::kInput;  // returned as it came, without a way through FP16
    const std::string value = is_input ? result.name().str() : lowering.value(result);
    model.graph.outputs.push_back(value_info(name, type));
    if (value == name) continue;
    if (casts(result) && !is_input) {
      lowering.add("Cast", name + "_cast", {value}, {{"to", onnx::data_type(type.tensor()->dtype)}}, name);
    } else {
      lowering.add("Identity", name + "_copy", {value}, {}, name);
    }
  }
  if (warnings) *warnings = std::move(lowering.warnings_);
  onnx::fold_padding(model.graph);
  lowering.list_types();
  onnx::prune(model.graph);
  onnx::share_initializers(model.graph);
  model.opset = std::max(lowering.opset(), options.opset);
  model.producer_name = "graftwork";
  model.producer_version = GRAFTWORK_VERSION;
  model.graph.name = "graftwork";
  onnx::infer_types(model);
  return std::move(model);
}

}  // namespace graftwork::core

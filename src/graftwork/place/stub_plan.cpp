#include "graftwork/place/stub_plan.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/ir/text/print.h"
#include "graftwork/place/skip_list.h"

namespace graftwork {
namespace {

/// Operators that only move data: Q passes them unchanged (rule C2).
bool moves_data(Symbol op) {
  static const std::array<Symbol, 8> kCopies{"nn.Flatten",           "aten.view.default",      "aten.reshape.default",
                                             "aten.permute.default", "aten.transpose.int",     "aten.unsqueeze.default",
                                             "aten.squeeze.dim",     "aten.flatten.using_ints"};
  return std::find(kCopies.begin(), kCopies.end(), op) != kCopies.end();
}

/// The tensor that a reader's stub belongs to: behind copies that nobody else reads.
Node& quantized_tensor(Node& read) {
  Node* tensor = &read;
  while (moves_data(tensor->op()) && tensor->input_count() == 1 && tensor->use_count() == 1) tensor = &tensor->input(0);
  return *tensor;
}

/// The readers of a tensor that its stub serves: the node at the end of each copy chain, and the slot.
struct Reading {
  Node* user;
  uint32_t slot;
};

std::vector<int64_t> stub_positions(const ModuleRecord& record) {
  const Attribute* stubs = attribute_of(record, "stubs");
  return stubs ? *stubs->get<std::vector<int64_t>>() : std::vector<int64_t>();
}

std::string missing_reason(const ModuleRecord& record, const Kind& kind, int64_t position) {
  const auto& wanted = kind.inputs_to_quantize;
  if (std::find(wanted.begin(), wanted.end(), position) == wanted.end())
    return kind.name.str() + " runs in floating point";
  return cat(record.kind.str(), " has no INT8 kernel for these channels (rule S1)");
}

class Planner {
 public:
  Planner(const GraphModule& module, const QuantConfig& config)
      : module_(module), skip_stub_(config.skip.stub, "stub"), skip_weight_(config.skip.weight, "weight") {}

  StubPlan run() {
    for (Node& node : module_.graph().nodes()) {
      if (node.kind() != NodeKind::kCallModule) continue;
      const ModuleRecord& record = module_.record(node);
      const Kind& kind = KindTable::builtin().at(record.kind);
      if (kind.family == Family::kFused) plan_module(node, record, kind);
    }
    skip_stub_.check();
    skip_weight_.check();
    for (size_t i = 0; i < plan_.stubs.size(); ++i) plan_.stubs[i].stub = cat("quant_stub_", i);
    plan_.graph = fingerprint(module_);
    return std::move(plan_);
  }

 private:
  void plan_module(Node& node, const ModuleRecord& record, const Kind& kind) {
    const std::vector<int64_t> positions = stub_positions(record);
    const bool stub_skipped = skip_stub_.matches(module_.modules(), record);
    for (int64_t position = 0; position < static_cast<int64_t>(node.input_count()); ++position) {
      const StubReader reader{record.path, position};
      if (std::find(positions.begin(), positions.end(), position) == positions.end()) {
        plan_.missing.push_back({reader, missing_reason(record, kind, position)});
      } else if (stub_skipped) {
        plan_.missing.push_back({reader, "skipped by the recipe"});
      } else {
        add_reader(quantized_tensor(node.input(static_cast<size_t>(position))), reader, kind);
      }
    }
    plan_weight(record, kind, !positions.empty() && !stub_skipped);
  }

  void add_reader(Node& tensor, const StubReader& reader, const Kind& kind) {
    const auto [at, fresh] = by_tensor_.emplace(&tensor, plan_.stubs.size());
    if (fresh) plan_.stubs.push_back({{}, tensor.name(), {}, reason(kind, reader.input)});
    plan_.stubs[at->second].readers.push_back(reader);
  }

  static std::string reason(const Kind& kind, int64_t position) {
    if (position == 0 && !kind.weight_role.empty()) return cat(kind.name.str(), " reads INT8 (rule W1)");
    if (!kind.weight_role.empty()) return "the residual operand decides the precision of the sum (rule F3)";
    return cat(kind.name.str(), " reads INT8 (rule F15)");
  }

  void plan_weight(const ModuleRecord& record, const Kind& kind, bool input_quantized) {
    const bool skipped =
        skip_weight_.matches(module_.modules(), record);  // asked of all: a kind without weight may be named
    if (kind.weight_role.empty()) return;
    if (!weighed_.insert(record.path).second) return;  // a module that is called again
    PlannedWeight weight{record.path, module_.modules()[record.child(kind.weight_role)].path, false, {}};
    if (!record.child("weight_fake_quant")) {
      weight.reason = missing_reason(record, kind, kind.inputs_to_quantize[0]);
    } else if (skipped) {
      weight.reason = "skipped by the recipe";
      if (input_quantized) warn(weight, "its weight is skipped and its input is not");
    } else if (!input_quantized) {
      weight.reason = "its input is not quantized (rule W1)";
      warn(weight, "its input is skipped; its weight is left in floating point too");
    } else {
      weight.quantized = true;
      weight.reason = "per output channel (rule V11)";
    }
    plan_.weights.push_back(std::move(weight));
  }

  void warn(const PlannedWeight& weight, const std::string& what) {
    plan_.warnings.push_back(cat(weight.layer.str(), ": ", what, "; the layer runs in floating point (rule W1)"));
  }

  const GraphModule& module_;
  SkipList skip_stub_;
  SkipList skip_weight_;
  StubPlan plan_;
  std::unordered_map<const Node*, size_t> by_tensor_;
  std::unordered_set<Symbol> weighed_;
};

}  // namespace

StubPlan plan_stubs(const GraphModule& module, const QuantConfig& config) { return Planner(module, config).run(); }

size_t StubPlan::quantized_weights() const {
  return static_cast<size_t>(
      std::count_if(weights.begin(), weights.end(), [](const PlannedWeight& weight) { return weight.quantized; }));
}

std::string StubPlan::text() const {
  std::string out;
  for (const PlannedStub& stub : stubs) {
    std::vector<std::string> names;
    for (const StubReader& reader : stub.readers) names.push_back(cat(reader.module.str(), "[", reader.input, "]"));
    out += cat("Q/DQ %", stub.stub.str(), " on %", stub.tensor.str(), " for ", join(names), ": ", stub.reason, "\n");
  }
  for (const MissingStub& stub : missing)
    out += cat("float ", stub.reader.module.str(), "[", stub.reader.input, "]: ", stub.reason, "\n");
  for (const PlannedWeight& weight : weights) {
    out += cat(weight.quantized ? "Q/DQ " : "float ", weight.layer.str(), ".weight in ", weight.module.str(), ": ",
               weight.reason, "\n");
  }
  for (const std::string& warning : warnings) out += "warning: " + warning + "\n";
  return out;
}

namespace {

/// What a plan names.
struct NodeIndex {
  explicit NodeIndex(const GraphModule& module) {
    for (Node& node : module.graph().nodes()) {
      by_name.emplace(node.name(), &node);
      if (node.kind() == NodeKind::kCallModule) callers[module.record(node).path].push_back(&node);
    }
  }
  std::map<Symbol, Node*> by_name;
  std::map<Symbol, std::vector<Node*>> callers;  // by module path
};

/// Checks an edited plan against the network.
class PlanChecker {
 public:
  PlanChecker(const GraphModule& module, StubPlan& plan) : module_(module), plan_(plan), nodes_(module) {}

  void run() {
    for (const PlannedStub& stub : plan_.stubs) check_stub(stub);
    for (const PlannedWeight& weight : plan_.weights) check_weight(weight);
  }

 private:
  [[noreturn]] static void refuse(const char* code, const std::string& what) {
    throw Error(code, what, "making the plan again and editing \"apply\" and \"quantized\" only");
  }

  void check_stub(const PlannedStub& stub) {
    const auto tensor = nodes_.by_name.find(stub.tensor);
    if (tensor == nodes_.by_name.end()) {
      refuse("plan.stub", cat(stub.stub.str(), " is on %", stub.tensor.str(), ", which does not exist"));
    }
    if (stub.stub.empty() || module_.modules().find(stub.stub) || !names_.insert(stub.stub).second) {
      refuse("plan.stub", cat("there are two modules ", stub.stub.str()));
    }
    for (const StubReader& reader : stub.readers) check_reader(stub, *tensor->second, reader);
  }

  void check_reader(const PlannedStub& stub, Node& tensor, const StubReader& reader) {
    const std::string name = cat(reader.module.str(), "[", reader.input, "]");
    const auto callers = nodes_.callers.find(reader.module);
    if (callers == nodes_.callers.end())
      refuse("plan.stub", cat(stub.stub.str(), " is read by ", name, ", which does not exist"));
    const std::vector<int64_t> positions = stub_positions(module_.record(*callers->second.front()));
    if (std::find(positions.begin(), positions.end(), reader.input) == positions.end()) {
      refuse("plan.stub", cat(name, " has no INT8 kernel to read ", stub.stub.str()));
    }
    const bool reads = std::any_of(callers->second.begin(), callers->second.end(), [&](Node* caller) {
      return &quantized_tensor(caller->input(static_cast<size_t>(reader.input))) == &tensor;
    });
    if (!reads) refuse("plan.stub", cat(name, " does not read %", stub.tensor.str()));
    if (!read_.emplace(reader.module, reader.input).second) refuse("plan.stub", cat(name, " reads two stubs"));
    if (reader.input == 0) fed_.insert(reader.module);
  }

  void check_weight(const PlannedWeight& weight) {
    const ModuleId id = module_.modules().find(weight.module);
    const ModuleRecord* record = id ? &module_.modules()[id] : nullptr;
    const Symbol role = record ? KindTable::builtin().at(record->kind).weight_role : Symbol();
    if (role.empty() || module_.modules()[record->child(role)].path != weight.layer) {
      refuse("plan.weight", cat(weight.module.str(), " has no layer ", weight.layer.str()));
    }
    if (weight.quantized && !record->child("weight_fake_quant")) {
      refuse("plan.weight", cat(weight.layer.str(), " has no INT8 kernel"));
    }
    if (weight.quantized != fed_.contains(weight.module)) {
      plan_.warnings.push_back(cat(weight.layer.str(), ": its ", weight.quantized ? "weight" : "input",
                                   " is quantized and its ", weight.quantized ? "input" : "weight",
                                   " is not; the layer runs in floating point (rule W1)"));
    }
  }

  const GraphModule& module_;
  StubPlan& plan_;
  NodeIndex nodes_;
  std::unordered_set<Symbol> names_;
  std::set<std::pair<Symbol, int64_t>> read_;
  std::unordered_set<Symbol> fed_;  // modules whose first input is quantized
};

}  // namespace

void check_stub_plan(const GraphModule& module, StubPlan& plan) {
  if (plan.graph != fingerprint(module)) {
    throw Error("plan.graph", "the plan of Q/DQ was made for another network, or for other fusions", "making it again");
  }
  PlanChecker(module, plan).run();
}

void apply_stub_plan(GraphModule& module, const StubPlan& plan) {
  const NodeIndex nodes(module);
  for (const PlannedStub& stub : plan.stubs) {
    Node& tensor = *nodes.by_name.at(stub.tensor);
    ModuleRecord record;
    record.path = stub.stub;
    record.kind = "QuantStub";
    const ModuleId id = module.modules().add(std::move(record));
    // Readers behind a copy chain get the stub in front of the chain.
    std::vector<Reading> readings;
    for (const StubReader& reader : stub.readers) {
      for (Node* user : nodes.callers.at(reader.module)) {
        auto slot = static_cast<uint32_t>(reader.input);
        Node* reading = user;
        for (Node* at = &user->input(slot); at != &tensor && moves_data(at->op()); at = &at->input(0)) {
          reading = at;
          slot = 0;
        }
        if (&reading->input(slot) == &tensor) readings.push_back({reading, slot});
      }
    }
    GRAFTWORK_ASSERT(!readings.empty());
    Node* const input = &tensor;
    NodeSpec spec = call_module_spec(module.modules(), id, std::span(&input, 1));
    spec.name = stub.stub;
    spec.origin = tensor.origin();
    Node& node = module.graph().stage(std::move(spec), std::span(&input, 1));
    Node* earliest = readings[0].user;
    for (const Reading& reading : readings) {
      if (reading.user->before(*earliest)) earliest = reading.user;
    }
    module.graph().link_before(node, *earliest);
    for (const Reading& reading : readings) module.graph().set_input(*reading.user, reading.slot, node);
  }
  for (const PlannedWeight& weight : plan.weights) {
    if (weight.quantized) continue;
    ModuleRecord& record = module.modules().edit(module.modules().find(weight.module));
    std::erase_if(record.children, [](const auto& child) { return child.first == Symbol("weight_fake_quant"); });
  }
}

}  // namespace graftwork

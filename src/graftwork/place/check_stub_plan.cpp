#include <algorithm>
#include <map>
#include <unordered_set>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/ir/text/print.h"
#include "graftwork/patterns/quantizations/data_movement.h"
#include "graftwork/place/node_index.h"
#include "graftwork/place/stub_plan.h"

namespace graftwork {
namespace {

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
    if (stub.given) return check_given(stub);
    const auto tensor = nodes_.by_name.find(stub.tensor);
    if (tensor == nodes_.by_name.end()) {
      refuse("plan.stub", cat(stub.stub.str(), " is on %", stub.tensor.str(), ", which does not exist"));
    }
    if (stub.stub.empty() || module_.modules().find(stub.stub) || !names_.insert(stub.stub).second) {
      refuse("plan.stub", cat("there are two modules ", stub.stub.str()));
    }
    for (const StubReader& reader : stub.readers) check_reader(stub, *tensor->second, reader);
  }

  /// A stub of the network itself, which the plan only lists.
  void check_given(const PlannedStub& stub) {
    const auto calls = nodes_.callers.find(stub.stub);
    if (calls == nodes_.callers.end() || calls->second.front()->op() != Symbol("QuantStub"))
      refuse("plan.stub", cat("the network has no stub ", stub.stub.str()));
    for (const StubReader& reader : stub.readers) {
      if (reader.input == 0) fed_.insert(reader.module);
    }
  }

  /// What the module declares, and what its surroundings may add.
  bool may_read(const ModuleRecord& record, int64_t input) const {
    const auto holds = [input](const std::vector<int64_t>& positions) {
      return std::find(positions.begin(), positions.end(), input) != positions.end();
    };
    const Attribute* declared = attribute_of(record, "stubs");
    return (declared && holds(*declared->get<std::vector<int64_t>>())) ||
           holds(KindTable::builtin().at(record.kind).may_quantize);
  }

  void check_reader(const PlannedStub& stub, Node& tensor, const StubReader& reader) {
    const std::string name = cat(reader.module.str(), "[", reader.input, "]");
    const auto callers = nodes_.callers.find(reader.module);
    if (callers == nodes_.callers.end())
      refuse("plan.stub", cat(stub.stub.str(), " is read by ", name, ", which does not exist"));
    if (!may_read(module_.record(*callers->second.front()), reader.input)) {
      refuse("plan.stub", cat(name, " has no INT8 kernel to read ", stub.stub.str()));
    }
    const bool reads = std::any_of(callers->second.begin(), callers->second.end(), [&](Node* caller) {
      return &quantized_tensor(caller->input(static_cast<size_t>(reader.input))) == &tensor;
    });
    if (!reads) refuse("plan.stub", cat(name, " does not read %", stub.tensor.str()));
    if (++stubs_read_[{reader.module, reader.input}] > callers->second.size())
      refuse("plan.stub", cat(name, " reads two stubs"));
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
  std::map<std::pair<Symbol, int64_t>, size_t> stubs_read_;
  std::unordered_set<Symbol> fed_;  // modules whose first input is quantized
};

}  // namespace

void check_stub_plan(const GraphModule& module, StubPlan& plan) {
  if (plan.graph != fingerprint(module)) {
    throw Error("plan.graph", "the plan of Q/DQ was made for another network, or for other fusions", "making it again");
  }
  PlanChecker(module, plan).run();
}

}  // namespace graftwork

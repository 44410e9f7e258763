#include <algorithm>
#include <map>
#include <set>
#include <unordered_set>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/ir/body.h"
#include "graftwork/ir/kind.h"
#include "graftwork/ir/kinds/quant.h"
#include "graftwork/ir/text/print.h"
#include "graftwork/place/node_index.h"
#include "graftwork/place/stub_plan.h"
#include "graftwork/place/weight_blocks.h"

namespace graftwork::core {
namespace {

/// Checks an edited plan against the network.
class PlanChecker {
 public:
  PlanChecker(const GraphModule& module, StubPlan& plan, const PlacementRules& rules)
      : module_(module), plan_(plan), rules_(rules), nodes_(module) {}

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
    if (!stub.value.empty()) return check_inner_value(stub);
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
    if (calls == nodes_.callers.end() || !is_quant_stub(*calls->second.front()))
      refuse("plan.stub", cat("the network has no stub ", stub.stub.str()));
    for (const StubReader& reader : stub.readers) {
      fed_.emplace(reader.module, reader.input);
    }
  }

  void check_inner_value(const PlannedStub& stub) {
    const StubReader& reader = stub.readers.front();
    const ModuleId id = module_.modules().find(reader.module);
    const Kind* kind = id ? module_.modules().kinds().find(module_.modules()[id].kind) : nullptr;
    const bool is_named = kind && kind->body &&
                          is_quantizer_role(*kind, value_quantizer_role(stub.value), "QuantStub") &&
                          stub.stub == inner_value_name(reader.module, value_quantizer_role(stub.value)) &&
                          stub.tensor == inner_value_name(reader.module, stub.value) && stub.readers.size() == 1;
    if (!is_named)
      refuse("plan.stub", cat(reader.module.str(), " has no value ", stub.value.str(), " that can be quantized"));
    if (!names_.insert(stub.stub).second) refuse("plan.stub", cat("there are two modules ", stub.stub.str()));
    inner_.emplace(reader.module, stub.value);
  }

  /// What the module declares, and what its surroundings may add.
  bool may_read(const ModuleRecord& record, int64_t input) const {
    const auto holds = [input](const std::vector<int64_t>& positions) {
      return std::find(positions.begin(), positions.end(), input) != positions.end();
    };
    const KindTable& kinds = module_.modules().kinds();
    const Attribute* declared = attribute_of(record, "stubs", kinds);
    return (declared && holds(*declared->get<std::vector<int64_t>>())) ||
           (input >= 0 && kinds.at(record.kind).may_quantize(static_cast<size_t>(input)));
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
      return &quantized_tensor(caller->input(static_cast<size_t>(reader.input)), rules_) == &tensor;
    });
    if (!reads) refuse("plan.stub", cat(name, " does not read %", stub.tensor.str()));
    if (++stubs_read_[{reader.module, reader.input}] > callers->second.size())
      refuse("plan.stub", cat(name, " reads two stubs"));
    fed_.emplace(reader.module, reader.input);
  }

  void check_weight(const PlannedWeight& weight) {
    const ModuleId id = module_.modules().find(weight.module);
    const ModuleRecord* record = id ? &module_.modules()[id] : nullptr;
    const BodyLayer* layer = record ? layer_at(module_.modules(), *record, weight.layer) : nullptr;
    if (!layer) refuse("plan.weight", cat(weight.module.str(), " has no layer ", weight.layer.str()));
    if (weight.quantized && !weight_quantizer(*record, *layer)) {
      refuse("plan.weight", cat(weight.layer.str(), " has no INT8 kernel"));
    }
    const bool reads = reads_quantized(*record, *layer);
    if (weight.quantized && weight.block_size > 0)
      return check_blocks(weight, reads, module_.modules()[record->child(layer->role)]);
    if (weight.quantized != reads) {
      plan_.warnings.push_back(cat(weight.layer.str(), ": its ", weight.quantized ? "weight" : "input",
                                   " is quantized and its ", weight.quantized ? "input" : "weight",
                                   " is not; the layer runs in floating point", rules_.both_sides_rule));
    }
  }

  void check_blocks(const PlannedWeight& weight, bool reads_quantized, const ModuleRecord& layer) const {
    if (const Outcome fit = fits_blocks(layer, weight.block_size); !fit)
      refuse("plan.weight", cat(weight.layer.str(), ": ", fit.reason()));
    if (reads_quantized)
      refuse("plan.weight",
             cat(weight.layer.str(), ": a weight in blocks is multiplied in floating point, and its input ",
                 "is quantized", rules_.weight_only_rule));
  }

  bool reads_quantized(const ModuleRecord& record, const BodyLayer& layer) const {
    const Symbol value = layer.call->input(0).name();
    const auto input = module_.modules().kinds().at(record.kind).input(value);
    return input ? fed_.contains({record.path, static_cast<int64_t>(*input)}) : inner_.contains({record.path, value});
  }

  const GraphModule& module_;
  StubPlan& plan_;
  const PlacementRules& rules_;
  NodeIndex nodes_;
  std::unordered_set<Symbol> names_;
  std::map<std::pair<Symbol, int64_t>, size_t> stubs_read_;
  std::set<std::pair<Symbol, int64_t>> fed_;   // modules and their inputs that are quantized
  std::set<std::pair<Symbol, Symbol>> inner_;  // and their inner values
};

}  // namespace

void check_stub_plan(const GraphModule& module, StubPlan& plan, const Backend& backend) {
  if (plan.graph != fingerprint(module)) {
    throw Error("plan.graph", "the plan of Q/DQ was made for another network, or for other fusions", "making it again");
  }
  PlanChecker(module, plan, backend.placement).run();
}

}  // namespace graftwork::core

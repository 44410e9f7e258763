#include "graftwork/cli/reports/network_json.h"

#include <set>
#include <unordered_map>
#include <unordered_set>

#include "graftwork/base/dtype.h"
#include "graftwork/ir/body.h"
#include "graftwork/ir/kind.h"
#include "graftwork/ir/kinds/quant.h"
#include "graftwork/ir/text/print.h"

namespace graftwork::core::cli {
namespace {

bool is_float(const Type& type) {
  if (const std::vector<Type>* elements = type.elements()) return !elements->empty() && is_float(elements->front());
  return type.tensor() && is_floating(type.tensor()->dtype);
}

bool is_left_out(const Node& node) {
  return node.kind() == NodeKind::kConstant || node.kind() == NodeKind::kGetItem || is_quant_stub(node);
}

class NetworkJson {
 public:
  NetworkJson(const GraphModule& module, const StubPlan& plan, const std::map<std::string, std::string>& wide,
              const std::string& float_type)
      : module_(module), wide_(wide), float_type_(float_type) {
    for (const PlannedStub& stub : plan.stubs) {
      for (const StubReader& reader : stub.readers) {
        read_.emplace(reader.module, stub.precision);
        if (stub.value.empty()) stubs_[{reader.module, reader.input}] = stub.stub;
      }
    }
    for (const PlannedWeight& weight : plan.weights) {
      has_weights_.insert(weight.module);
      if (weight.quantized) quantized_weights_.emplace(weight.module, &weight);
    }
  }

  Json run() const {
    Json nodes = Json::array();
    for (const Node& node : module_.graph().nodes()) {
      if (node.kind() == NodeKind::kOutput) {
        add_results(node, nodes);
      } else if (!is_left_out(node)) {
        nodes.push_back(node_json(node));
      }
    }
    return nodes;
  }

 private:
  Json node_json(const Node& node) const {
    Json json{{"name", node.name().str()}, {"kind", kind_of(node)}};
    if (node.kind() != NodeKind::kInput) json["op"] = node.op().str();
    if (node.kind() == NodeKind::kCallModule) json["module"] = module_.record(node).path.str();
    if (!node.origin().module_path.empty()) json["scope"] = node.origin().module_path.str();
    if (!node.origin().source.empty()) json["source"] = node.origin().source.str();
    json["type"] = node.type().text();
    json["precision"] = precision_of(node);
    json["reads"] = Json::array();
    for (const Use& use : node.inputs()) add_read(node, use.slot(), json["reads"]);
    if (is_fused(node)) json["layers"] = layers_json(module_.record(node));
    return json;
  }

  void add_results(const Node& output, Json& nodes) const {
    for (size_t i = 0; i < output.input_count(); ++i) {
      const Node& result = output.input(i);
      Json json{{"name", module_.signature().outputs[i].str()},
                {"kind", "output"},
                {"type", result.type().text()},
                {"precision", "other"},
                {"reads", Json::array()}};
      add_read(output, i, json["reads"]);
      nodes.push_back(std::move(json));
    }
  }

  bool is_fused(const Node& node) const {
    return node.kind() == NodeKind::kCallModule && module_.modules().kinds().at(node.op()).is_fused();
  }

  std::string kind_of(const Node& node) const {
    if (node.kind() == NodeKind::kInput) return "input";
    if (node.kind() == NodeKind::kCallFunction) return "operator";
    return is_fused(node) ? "kernel" : "module";
  }

  std::string precision_of(const Node& node) const {
    if (node.kind() == NodeKind::kInput) return "other";
    if (is_fused(node)) {
      const std::string codes = codes_of(module_.record(node).path);
      if (!codes.empty()) return codes;
    }
    if (!is_float(node.type())) return "other";
    return wide_.contains(node.name().str()) ? "fp32" : float_type_;
  }

  /// What a kernel computes on; empty for floats. Weights in blocks are codes that floats are multiplied by.
  std::string codes_of(Symbol path) const {
    const auto weight = quantized_weights_.find(path);
    const bool in_blocks = weight != quantized_weights_.end() && weight->second->block_size > 0;
    if (in_blocks) return std::string(name_of(weight->second->precision));
    const auto read = read_.find(path);
    if (read == read_.end() || (has_weights_.contains(path) && weight == quantized_weights_.end())) return {};
    return std::string(name_of(read->second));
  }

  /// The node that gives the value, which element of its tuple that is, and the stub on the way.
  void add_read(const Node& reader, size_t input, Json& reads) const {
    const Node* node = &reader.input(input);
    Symbol value, stub = planned_stub(reader, input);
    while (node->kind() == NodeKind::kGetItem || is_quant_stub(*node)) {
      if (node->kind() == NodeKind::kGetItem) {
        value = node->name();
      } else if (stub.empty()) {
        stub = module_.record(*node).path;
      }
      node = &node->input(0);
    }
    if (node->kind() == NodeKind::kConstant) return;
    Json read{{"node", node->name().str()}, {"input", input}};
    if (!value.empty()) read["value"] = value.str();
    if (!stub.empty()) read["stub"] = stub.str();
    reads.push_back(std::move(read));
  }

  /// That of a kernel's input, also where it stands in front of what only moves data.
  Symbol planned_stub(const Node& reader, size_t input) const {
    if (reader.kind() != NodeKind::kCallModule) return {};
    const auto stub = stubs_.find({module_.record(reader).path, static_cast<int64_t>(input)});
    return stub == stubs_.end() ? Symbol() : stub->second;
  }

  Json layers_json(const ModuleRecord& record) const {
    Json layers = Json::array();
    const Kind& kind = module_.modules().kinds().at(record.kind);
    for (const auto& [role, child] : record.children) {
      const ModuleRecord& part = module_.modules()[child];
      if (is_quantizer_role(kind, role, part.kind)) continue;
      layers.push_back({{"path", part.path.str()}, {"text", print_record(module_.modules(), child)}});
    }
    return layers;
  }

  const GraphModule& module_;
  const std::map<std::string, std::string>& wide_;
  const std::string& float_type_;
  std::map<std::pair<Symbol, int64_t>, Symbol> stubs_;  // by module and input
  std::unordered_map<Symbol, Precision> read_;          // by module: of what it reads
  std::unordered_map<Symbol, const PlannedWeight*> quantized_weights_;
  std::unordered_set<Symbol> has_weights_;
};

}  // namespace

Json network_json(const GraphModule& quantized, const StubPlan& plan, const std::map<std::string, std::string>& wide,
                  const std::string& float_type) {
  return NetworkJson(quantized, plan, wide, float_type).run();
}

}  // namespace graftwork::core::cli

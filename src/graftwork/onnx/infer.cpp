#include "graftwork/onnx/infer.h"

#include <algorithm>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/onnx/dims.h"
#include "graftwork/onnx/operator_rules.h"

namespace graftwork::core::onnx {
namespace {

std::string text_of(const ValueType& value) {
  return cat(dtype_name(value.type), value.dims ? onnx::text_of(*value.dims) : std::string(" of unknown rank"));
}

Dims dims_of(const Tensor& tensor) { return {tensor.dims.begin(), tensor.dims.end()}; }

char letter_at(std::string_view letters, size_t i) { return letters[std::min(i, letters.size() - 1)]; }

class Inference {
 public:
  explicit Inference(const Model& model) : graph_(model.graph), opset_(model.opset) {}

  ValueTypes run() && {
    types_.reserve(graph_.inputs.size() + graph_.initializers.size() + 2 * graph_.nodes.size());
    for (const ValueInfo& input : graph_.inputs) types_.emplace(input.name, ValueType{input.type, input.dims});
    for (const Tensor& tensor : graph_.initializers) {
      types_.emplace(tensor.name, ValueType{tensor.type, dims_of(tensor)});
      constants_.emplace(tensor.name, &tensor);
    }
    for (const auto* infos : {&graph_.value_infos, &graph_.outputs}) {
      for (const ValueInfo& info : *infos) listed_.emplace(info.name, &info);
    }
    for (const Node& node : graph_.nodes) visit(node);
    return std::move(types_);
  }

 private:
  void visit(const Node& node) {
    const OperatorRule* rule = node.domain.empty() ? find_operator_rule(node.op_type) : nullptr;
    if (!rule) {
      for (const std::string& output : node.outputs) keep_listed(output);
      return;
    }
    try {
      const Operands operands = operands_of(node);
      std::unordered_map<char, DType> letters;
      check_types(*rule, operands, letters);
      const std::vector<Shape> shapes = rule->shapes(operands);
      for (size_t i = 0; i < node.outputs.size(); ++i) {
        const std::optional<DType> type = result_type(letter_at(rule->results, i), operands, letters);
        if (node.outputs[i].empty()) continue;
        if (!type) {
          keep_listed(node.outputs[i]);
        } else {
          add(node.outputs[i], {*type, i < shapes.size() ? shapes[i] : std::nullopt});
        }
      }
    } catch (const IllegalOperands& why) {
      std::vector<std::string> types;
      for (const std::string& input : node.inputs) {
        const auto found = types_.find(input);
        if (!input.empty()) types.push_back(found == types_.end() ? "unknown" : text_of(found->second));
      }
      throw Error("export.inference",
                  cat("ONNX refuses the node ", quoted(node.name), " (", node.op_type, ") of ", join(types, ", "), ": ",
                      why.what()),
                  "looking at the types that the network gives its values; where they are right, reporting it");
    }
  }

  Operands operands_of(const Node& node) const {
    Operands operands{node, opset_, {}, {}};
    for (const std::string& input : node.inputs) {
      const auto type = types_.find(input);
      operands.inputs.push_back(type == types_.end() ? nullptr : &type->second);
      const auto constant = constants_.find(input);
      operands.constants.push_back(constant == constants_.end() ? nullptr : constant->second);
    }
    return operands;
  }

  static void check_types(const OperatorRule& rule, const Operands& operands,
                          std::unordered_map<char, DType>& letters) {
    for (size_t i = 0; i < operands.inputs.size(); ++i) {
      if (!operands.inputs[i]) continue;
      const DType type = operands.inputs[i]->type;
      const char letter = letter_at(rule.operands, i);
      const bool wants_index = letter == 'N' && type != DType::kI32 && type != DType::kI64;
      if ((letter == 'B' && type != DType::kBool) || (letter == 'I' && type != DType::kI64) || wants_index ||
          (letter == 'T' && !is_allowed(rule.allowed, type)))
        throw IllegalOperands(cat("it does not take ", dtype_name(type), " as operand ", i));
      if (letter == 'N' || letter == '*') continue;
      const auto [known, is_first] = letters.emplace(letter, type);
      if (!is_first && known->second != type)
        throw IllegalOperands(cat("operands of types ", dtype_name(known->second), " and ", dtype_name(type)));
    }
  }

  static std::optional<DType> result_type(char letter, const Operands& operands,
                                          const std::unordered_map<char, DType>& letters) {
    if (letter == 'B') return DType::kBool;
    if (letter == 'I') return DType::kI64;
    if (letter == 'C') return dtype_of(operands.integer("to", 0));
    const auto found = letters.find(letter);
    return found == letters.end() ? std::nullopt : std::optional<DType>(found->second);
  }

  void keep_listed(const std::string& name) {
    const auto listed = listed_.find(name);
    if (listed != listed_.end()) types_.emplace(name, ValueType{listed->second->type, listed->second->dims});
  }

  void add(const std::string& name, ValueType inferred) {
    const auto listed = listed_.find(name);
    if (listed != listed_.end()) {
      const ValueType wanted{listed->second->type, listed->second->dims};
      if (!agree(wanted, inferred))
        throw IllegalOperands(cat("its result ", quoted(name), " is ", text_of(inferred), " by ONNX's rules and ",
                                  text_of(wanted), " in the network"));
      if (!inferred.dims) inferred.dims = wanted.dims;
      // The network's names say more than none.
      for (size_t i = 0; i < wanted.dims->size(); ++i) {
        if (!known((*inferred.dims)[i])) (*inferred.dims)[i] = (*wanted.dims)[i];
      }
    }
    types_.emplace(name, std::move(inferred));
  }

  static bool agree(const ValueType& listed, const ValueType& inferred) {
    if (listed.type != inferred.type) return false;
    if (!inferred.dims) return true;
    const auto may_equal = [](const Dimension& a, const Dimension& b) {
      return !known(a) || !known(b) || *known(a) == *known(b);
    };
    return std::equal(listed.dims->begin(), listed.dims->end(), inferred.dims->begin(), inferred.dims->end(),
                      may_equal);
  }

  const Graph& graph_;
  int64_t opset_;
  ValueTypes types_;
  std::unordered_map<std::string_view, const Tensor*> constants_;
  std::unordered_map<std::string_view, const ValueInfo*> listed_;
};

}  // namespace

ValueTypes infer_types(const Model& model) { return Inference(model).run(); }

}  // namespace graftwork::core::onnx

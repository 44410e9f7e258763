// What a module or operator kind *is*, without saying how it runs: its attributes, parameters, shape
// function, and what of it is quantized. nn/ adds execution, export/ adds lowering.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "graftwork/base/outcome.h"
#include "graftwork/base/symbol.h"
#include "graftwork/ir/attribute.h"
#include "graftwork/ir/module_table.h"
#include "graftwork/ir/type.h"

namespace graftwork::core {

class GraphModule;

/// The values that an attribute may take. Integers lie between `least` and 2^31 − 1, so that no product of
/// two leaves 64 bits.
struct AttrForm {
  enum class Type : uint8_t { kInteger, kNumber, kFlag, kText, kIntegers, kNumbers, kAny };
  Type type = Type::kInteger;
  int64_t least = 0;
  size_t count = 0;  ///< kIntegers, kNumbers: how many there are; 0 stands for any number of them.

  static AttrForm integer(int64_t least) { return {Type::kInteger, least, 0}; }
  static AttrForm number() { return {Type::kNumber, 0, 0}; }
  static AttrForm flag() { return {Type::kFlag, 0, 0}; }
  static AttrForm text() { return {Type::kText, 0, 0}; }
  static AttrForm integers(size_t count, int64_t least) { return {Type::kIntegers, least, count}; }
  /// Whole or not.
  static AttrForm numbers(size_t count) { return {Type::kNumbers, 0, count}; }
  /// Whatever the operator that it is for takes.
  static AttrForm any() { return {Type::kAny, 0, 0}; }

  bool admits(const Attribute& value) const;
  /// "2 integers of at least 1".
  std::string describe() const;
};

struct AttrSpec {
  Symbol name;
  AttrForm form;
  std::optional<Attribute> default_value = std::nullopt;  ///< None: the attribute must be given.
};

struct ParamSpec {
  Symbol name;
  bool optional = false;
  bool deferred = false;  ///< Comes with calibration: absent until then.
};

/// What a shape function sees.
struct ShapeQuery {
  std::span<const Type> inputs;
  const AttrMap& attrs;
  const ModuleRecord* record = nullptr;  ///< Null for operators.
  const KindTable* kinds = nullptr;

  /// The input's shape and element type. Throws Error "ir.shape" when it is no tensor.
  const TensorType& tensor(size_t slot) const;
  int64_t integer(Symbol attr) const;
  double number(Symbol attr) const;
  bool flag(Symbol attr) const;
  const std::vector<int64_t>& integers(Symbol attr) const;
  std::vector<double> numbers(Symbol attr) const;
  /// The attribute, or the kind's default. Throws Error "ir.shape" when there is neither.
  const Attribute& attr(Symbol name) const;
};

enum class Family : uint8_t {
  kOperator,   ///< An ATen operator with a known shape function.
  kModule,     ///< A module of torch.nn.
  kConverted,  ///< Made by a conversion, matched by later patterns; has a body.
  kFused,      ///< The final unit of quantization, one kernel of the engine; has a body.
  kQuant,      ///< Fake-quantize modules.
};

struct Kind {
  Symbol name;
  Family family = Family::kModule;
  std::vector<AttrSpec> attrs;
  std::vector<ParamSpec> params;
  /// What it computes; null for modules and operators of torch. See ir/body.h.
  std::shared_ptr<const GraphModule> body;
  std::vector<int64_t> inputs_to_quantize;  ///< Positions of the node's inputs; only for fused kinds.
  AttrMap quantized_attrs;                  ///< Of a module that is quantized there: "stubs".
  std::vector<Symbol> values_to_quantize;   ///< Inner values of the body that are quantized when its inputs are.
  std::vector<Symbol> quantizable_values;   ///< Inputs and inner values that may be, where the surroundings want it.
  std::string definition_place;             ///< Where a user defined it, "mine.gpat:3:8"; empty for what is built in.
  int64_t output_channel_axis = -1;         ///< Of `weight`; −1 when there is no weight.
  size_t min_inputs = 1;
  size_t max_inputs = 1;
  /// Result type from input types. Throws Error "ir.shape" when the inputs do not fit.
  std::function<Type(const ShapeQuery&)> shape;
  /// Type of parameter `name` as the attributes imply it; nothing when they do not say.
  std::function<std::optional<TensorType>(const ModuleRecord&, Symbol name)> param_type;

  const AttrSpec* attr(Symbol attr_name) const;
  const ParamSpec* param(Symbol param_name) const;
  /// Position of the input that is named so in the body; nothing when there is none.
  std::optional<size_t> input(Symbol input_name) const;
  /// Whether the surroundings may quantize this input.
  bool may_quantize(size_t input) const;
  bool is_fused() const { return family == Family::kFused; }
};

/// Whether two kinds are the same: name, family, body, and what of it is quantized.
bool same_definition(const Kind& a, const Kind& b);

/// Why an engine has no low-precision kernel for this layer, or that it has one.
using LayerGuard = std::function<Outcome(const ModuleRecord& layer)>;

/// The kinds that the modules of a network may be: torch's, and those of the engine that it is for. Immutable.
class KindTable {
 public:
  /// torch's modules and the operators with shape functions, which no engine changes.
  static const std::shared_ptr<const KindTable>& torch();

  explicit KindTable(std::vector<Kind> kinds);
  /// These kinds and further ones; where an engine is given, with its guard instead of the one there is. Throws Error
  /// "ir.kind" when there is another kind of one's name; the same again is no second one.
  std::shared_ptr<const KindTable> with(std::vector<Kind> kinds, LayerGuard guard = {}) const;
  /// These and those of `other` that are not among them; throws as `with` does.
  std::shared_ptr<const KindTable> with(const KindTable& other) const;

  /// Whether all kinds of `other` are among these.
  bool includes(const KindTable& other) const;

  /// Null when there is no such kind.
  const Kind* find(Symbol name) const;
  /// The kind; throws InternalError when there is none.
  const Kind& at(Symbol name) const;
  std::span<const std::shared_ptr<const Kind>> all() const { return kinds_; }

  /// Whether the engine has a low-precision kernel for a module, as its guard says of layers with a weight; where there
  /// is no engine, it has.
  Outcome has_low_precision_kernel(const ModuleRecord& module) const;

 private:
  void add(std::shared_ptr<const Kind> kind);

  std::vector<std::shared_ptr<const Kind>> kinds_;
  std::vector<uint32_t> by_symbol_;  // symbol id → index + 1
  LayerGuard guard_;
};

/// Attribute of a record, or its kind's default; null when there is neither. For kinds of an engine: its table.
const Attribute* attribute_of(const ModuleRecord& record, Symbol name, const KindTable& kinds = *KindTable::torch());

/// The numbers of an attribute of form kNumbers, or of integers; nothing when it holds anything else.
std::optional<std::vector<double>> numbers_in(const Attribute& attr);

/// Throws Error "ir.attribute" when an attribute is unknown to the record's kind, missing, or of another form;
/// "ir.kind" when there is no such kind.
void check_attributes(const ModuleRecord& record, const KindTable& kinds);

/// Result type of calling `record` on `inputs`; of several results their tuple. Throws Error "ir.shape".
Type infer_module(const ModuleRecord& record, std::span<const Type> inputs, const ModuleTable& modules);

/// Result type of operator `op`; unknown when the operator has no kind. Throws Error "ir.shape".
Type infer_function(Symbol op, std::span<const Type> inputs, const AttrMap& attrs);

/// Refuses a shape: Error "ir.shape".
[[noreturn]] void refuse_shape(const std::string& what);

}  // namespace graftwork::core

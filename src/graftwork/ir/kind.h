// What a module or operator kind *is*, without saying how it runs: its attributes, parameters, shape
// function, and what of it is quantized. nn/ adds execution, export/ adds lowering.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "graftwork/base/symbol.h"
#include "graftwork/ir/attribute.h"
#include "graftwork/ir/module_table.h"
#include "graftwork/ir/type.h"

namespace graftwork {

class KindTable;

/// The values that an attribute may take. Integers lie between `least` and 2^31 − 1, so that no product of
/// two leaves 64 bits.
struct AttrForm {
  enum class Type : uint8_t { kInteger, kNumber, kFlag, kText, kIntegers, kNumbers };
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

/// One part of a fused module, run in order: a child module that takes the running value, or the
/// addition of another input of the fused node.
struct FusedStep {
  Symbol role;  ///< Child role; for an addition the name of the input ("residual").
  bool optional = false;
  int64_t add_input = -1;  ///< ≥ 0: this step adds that input instead of running a child.
  bool is_addition() const { return add_input >= 0; }
};

/// What a shape function sees.
struct ShapeQuery {
  std::span<const Type> inputs;
  const AttrMap& attrs;
  const ModuleRecord* record = nullptr;  ///< Null for operators.
  const ModuleTable* modules = nullptr;
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
  kConverted,  ///< Made by a conversion, matched by later patterns.
  kFused,      ///< The final unit of quantization.
  kQuant,      ///< Fake-quantize modules.
};

struct Kind {
  Symbol name;
  Family family = Family::kModule;
  std::vector<AttrSpec> attrs;
  std::vector<ParamSpec> params;
  std::vector<FusedStep> steps;             ///< Only for fused kinds.
  std::vector<int64_t> inputs_to_quantize;  ///< Positions of the node's inputs; only for fused kinds.
  std::vector<int64_t> may_quantize;        ///< Further positions, where the surroundings want it.
  Symbol weight_role;                       ///< Child that owns the quantized weight; empty when none does.
  int64_t output_channel_axis = -1;         ///< Of `weight`; −1 when there is no weight.
  size_t min_inputs = 1;
  size_t max_inputs = 1;
  /// Result type from input types. Throws Error "ir.shape" when the inputs do not fit.
  std::function<Type(const ShapeQuery&)> shape;
  /// Type of parameter `name` as the attributes imply it; nothing when they do not say.
  std::function<std::optional<TensorType>(const ModuleRecord&, Symbol name)> param_type;

  const AttrSpec* attr(Symbol attr_name) const;
  const ParamSpec* param(Symbol param_name) const;
};

/// All kinds. Immutable after construction.
class KindTable {
 public:
  /// The kinds that Graftwork knows: modules, fused modules, and operators with shape functions.
  static const KindTable& builtin();

  explicit KindTable(std::vector<Kind> kinds);
  /// Null when there is no such kind.
  const Kind* find(Symbol name) const;
  /// The kind; throws InternalError when there is none.
  const Kind& at(Symbol name) const;
  std::span<const Kind> all() const { return kinds_; }

 private:
  std::vector<Kind> kinds_;
  std::vector<uint32_t> by_symbol_;  // symbol id → index + 1
};

/// Attribute of a record, or its kind's default; null when there is neither.
const Attribute* attribute_of(const ModuleRecord& record, Symbol name, const KindTable& kinds = KindTable::builtin());

/// The numbers of an attribute of form kNumbers, or of integers; nothing when it holds anything else.
std::optional<std::vector<double>> numbers_in(const Attribute& attr);

/// Throws Error "ir.attribute" when an attribute is unknown to the record's kind, missing, or of another form;
/// "ir.kind" when there is no such kind.
void check_attributes(const ModuleRecord& record, const KindTable& kinds = KindTable::builtin());

/// Result type of calling `record` on `inputs`. Throws Error "ir.shape".
Type infer_module(const ModuleRecord& record, std::span<const Type> inputs, const ModuleTable& modules,
                  const KindTable& kinds = KindTable::builtin());

/// Result type of operator `op`; unknown when the operator has no kind. Throws Error "ir.shape".
Type infer_function(Symbol op, std::span<const Type> inputs, const AttrMap& attrs,
                    const KindTable& kinds = KindTable::builtin());

/// Refuses a shape: Error "ir.shape".
[[noreturn]] void refuse_shape(const std::string& what);

}  // namespace graftwork

#include "graftwork/ir/kind.h"

#include <algorithm>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/ir/body.h"
#include "graftwork/ir/bounds.h"
#include "graftwork/ir/isomorphism.h"
#include "graftwork/ir/kinds/kinds.h"

namespace graftwork::core {

namespace {

constexpr int64_t kLargestInteger = (int64_t{1} << 31) - 1;

}  // namespace

bool AttrForm::admits(const Attribute& value) const {
  const auto fits = [&](int64_t number) { return number >= least && number <= kLargestInteger; };
  switch (type) {
    case Type::kInteger:
      return value.get<int64_t>() && fits(*value.get<int64_t>());
    case Type::kNumber:
      return value.get<double>() || value.get<int64_t>();
    case Type::kFlag:
      return value.get<bool>();
    case Type::kText:
      return value.get<std::string>();
    case Type::kIntegers: {
      const auto* numbers = value.get<std::vector<int64_t>>();
      return numbers && (count == 0 || numbers->size() == count) && std::all_of(numbers->begin(), numbers->end(), fits);
    }
    case Type::kNumbers: {
      const auto numbers = numbers_in(value);
      return numbers && (count == 0 || numbers->size() == count);
    }
    case Type::kAny:
      return true;
  }
  return false;
}

std::string AttrForm::describe() const {
  switch (type) {
    case Type::kInteger:
      return cat("an integer of at least ", least);
    case Type::kNumber:
      return "a number";
    case Type::kFlag:
      return "true or false";
    case Type::kText:
      return "text";
    case Type::kIntegers:
      return cat(count == 0 ? "" : cat(count, " "), "integers of at least ", least);
    case Type::kNumbers:
      return cat(count == 0 ? "" : cat(count, " "), "numbers");
    case Type::kAny:
      return "a constant";
  }
  return {};
}

const AttrSpec* Kind::attr(Symbol attr_name) const {
  const auto found =
      std::find_if(attrs.begin(), attrs.end(), [&](const AttrSpec& spec) { return spec.name == attr_name; });
  return found == attrs.end() ? nullptr : &*found;
}

const ParamSpec* Kind::param(Symbol param_name) const {
  const auto found =
      std::find_if(params.begin(), params.end(), [&](const ParamSpec& spec) { return spec.name == param_name; });
  return found == params.end() ? nullptr : &*found;
}

std::optional<size_t> Kind::input(Symbol input_name) const {
  const std::vector<Node*> inputs = body ? body->graph().inputs() : std::vector<Node*>();
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i]->name() == input_name) return i;
  }
  return std::nullopt;
}

bool Kind::may_quantize(size_t number) const {
  return std::any_of(quantizable_values.begin(), quantizable_values.end(),
                     [&](Symbol value) { return input(value) == number; });
}

bool same_definition(const Kind& a, const Kind& b) {
  if (a.name != b.name || a.family != b.family || (a.body == nullptr) != (b.body == nullptr)) return false;
  if (!a.body) return true;
  return a.inputs_to_quantize == b.inputs_to_quantize && a.values_to_quantize == b.values_to_quantize &&
         a.quantizable_values == b.quantizable_values && !difference(*a.body, *b.body);
}

KindTable::KindTable(std::vector<Kind> kinds) {
  for (Kind& kind : kinds) {
    if (find(kind.name)) throw Error("ir.kind", cat("there are two kinds ", kind.name.str()));
    add(std::make_shared<const Kind>(std::move(kind)));
  }
}

void KindTable::add(std::shared_ptr<const Kind> kind) {
  const uint32_t id = kind->name.id();
  if (by_symbol_.size() <= id) by_symbol_.resize(id + 1, 0);
  kinds_.push_back(std::move(kind));
  by_symbol_[id] = static_cast<uint32_t>(kinds_.size());
}

const std::shared_ptr<const KindTable>& KindTable::torch() {
  static const std::shared_ptr<const KindTable> table = [] {
    std::vector<Kind> all;
    for (auto make : {conv_kinds, linear_kinds, norm_kinds, activation_kinds, pool_kinds, shape_kinds, resize_kinds,
                      quant_kinds, operator_kinds, data_movement_kinds, product_kinds}) {
      for (Kind& kind : make()) all.push_back(std::move(kind));
    }
    return std::make_shared<const KindTable>(std::move(all));
  }();
  return table;
}

std::shared_ptr<const KindTable> KindTable::with(std::vector<Kind> kinds, LayerGuard guard) const {
  auto result = std::make_shared<KindTable>(*this);
  if (guard) result->guard_ = std::move(guard);
  for (Kind& kind : kinds) {
    const Kind* known = find(kind.name);
    if (known && !same_definition(*known, kind)) {
      throw Error("ir.kind",
                  cat("there is another kind ", kind.name.str(),
                      known->definition_place.empty() ? "" : ", of " + known->definition_place),
                  "another name");
    }
    if (!known) result->add(std::make_shared<const Kind>(std::move(kind)));
  }
  return result;
}

std::shared_ptr<const KindTable> KindTable::with(const KindTable& other) const {
  auto result = std::make_shared<KindTable>(*this);
  for (const std::shared_ptr<const Kind>& kind : other.all()) {
    const Kind* known = find(kind->name);
    if (known == kind.get()) continue;
    if (known && !same_definition(*known, *kind))
      throw Error("ir.kind", cat("there are two kinds ", kind->name.str()), "another name for one of them");
    if (!known) result->add(kind);
  }
  if (!result->guard_) result->guard_ = other.guard_;
  return result;
}

bool KindTable::includes(const KindTable& other) const {
  return std::all_of(other.kinds_.begin(), other.kinds_.end(),
                     [this](const std::shared_ptr<const Kind>& kind) { return find(kind->name) == kind.get(); });
}

const Kind* KindTable::find(Symbol name) const {
  if (name.id() >= by_symbol_.size() || by_symbol_[name.id()] == 0) return nullptr;
  return kinds_[by_symbol_[name.id()] - 1].get();
}

const Kind& KindTable::at(Symbol name) const {
  const Kind* kind = find(name);
  GRAFTWORK_ASSERT(kind != nullptr);
  return *kind;
}

Outcome KindTable::has_low_precision_kernel(const ModuleRecord& module) const {
  return guard_ && at(module.kind).output_channel_axis >= 0 ? guard_(module) : applied();
}

void refuse_shape(const std::string& what) { throw Error("ir.shape", what); }

const TensorType& ShapeQuery::tensor(size_t slot) const {
  if (slot >= inputs.size()) refuse_shape(cat("input ", slot, " is missing"));
  const TensorType* type = inputs[slot].tensor();
  if (!type) refuse_shape(cat("input ", slot, " is ", inputs[slot].text(), ", not a tensor of known shape"));
  return *type;
}

const Attribute& ShapeQuery::attr(Symbol name) const {
  if (const Attribute* given = attrs.find(name)) return *given;
  const Kind* kind = record ? kinds->find(record->kind) : nullptr;
  const AttrSpec* spec = kind ? kind->attr(name) : nullptr;
  if (!spec || !spec->default_value) refuse_shape(cat("attribute ", name.str(), " is missing"));
  return *spec->default_value;
}

int64_t ShapeQuery::integer(Symbol name) const {
  const int64_t* value = attr(name).get<int64_t>();
  if (!value) refuse_shape(cat("attribute ", name.str(), " is ", attr(name).text(), ", not an integer"));
  return *value;
}

double ShapeQuery::number(Symbol name) const {
  if (const double* value = attr(name).get<double>()) return *value;
  return static_cast<double>(integer(name));
}

bool ShapeQuery::flag(Symbol name) const {
  const bool* value = attr(name).get<bool>();
  if (!value) refuse_shape(cat("attribute ", name.str(), " is ", attr(name).text(), ", not true or false"));
  return *value;
}

const std::vector<int64_t>& ShapeQuery::integers(Symbol name) const {
  const auto* values = attr(name).get<std::vector<int64_t>>();
  if (!values) refuse_shape(cat("attribute ", name.str(), " is ", attr(name).text(), ", not a list of integers"));
  return *values;
}

std::vector<double> ShapeQuery::numbers(Symbol name) const {
  auto values = numbers_in(attr(name));
  if (!values) refuse_shape(cat("attribute ", name.str(), " is ", attr(name).text(), ", not a list of numbers"));
  return *std::move(values);
}

std::optional<std::vector<double>> numbers_in(const Attribute& attr) {
  std::vector<double> numbers;
  if (const auto* whole = attr.get<std::vector<int64_t>>()) return std::vector<double>(whole->begin(), whole->end());
  const auto* list = attr.get<Attribute::List>();
  if (!list) return std::nullopt;
  for (const Attribute& element : *list) {
    const double* real = element.get<double>();
    const int64_t* whole = element.get<int64_t>();
    if (!real && !whole) return std::nullopt;
    numbers.push_back(real ? *real : static_cast<double>(*whole));
  }
  return numbers;
}

const Attribute* attribute_of(const ModuleRecord& record, Symbol name, const KindTable& kinds) {
  if (const Attribute* given = record.attrs.find(name)) return given;
  const Kind* kind = kinds.find(record.kind);
  const AttrSpec* spec = kind ? kind->attr(name) : nullptr;
  return spec && spec->default_value ? &*spec->default_value : nullptr;
}

void check_attributes(const ModuleRecord& record, const KindTable& kinds) {
  const Kind* known = kinds.find(record.kind);
  if (!known) throw Error("ir.kind", cat("@", record.path.str(), ": there is no kind ", record.kind.str()));
  const Kind& kind = *known;
  const auto refuse = [&](const std::string& what) {
    throw Error("ir.attribute", cat(kind.name.str(), " @", record.path.str(), " ", what));
  };
  for (const auto& [name, value] : record.attrs) {
    if (!kind.attr(name)) refuse(cat("has no attribute ", name.str()));
  }
  for (const AttrSpec& spec : kind.attrs) {
    const Attribute* value = record.attrs.find(spec.name);
    if (!value && !spec.default_value) refuse(cat("needs the attribute ", spec.name.str()));
    if (value && !spec.form.admits(*value)) {
      refuse(cat("takes ", spec.form.describe(), " as ", spec.name.str(), ", not ", value->text()));
    }
  }
}

namespace {

void check_rank(const Type& type) {
  const TensorType* tensor = type.tensor();
  if (tensor && tensor->rank() > kMostDimensions) {
    refuse_shape(cat("a tensor has at most ", kMostDimensions, " dimensions, not ", tensor->rank()));
  }
}

/// Most values have the type of the first input: one object then serves them all.
const Type& shared(const Type& result, std::span<const Type> inputs) {
  check_rank(result);
  return !inputs.empty() && result == inputs[0] ? inputs[0] : result;
}

}  // namespace

Type infer_module(const ModuleRecord& record, std::span<const Type> inputs, const ModuleTable& modules) {
  const KindTable& kinds = modules.kinds();
  const Kind& kind = kinds.at(record.kind);
  const size_t least = record.body ? record.body->inputs.size() : kind.min_inputs;
  if (inputs.size() < least || inputs.size() > (record.body ? least : kind.max_inputs)) {
    refuse_shape(cat(kind.name.str(), " takes ", counted(least, "input"), ", not ", inputs.size()));
  }
  if (record.body) return shared(infer_body(*record.body, record, inputs, modules), inputs);
  return shared(kind.shape(ShapeQuery{inputs, record.attrs, &record, &kinds}), inputs);
}

Type infer_function(Symbol op, std::span<const Type> inputs, const AttrMap& attrs) {
  const Kind* kind = KindTable::torch()->find(op);
  if (!kind) return {};
  return shared(kind->shape(ShapeQuery{inputs, attrs, nullptr, KindTable::torch().get()}), inputs);
}

}  // namespace graftwork::core

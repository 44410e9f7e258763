#include "graftwork/export/form.h"

#include <algorithm>
#include <cctype>
#include <numeric>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/export/reshape.h"

namespace graftwork::core {
namespace {

std::vector<int64_t> extents(const TensorType& type) {
  std::vector<int64_t> result;
  for (const Dim& dim : type.dims) {
    const auto extent = dim.maybe_value();
    if (!extent) throw Error("export.shape", "a size of it is known at run time only");
    result.push_back(*extent);
  }
  return result;
}

/// "reduce_max" of "ReduceMax".
std::string in_lower_case(const std::string& op_type) {
  std::string result;
  for (const char c : op_type) {
    const bool upper = std::isupper(static_cast<unsigned char>(c)) != 0;
    if (upper && !result.empty() && result.back() != '_') result += '_';
    result += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return result;
}

}  // namespace

const TensorType& Form::type(size_t slot) const {
  if (slot >= node_.input_count()) throw Error("export.attribute", "an operand of it is missing");
  const TensorType* type = node_.input(slot).tensor();
  if (!type) throw Error("export.types", "the type of an operand is not known");
  return *type;
}

const TensorType& Form::result_type(size_t result) const {
  const std::vector<Type>* several = node_.type().elements();
  const TensorType* type = several ? several->at(result).tensor() : node_.tensor();
  if (!type) throw Error("export.types", "its type is not known");
  return *type;
}

std::vector<int64_t> Form::shape(size_t slot) const { return extents(type(slot)); }
std::vector<int64_t> Form::result_shape(size_t result) const { return extents(result_type(result)); }

bool Form::has(Symbol name) const {
  const Attribute* attr = node_.attrs().find(name);
  return attr && !attr->is_none();
}

std::string Form::text(Symbol name, const std::string& fallback) const {
  const Attribute* attr = node_.attrs().find(name);
  const std::string* value = attr ? attr->get<std::string>() : nullptr;
  return value ? *value : fallback;
}

std::vector<int64_t> Form::integers(Symbol name) const {
  return has(name) ? integers_attr(node_, name) : std::vector<int64_t>();
}

std::vector<int64_t> Form::per_axis(Symbol name, size_t count, int64_t fallback) const {
  std::vector<int64_t> given = integers(name);
  if (given.size() > 1) return given;
  return std::vector<int64_t>(count, given.empty() ? fallback : given[0]);
}

std::vector<int64_t> Form::axes() const {
  std::vector<int64_t> named = integers("dim");
  for (int64_t& axis : named) axis = front_axis(axis, std::max<int64_t>(rank(), 1));
  if (!named.empty()) return named;
  named.resize(static_cast<size_t>(rank()));
  std::iota(named.begin(), named.end(), 0);
  return named;
}

int64_t Form::axis(Symbol name, int64_t fallback, size_t slot) const {
  return front_axis(integer(name, fallback), std::max<int64_t>(rank(slot), 1));
}

std::string Form::add(const std::string& op_type, Values inputs, Attributes attributes) {
  return lowering_.add(op_type, cat(name_, "_", in_lower_case(op_type)), std::move(inputs), std::move(attributes));
}

Form::Values Form::add_several(const std::string& op_type, Values inputs, size_t outputs, Attributes attributes) {
  const std::string name = cat(name_, "_", in_lower_case(op_type));
  Values made;
  for (size_t i = 0; i < outputs; ++i) made.push_back(lowering_.fresh_value(cat(name, "_", i)));
  lowering_.add_multi(op_type, name, std::move(inputs), made, std::move(attributes));
  return made;
}

std::string Form::list(const std::vector<int64_t>& numbers) { return lowering_.integers(name_ + "_numbers", numbers); }

std::string Form::constant(const at::Tensor& tensor) {
  return tensor.is_floating_point() ? lowering_.float_constant(name_ + "_constant", tensor)
                                    : lowering_.constant(name_ + "_constant", tensor);
}

std::string Form::cast(const std::string& value, DType type) {
  return add("Cast", {value}, {{"to", onnx::data_type(type)}});
}

std::string Form::reshape(const std::string& value, const std::vector<int64_t>& shape) {
  return add("Reshape", {value, list(shape)},
             {{"allowzero", int64_t{std::find(shape.begin(), shape.end(), 0) != shape.end()}}});
}

std::string Form::transpose(const std::string& value, const std::vector<int64_t>& order) {
  return add("Transpose", {value}, {{"perm", order}});
}

void Form::result(const std::string& op_type, Values inputs, Attributes attributes) {
  lowering_.bind(node_,
                 lowering_.add(op_type, name_, std::move(inputs), std::move(attributes), lowering_.result_name(node_)));
}

void Form::result(const std::string& value) { result("Identity", {value}); }

void Form::result_of(size_t index, const std::string& value) {
  for (const Use* use = node_.uses(); use; use = use->next()) {
    const Node& item = *use->user();
    if (item.kind() != NodeKind::kGetItem) throw Error("export.types", "its results are used as one tuple");
    if (item.item_index() != static_cast<int64_t>(index) || lowering_.is_bound(item)) continue;
    lowering_.bind(item, lowering_.add("Identity", item.name().str(), {value}, {}, lowering_.result_name(item)));
  }
}

OperatorLowering form(FormFunction function) {
  return [function](Lowering& lowering, const Node& node) {
    Form made(lowering, node);
    function(made);
  };
}

}  // namespace graftwork::core

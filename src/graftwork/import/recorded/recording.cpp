#include "graftwork/import/recorded/recording.h"

#include <ATen/core/dispatch/Dispatcher.h>
#include <c10/core/impl/LocalDispatchKeySet.h>

#include <algorithm>
#include <optional>
#include <string_view>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/import/captured/origin.h"
#include "graftwork/import/captured/records_of_torch.h"
#include "graftwork/import/recorded/fixed_values.h"
#include "graftwork/import/recorded/module_paths.h"
#include "graftwork/ir/operator_name.h"

namespace graftwork::core::recorded {
namespace {

using captured::Argument;
using captured::Call;
using captured::TensorName;

/// Tensors with the same one share what is written to either.
const void* memory_of(const at::Tensor& tensor) {
  if (tensor.has_storage()) return tensor.storage().unsafeGetStorageImpl();
  return tensor.unsafeGetTensorImpl();
}

/// The same for tensors that are the same memory, seen in the same way.
std::string place_in_memory(const at::Tensor& tensor) {
  if (!tensor.has_storage() || tensor.numel() == 0)
    return cat("tensor ", reinterpret_cast<uintptr_t>(tensor.unsafeGetTensorImpl()));
  return cat(reinterpret_cast<uintptr_t>(memory_of(tensor)), " ", tensor.storage_offset(), " ", tensor.scalar_type(),
             " ", tensor.sizes(), tensor.strides());
}

std::optional<c10::OperatorHandle> handle_of(const c10::FunctionSchema& schema) {
  return c10::Dispatcher::singleton().findSchema(schema.operator_name());
}

/// Whether autocast takes the call: it casts the arguments and calls the operator again.
bool casts_first(const c10::FunctionSchema& schema) {
  for (const c10::DispatchKey key : {c10::DispatchKey::AutocastCPU, c10::DispatchKey::AutocastCUDA}) {
    if (c10::impl::tls_is_dispatch_key_excluded(key)) continue;
    const auto handle = handle_of(schema);
    if (handle && handle->hasKernelForDispatchKey(key)) return true;
  }
  return false;
}

/// Operators of others that are made of torch's: nobody else knows what they mean.
bool is_made_of_others(const c10::FunctionSchema& schema) {
  if (schema.name().starts_with("aten::")) return false;
  const auto handle = handle_of(schema);
  return handle && handle->hasKernelForDispatchKey(c10::DispatchKey::CompositeImplicitAutograd);
}

/// Those that give memory whose values nobody has set.
bool gives_no_values(Symbol op) {
  static const std::unordered_set<std::string_view> kNames{"empty",     "empty_like",        "empty_permuted",
                                                           "new_empty", "new_empty_strided", "empty_strided"};
  return kNames.contains(operator_name(op)) && !op.str().ends_with("out");
}

/// Arithmetic with a number is spelled as torch.export spells it.
Symbol as_exported(Symbol op) {
  static const std::unordered_map<Symbol, Symbol> kOperators{
      {"aten.add.Scalar", "aten.add.Tensor"},           {"aten.add_.Scalar", "aten.add_.Tensor"},
      {"aten.sub.Scalar", "aten.sub.Tensor"},           {"aten.sub_.Scalar", "aten.sub_.Tensor"},
      {"aten.mul.Scalar", "aten.mul.Tensor"},           {"aten.mul_.Scalar", "aten.mul_.Tensor"},
      {"aten.div.Scalar", "aten.div.Tensor"},           {"aten.div_.Scalar", "aten.div_.Tensor"},
      {"aten.div.Scalar_mode", "aten.div.Tensor_mode"}, {"aten.div_.Scalar_mode", "aten.div_.Tensor_mode"}};
  const auto found = kOperators.find(op);
  return found == kOperators.end() ? op : found->second;
}

template <class Visit>
void each_tensor(c10::ArrayRef<const c10::IValue> values, const Visit& visit) {
  for (const c10::IValue& value : values) {
    if (value.isTensor() && value.toTensor().defined()) visit(value.toTensor());
    if (!value.isTensorList() && !value.isOptionalTensorList()) continue;
    for (const c10::IValue& element : value.toListRef()) {
      if (element.isTensor() && element.toTensor().defined()) visit(element.toTensor());
    }
  }
}

/// As a value in the graph.
std::string value_of(std::string name) {
  std::replace(name.begin(), name.end(), '.', '_');
  return name;
}

std::string numbered(const std::vector<std::string>& names, size_t i, size_t count, const std::string& fallback) {
  if (i < names.size()) return names[i];
  return count == 1 ? fallback : cat(fallback, "_", i);
}

void refuse_input(const std::string& name, const std::string& why) {
  throw Error("capture.input", cat("input ", name, " ", why), "plain tensors, each of them defined");
}

}  // namespace

// ---- what there is before ----------------------------------------------------------------------------

void Recording::add_inputs(const std::vector<at::Tensor>& inputs) {
  for (size_t i = 0; i < inputs.size(); ++i) {
    const std::string called = numbered(options_.inputs, i, inputs.size(), "x");
    if (!inputs[i].defined()) refuse_input(called, "is undefined");
    if (inputs[i].layout() != at::kStrided) refuse_input(called, "is not a dense tensor");
    if (!values_.take(called)) refuse_input(called, "has the name of another one");
    if (names_.contains(inputs[i].unsafeGetTensorImpl())) refuse_input(called, "is the same tensor as another one");
    name(inputs[i], called);
    own(inputs[i], called);
    dependent_.insert(memory_of(inputs[i]));
    program_.inputs.push_back({.kind = captured::Input::Kind::kUser,
                               .arg = captured::tensor(called),
                               .name = called,
                               .stored = {},
                               .trainable = false});
  }
}

void Recording::add_stored(const NamedTensors& stored, bool are_trainable) {
  for (const auto& [name, tensor] : stored) {
    if (!tensor.defined() || names_.contains(tensor.unsafeGetTensorImpl())) continue;
    if (tensors.contains(name)) refuse_input(name, "is the name of two stored tensors");
    store(tensor, name, are_trainable, value_of(name));
  }
}

void Recording::store(const at::Tensor& tensor, const std::string& stored, bool is_trainable,
                      const std::string& wanted) {
  const std::string value = values_.make(wanted);
  const auto [known, is_new] = stored_.emplace(place_in_memory(tensor), stored);
  if (is_new) {
    tensors.set(stored, tensor);
    own(tensor, stored);
  }
  name(tensor, value);
  program_.inputs.push_back({.kind = captured::Input::Kind::kStored,
                             .arg = captured::tensor(value),
                             .name = stored,
                             .stored = known->second,
                             .trainable = is_trainable});
}

void Recording::own(const at::Tensor& tensor, const std::string& owner) { owners_[memory_of(tensor)].push_back(owner); }

// ---- calls -------------------------------------------------------------------------------------------

void Recording::began(const c10::FunctionSchema& schema, c10::ArrayRef<const c10::IValue> arguments) {
  frames_.push_back(frame_of(schema));
  if (frames_.back() == Frame::kRecorded) begin_call(schema, arguments);
}

void Recording::ended(const c10::FunctionSchema& schema, c10::ArrayRef<c10::IValue> results) {
  if (frames_.empty()) return;
  const Frame frame = frames_.back();
  frames_.pop_back();
  const bool has_thrown = results.size() < schema.returns().size();
  if (frame == Frame::kRecorded && !has_thrown) end_call(schema, results);
}

Recording::Frame Recording::frame_of(const c10::FunctionSchema& schema) const {
  if (!frames_.empty() && frames_.back() != Frame::kOpen) return Frame::kInside;
  return casts_first(schema) || is_made_of_others(schema) ? Frame::kOpen : Frame::kRecorded;
}

void Recording::begin_call(const c10::FunctionSchema& schema, c10::ArrayRef<const c10::IValue> arguments) {
  call_ = Call();
  call_.op = as_exported(captured::operator_of(schema));
  depends_ = false;
  each_tensor(arguments, [&](const at::Tensor& tensor) { depends_ |= dependent_.contains(memory_of(tensor)); });
  if (gives_no_values(call_.op)) return;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const c10::Argument& declared = schema.arguments()[i];
    if (captured::is_default(declared, arguments[i])) continue;
    const auto tensor = [&](const at::Tensor& given) { return read(given, declared.name()); };
    call_.inputs.push_back({declared.name(), captured::record_of(arguments[i], declared.real_type(), tensor)});
    if (!declared.alias_info() || !declared.alias_info()->isWrite()) continue;
    each_tensor(arguments.slice(i, 1), [&](const at::Tensor& written) {
      writes_.emplace_back(memory_of(written), call_);
      if (depends_) dependent_.insert(memory_of(written));
    });
  }
  if (!options_.place) return;
  const ModulePlace place = options_.place();
  call_.provenance = {.module = place.path, .is_body = place.is_body, .source = place.source};
}

void Recording::end_call(const c10::FunctionSchema& schema, c10::ArrayRef<c10::IValue> results) {
  if (gives_no_values(call_.op)) {
    at::Tensor blank = results[0].toTensor();
    if (blank.layout() == at::kStrided && !blank.is_meta()) blank.zero_();
    blank_.insert(blank.unsafeGetTensorImpl());
    keep_address(blank);
    return;
  }
  size_t made_count = 0, known = 0;
  each_tensor(results, [&](const at::Tensor& tensor) {
    ++made_count;
    known += names_.contains(tensor.unsafeGetTensorImpl()) ? 1 : 0;
  });
  const bool gives_number = made_count == 0 && !results.empty();
  draws |= draws_at_random(call_, schema);
  const std::string why = why_fixed(call_, schema, program_.tensors, depends_, gives_number);
  const bool gives_nothing_new = !schema.is_mutable() && made_count > 0 && known == made_count;
  if (!gives_number && !gives_nothing_new) {
    call_.name = values_.make(std::string(operator_name(call_.op)));
    for (const c10::IValue& result : results) call_.outputs.push_back(made(result, results.size() == 1));
    if (depends_) each_tensor(results, [&](const at::Tensor& tensor) { dependent_.insert(memory_of(tensor)); });
    program_.calls.push_back(call_);
  }
  if (!why.empty()) fixed_.push_back({std::move(call_), why});
}

Argument Recording::made(const c10::IValue& value, bool is_only) {
  const auto named = [&](const at::Tensor& tensor) {
    const bool takes_its_name = is_only && value.isTensor();
    const std::string result = takes_its_name ? call_.name : values_.make(call_.name + "_result");
    name(tensor, result);
    return captured::tensor(result);
  };
  return captured::record_of(value, c10::AnyType::get(), named);
}

// ---- tensors -----------------------------------------------------------------------------------------

Argument Recording::read(const at::Tensor& tensor, const std::string& argument) {
  const bool is_number = tensor.unsafeGetTensorImpl()->is_wrapped_number() && tensor.device().is_cpu();
  if (is_number && !known_name(tensor)) return captured::number_in(tensor);
  return captured::tensor(name_of(tensor, cat(operator_name(call_.op), "_", argument)));
}

/// `wanted`: what it is called when it is a constant that nothing has read so far.
std::string Recording::name_of(const at::Tensor& tensor, const std::string& wanted) {
  if (const std::string* known = known_name(tensor)) return *known;
  add_constant(tensor, wanted);
  return names_.at(tensor.unsafeGetTensorImpl());
}

const std::string* Recording::known_name(const at::Tensor& tensor) {
  if (const auto found = names_.find(tensor.unsafeGetTensorImpl()); found != names_.end()) return &found->second;
  // Another handle of the same elements, which no operator gives: Tensor::variable_data, set_data.
  const auto found = by_place_.find(place_in_memory(tensor));
  if (found == by_place_.end()) return nullptr;
  keep_address(tensor);
  return &(names_[tensor.unsafeGetTensorImpl()] = found->second);
}

void Recording::keep_address(const at::Tensor& tensor) {
  tensors_seen_.emplace_back(tensor.getIntrusivePtr());
  if (tensor.has_storage()) memory_seen_.push_back(tensor.storage().getWeakStorageImpl());
}

void Recording::name(const at::Tensor& tensor, const std::string& value) {
  keep_address(tensor);
  names_[tensor.unsafeGetTensorImpl()] = value;
  by_place_[place_in_memory(tensor)] = value;
  program_.tensors[value] = captured::meta_of(tensor);
}

/// A tensor that no operator has made.
void Recording::add_constant(const at::Tensor& tensor, const std::string& wanted) {
  const bool was_blank = blank_.erase(tensor.unsafeGetTensorImpl()) > 0;
  if (was_blank && tensor.count_nonzero().item<int64_t>() == 0) return add_zeros(tensor);
  if (dependent_.contains(memory_of(tensor)))
    fixed_.push_back({call_, "it reads what depends on the inputs through a tensor that no operator has made"});
  // What is not torch's own memory, or is about to be written, may be something else later.
  const bool may_change = was_blank || (tensor.has_storage() && tensor.storage().allocator() == nullptr);
  std::string stored = wanted;
  for (size_t k = 1; tensors.contains(stored); ++k) stored = cat(wanted, "_", k);
  const size_t before = program_.inputs.size();
  store(tensor, stored, /*is_trainable=*/false, wanted);
  if (may_change && tensors.contains(stored)) tensors.set(stored, tensor.clone());
  constants_.insert(program_.inputs[before].arg.get_if<TensorName>()->name);
}

void Recording::add_zeros(const at::Tensor& tensor) {
  const std::string value = values_.make("zeros");
  name(tensor, value);
  program_.calls.push_back({.op = "aten.full.default",
                            .inputs = {{"size", {tensor.sizes().vec()}},
                                       {"fill_value", {int64_t{0}}},
                                       {"dtype", {captured::element_type_of(tensor.scalar_type())}}},
                            .outputs = {captured::tensor(value)},
                            .name = value,
                            .provenance = {}});
}

// ---- what there is in the end ------------------------------------------------------------------------

captured::Program Recording::finish(const std::vector<at::Tensor>& results) {
  for (size_t i = 0; i < results.size(); ++i) {
    const std::string called = numbered(options_.outputs, i, results.size(), "output");
    if (!results[i].defined() || results[i].layout() != at::kStrided)
      throw Error("capture.output", cat("result ", called, " is no dense tensor"),
                  "a forward that gives plain tensors");
    program_.outputs.push_back({.kind = captured::Output::Kind::kResult,
                                .arg = captured::tensor(name_of(results[i], called)),
                                .name = called});
  }
  check_aliases();
  assign_modules(program_, constants_);
  make_warnings();
  return std::move(program_);
}

void Recording::check_aliases() const {
  for (const auto& [memory, call] : writes_) {
    const auto found = owners_.find(memory);
    if (found == owners_.end() || found->second.size() < 2) continue;
    throw Error("capture.alias", cat("it writes to memory that ", join(found->second), " share"),
                "tensors of their own, or the out-of-place form of the operator")
        .at(captured::place_of(call));
  }
}

void Recording::make_warnings() {
  std::unordered_map<std::string_view, const Call*> recorded;
  for (const Call& call : program_.calls) recorded.emplace(call.name, &call);
  for (const Fixed& fixed : fixed_) {
    const auto found = fixed.call.name.empty() ? recorded.end() : recorded.find(fixed.call.name);
    Call call = found == recorded.end() ? fixed.call : *found->second;
    std::string read;
    if (found == recorded.end()) {
      // A number has no name: what it was read from tells where.
      for (const captured::NamedArgument& input : call.inputs) {
        if (const auto* tensor = input.arg.get_if<TensorName>()) read = cat(" of %", tensor->name);
      }
      call.name = operator_name(call.op);
    }
    std::string line = cat(captured::place_of(call), read, ": ", fixed.why);
    if (std::ranges::find(warnings, line) == warnings.end()) warnings.push_back(std::move(line));
  }
}

}  // namespace graftwork::core::recorded

#include "graftwork/import/captured/decompose/complex_values.h"

#include "graftwork/base/text.h"
#include "graftwork/import/captured/argument_names.h"
#include "graftwork/import/common/constant_folding.h"
#include "graftwork/ir/operator_name.h"
#include "graftwork/nn/dtypes.h"

namespace graftwork::core::captured {
namespace {

constexpr int64_t kMostBytes = 2 * FoldingBudget::kPerOperator;  // of all constants

void each_name_in(const Call& call, const std::function<void(const std::string&)>& visit) {
  for (const NamedArgument& input : call.inputs) each_tensor_name(input.arg, visit);
}

}  // namespace

const TensorMeta* ComplexValues::meta_of(const std::string& name) const {
  const auto found = program_.tensors.find(name);
  return found == program_.tensors.end() ? nullptr : &found->second;
}

void ComplexValues::take_over(std::unordered_map<std::string, std::string>& renaming) {
  std::vector<std::string> given;
  for (const Input& input : program_.inputs) {
    if (input.kind == Input::Kind::kUser)
      each_tensor_name(input.arg, [&](const std::string& name) { given.push_back(name); });
  }
  std::erase_if(given, [&](const std::string& name) {
    const TensorMeta* meta = meta_of(name);
    return !meta || !meta->dtype.parts;
  });
  NameMap<TensorMeta> inputs;
  for (const std::string& name : given) inputs.emplace(name, program_.tensors.at(name));
  for (auto& [name, meta] : program_.tensors) {
    if (!meta.dtype.parts) continue;
    pairs_.insert(name);
    meta = pairs_of(meta);
  }
  for (const std::string& name : given) {
    const std::string pairs = converted("aten.view_as_real.default", name, name + "_pairs", {});
    program_.tensors[pairs] = program_.tensors.at(name);
    program_.tensors[name] = inputs.at(name);
    pairs_.erase(name);
    pairs_.insert(pairs);
    renaming[name] = pairs;
  }
}

std::string ComplexValues::converted(const char* op, const std::string& name, const std::string& wanted,
                                     const Call& reader) {
  std::string made = names_.make(wanted);
  program_.calls.push_back({.op = op,
                            .inputs = {{"self", tensor(name)}},
                            .outputs = {tensor(made)},
                            .name = made,
                            .provenance = reader.provenance});
  return made;
}

const std::string& ComplexValues::as_complex(const std::string& name, const Call& reader) {
  std::string& complex = complex_[name];
  if (complex.empty()) {
    complex = converted("aten.view_as_complex.default", name, name + "_complex", reader);
    program_.tensors[complex] = complex_of(program_.tensors.at(name));
  }
  return complex;
}

void ComplexValues::give_back() {
  for (Output& output : program_.outputs) {
    each_tensor_name(output.arg, [&](std::string& name) {
      if (!contains(name)) return;
      name = as_complex(name, {});
    });
  }
}

void ComplexValues::add(const std::string& name, const TensorMeta& complex) {
  program_.tensors.emplace(name, pairs_of(complex));
  pairs_.insert(name);
}

bool ComplexValues::touches(const Call& call) const {
  bool found = false;
  const auto look = [&](const std::string& name) { found |= contains(name); };
  each_name_in(call, look);
  for (const Argument& output : call.outputs) each_tensor_name(output, look);
  return found;
}

Call ComplexValues::on_pairs(const Call& call) {
  Call made = call;
  std::optional<DType> parts = DType::kF32;
  const auto look = [&](const std::string& name) {
    if (contains(name)) parts = program_.tensors.at(name).dtype.known;
  };
  each_name_in(call, look);
  for (const Argument& output : call.outputs) each_tensor_name(output, look);
  for (NamedArgument& input : made.inputs) {
    if (auto* type = std::get_if<ElementType>(&input.arg.value); type && type->parts) {
      *type = {.known = type->parts, .other = {}};
    }
    const auto* number = input.arg.get_if<std::complex<double>>();
    if (!number) continue;
    const FormConstant constant{.key = cat("number_", number->real(), "_", number->imag(), "_", dtype_name(*parts)),
                                .shape = {2},
                                .dtype = to_torch(*parts),
                                .make = [value = *number, type = to_torch(*parts)] {
                                  return at::tensor({value.real(), value.imag()}, at::kDouble).to(type);
                                }};
    const std::string name = name_of(constant);
    if (!store({constant.key})) continue;
    pairs_.insert(name);
    input.arg = tensor(name);
    if (const std::string& op = made.op.str(); op.ends_with(".Scalar"))
      made.op = cat(std::string_view(op).substr(0, op.size() - 6), "Tensor");
  }
  return made;
}

bool ComplexValues::move(Call& call) const {
  size_t rank = 0, complex = 0, count = 0;
  const TensorMeta* first = nullptr;
  const auto look = [&](const std::string& name) {
    ++count;
    complex += contains(name) ? 1 : 0;
    if (count == 1 && contains(name)) first = meta_of(name);
  };
  each_name_in(call, look);
  bool gives = false;
  for (const Argument& output : call.outputs) {
    each_tensor_name(output, [&](const std::string& name) {
      gives |= contains(name);
      if (const TensorMeta* meta = meta_of(name); meta && !first) rank = meta->sizes.size() - 1;
    });
  }
  if (!gives) return false;
  const std::string_view name = operator_name(call.op);
  const bool creates = name == "zeros" || name == "new_zeros";
  const bool joins = name == "cat" || name == "stack";
  if (!creates && !first) return false;
  if (joins && complex != count) return false;
  if (first) rank = first->sizes.size() - 1;
  return move_pairs(call, rank, first);
}

void ComplexValues::keep(Call call) {
  for (NamedArgument& input : call.inputs) {
    each_tensor_name(input.arg, [&](std::string& name) {
      if (!contains(name)) return;
      name = as_complex(name, call);
    });
  }
  std::vector<std::pair<std::string, std::string>> made;
  for (Argument& output : call.outputs) {
    each_tensor_name(output, [&](std::string& name) {
      if (!contains(name)) return;
      const std::string complex = names_.make(name + "_complex");
      program_.tensors[complex] = complex_of(program_.tensors.at(name));
      made.emplace_back(name, complex);
      name = complex;
    });
  }
  const Provenance provenance = call.provenance;
  program_.calls.push_back(std::move(call));
  for (const auto& [pairs, complex] : made) {
    program_.calls.push_back({.op = "aten.view_as_real.default",
                              .inputs = {{"self", tensor(complex)}},
                              .outputs = {tensor(pairs)},
                              .name = pairs,
                              .provenance = provenance});
  }
}

const std::string& ComplexValues::name_of(const FormConstant& constant) {
  const auto [known, is_new] = constants_.emplace(constant.key, Known());
  if (is_new) {
    std::string wanted = constant.key;
    for (char& c : wanted) c = std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
    known->second = {.constant = constant, .name = names_.make(wanted)};
  }
  return known->second.name;
}

bool ComplexValues::store(const std::vector<std::string>& keys) {
  int64_t bytes = 0;
  for (const std::string& key : keys) {
    const Known& known = constants_.at(key);
    if (known.is_stored) continue;
    int64_t size = static_cast<int64_t>(at::elementSize(known.constant.dtype));
    for (const int64_t extent : known.constant.shape) {
      if (__builtin_mul_overflow(size, extent, &size) || size > kMostBytes) return false;
    }
    bytes += size;
  }
  if (stored_bytes_ + bytes > kMostBytes) return false;
  stored_bytes_ += bytes;
  for (const std::string& key : keys) {
    Known& known = constants_.at(key);
    if (known.is_stored) continue;
    known.is_stored = true;
    std::string stored = "constant." + known.name;
    while (tensors_.contains(stored)) stored += "_";
    const at::Tensor value = known.constant.make();
    TensorMeta meta{.dtype = {.known = from_torch(known.constant.dtype), .other = {}}, .sizes = {}, .strides = {}};
    for (const int64_t extent : known.constant.shape) meta.sizes.emplace_back(extent);
    program_.tensors[known.name] = std::move(meta);
    program_.inputs.push_back({.kind = Input::Kind::kStored,
                               .arg = tensor(known.name),
                               .name = stored,
                               .stored = stored,
                               .trainable = false});
    tensors_.set(stored, value.contiguous());
  }
  return true;
}

}  // namespace graftwork::core::captured

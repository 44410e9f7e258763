// Operators on constants and on an input: bytes choose one to three of all that a file may name, and what they are
// called with. The network of them is opened, which folds what is constant, run, and lowered to ONNX.
#include <ATen/core/dispatch/Dispatcher.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <array>

#include "fuzz/target.h"
#include "fuzz/torch_setup.h"
#include "graftwork/base/text.h"
#include "graftwork/export/lower.h"
#include "graftwork/import/captured/build_network.h"
#include "graftwork/nn/allowed_operators.h"
#include "graftwork/nn/dtypes.h"
#include "graftwork/nn/executor.h"

namespace graftwork::core::fuzz {
namespace {

using captured::Argument;

/// The bytes of an input as a list of choices; behind the last byte every choice is the first.
class Choices {
 public:
  Choices(const uint8_t* data, size_t size) : rest_(data, size) {}

  size_t below(size_t limit) {
    size_t number = byte();
    if (limit > 256) number = number << 8 | byte();
    return number % limit;
  }
  bool one_in(size_t many) { return below(many) == 1; }
  template <class List>
  const auto& any(const List& list) {
    return list[below(list.size())];
  }
  bool is_empty() const { return rest_.empty(); }

 private:
  size_t byte() {
    if (rest_.empty()) return 0;
    const uint8_t first = rest_.front();
    rest_ = rest_.subspan(1);
    return first;
  }
  std::span<const uint8_t> rest_;
};

constexpr std::array<int64_t, 10> kSmall{0, 1, 2, 3, 4, -1, -2, 5, 8, 16};
constexpr std::array<int64_t, 14> kExtreme{INT64_MIN,
                                           INT64_MIN + 1,
                                           INT32_MIN,
                                           -1000,
                                           64,
                                           1000,
                                           65537,
                                           INT32_MAX,
                                           int64_t{1} << 31,
                                           int64_t{1} << 33,
                                           int64_t{1} << 40,
                                           int64_t{1} << 62,
                                           INT64_MAX - 1,
                                           INT64_MAX};
constexpr std::array<double, 12> kFloats{0.0,    1.0,   -1.0,   0.5,      2.0,       1e-45,
                                         3.4e38, 1e300, -1e300, INFINITY, -INFINITY, NAN};
constexpr std::array<const char*, 16> kTexts{"none",      "mean",     "sum",     "",      "constant", "reflect",
                                             "replicate", "circular", "floor",   "trunc", "ij",       "same",
                                             "valid",     "tanh",     "i,j->ij", "max"};
constexpr std::array kTypes{DType::kF32, DType::kF16, DType::kBF16, DType::kF64, DType::kI8,
                            DType::kI16, DType::kI32, DType::kI64,  DType::kU8,  DType::kBool};

struct Operator {
  Symbol name;
  const c10::FunctionSchema* schema;
};

/// Those that a file may name. Those that may be folded first.
struct Operators {
  std::vector<Operator> all;
  std::vector<Operator> allowed;
};

const Operators& operators() {
  static const Operators known = [] {
    Operators made;
    std::vector<std::string> names;
    for (const c10::OperatorName& name : c10::Dispatcher::singleton().getAllOpNames()) {
      const size_t colons = name.name.find("::");
      names.push_back(cat(name.name.substr(0, colons), ".", name.name.substr(colons + 2), ".",
                          name.overload_name.empty() ? "default" : name.overload_name));
    }
    std::ranges::sort(names);  // the dispatcher's order is another in every process
    for (const std::string& name : names) {
      const auto handle = find_operator(name);
      if (!handle || !handle->hasSchema()) continue;
      made.all.push_back({name, &handle->schema()});
      if (is_allowed(name)) made.allowed.push_back(made.all.back());
    }
    return made;
  }();
  return known;
}

/// A program, as an importer would make it of a file.
class Builder {
 public:
  explicit Builder(Choices& choices) : choices_(choices) {
    add_input("x", at::kFloat, {2, 3, 4, 4});
    program_.inputs.back().kind = captured::Input::Kind::kUser;
  }

  void build() {
    const size_t calls = 1 + choices_.below(3);
    for (size_t i = 0; i < calls; ++i) add_call();
    captured::Output output;
    output.arg = captured::tensor(tensors_.back());
    output.name = "y";
    program_.outputs.push_back(std::move(output));
  }

  captured::Program program_;
  TensorStore store_;

 private:
  void add_input(const std::string& name, at::ScalarType type, const std::vector<int64_t>& sizes) {
    captured::Input input;
    input.kind = captured::Input::Kind::kStored;
    input.arg = captured::tensor(name);
    input.name = input.stored = name;
    program_.inputs.push_back(std::move(input));
    describe(name, at::empty(sizes, at::TensorOptions(type).device(at::kMeta)));
  }

  void describe(const std::string& name, const at::Tensor& tensor) {
    captured::TensorMeta meta;
    meta.dtype.known = from_torch(tensor.scalar_type());
    for (const int64_t size : tensor.sizes()) meta.sizes.emplace_back(size);
    for (const int64_t stride : tensor.strides()) meta.strides.emplace_back(stride);
    program_.tensors[name] = std::move(meta);
    tensors_.push_back(name);
  }

  /// A constant of chance: of any type, of rank 0 to 5, of small extents.
  std::string add_constant() {
    const std::string name = cat("c", program_.inputs.size());
    const at::ScalarType type = choices_.one_in(2) ? to_torch(choices_.any(kTypes)) : at::kFloat;
    std::vector<int64_t> sizes(choices_.below(6));
    for (int64_t& size : sizes)
      size = static_cast<int64_t>(choices_.one_in(4) ? choices_.below(6) : 2 + choices_.below(3));
    at::Tensor values;
    if (choices_.one_in(3)) {
      const int64_t extreme = choices_.any(kExtreme);
      values = at::isFloatingType(type) ? at::full(sizes, choices_.any(kFloats), at::kDouble)
                                        : at::full(sizes, extreme, at::kLong);
    } else {
      int64_t count = 1;
      for (const int64_t size : sizes) count *= size;
      values = at::arange(count, at::kLong).remainder(5).sub(choices_.one_in(2) ? 2 : 0).reshape(sizes);
      if (at::isFloatingType(type)) values = values.to(at::kDouble).div(4);
    }
    add_input(name, type, sizes);
    program_.inputs.back().trainable = choices_.one_in(6);
    store_.set(name, values.to(type));
    return name;
  }

  std::string some_tensor() {
    return tensors_.size() > 6 || choices_.one_in(3) ? choices_.any(tensors_) : add_constant();
  }

  int64_t some_integer() { return choices_.one_in(4) ? choices_.any(kExtreme) : choices_.any(kSmall); }

  template <class Make>
  auto list_of(Make&& make) {
    std::vector<decltype(make())> made(choices_.one_in(12) ? choices_.below(70) : choices_.below(5));
    for (auto& element : made) element = make();
    return made;
  }

  std::optional<Argument> some_argument(const c10::TypePtr& type) {
    using Kind = c10::TypeKind;
    switch (type->kind()) {
      case Kind::OptionalType:
        if (choices_.one_in(3)) return Argument{captured::None{}};
        return some_argument(type->castRaw<c10::OptionalType>()->getElementType());
      case Kind::TensorType:
        return captured::tensor(some_tensor());
      case Kind::IntType:
      case Kind::SymIntType:
        return Argument{some_integer()};
      case Kind::FloatType:
        return Argument{choices_.any(kFloats)};
      case Kind::NumberType:
        return choices_.one_in(2) ? Argument{some_integer()} : Argument{choices_.any(kFloats)};
      case Kind::BoolType:
      case Kind::SymBoolType:
        return Argument{choices_.one_in(2)};
      case Kind::StringType:
        return Argument{std::string(choices_.any(kTexts))};
      case Kind::ScalarTypeType:
        return Argument{captured::ElementType{choices_.any(kTypes), {}}};
      case Kind::LayoutType:
      case Kind::DeviceObjType:
      case Kind::MemoryFormatType:
        return Argument{captured::Placement{}};
      case Kind::ListType:
        return some_list(type->castRaw<c10::ListType>()->getElementType());
      default:
        return std::nullopt;
    }
  }

  std::optional<Argument> some_list(const c10::TypePtr& element) {
    if (element->kind() == c10::TypeKind::TensorType)
      return Argument{list_of([&] { return captured::TensorName{some_tensor()}; })};
    if (element->kind() == c10::TypeKind::IntType || element->kind() == c10::TypeKind::SymIntType)
      return Argument{list_of([&] { return some_integer(); })};
    Argument::List elements;
    for (size_t i = choices_.below(5); i > 0; --i) {
      std::optional<Argument> made = some_argument(element);
      if (!made) return std::nullopt;
      elements.push_back(std::move(*made));
    }
    return Argument{std::move(elements)};
  }

  void add_call() {
    const Operators& known = operators();
    const Operator& chosen = choices_.one_in(3) ? choices_.any(known.all) : choices_.any(known.allowed);
    captured::Call call;
    call.op = chosen.name;
    call.name = cat("r", program_.calls.size());
    for (const c10::Argument& argument : chosen.schema->arguments()) {
      if (argument.default_value() && choices_.one_in(2)) continue;
      std::optional<Argument> made = some_argument(argument.real_type());
      if (made && choices_.one_in(40)) made = some_argument(c10::IntType::get());
      if (made) call.inputs.push_back({argument.name(), std::move(*made)});
    }
    const auto& returns = chosen.schema->returns();
    if (returns.size() == 1 && returns[0].type()->kind() == c10::TypeKind::ListType) {
      call.outputs.push_back({std::vector<captured::TensorName>{add_result(call.name), add_result(call.name + "b")}});
    } else {
      for (size_t i = 0; i < returns.size(); ++i)
        call.outputs.push_back({add_result(i == 0 ? call.name : cat(call.name, "_", i))});
    }
    program_.calls.push_back(std::move(call));
    // Without a result the program gives what it was given.
  }

  /// What the file says of a result is of chance too: it need not be true.
  captured::TensorName add_result(const std::string& name) {
    std::vector<int64_t> sizes(choices_.below(5));
    for (int64_t& size : sizes) size = static_cast<int64_t>(1 + choices_.below(4));
    describe(name, at::empty(sizes, at::TensorOptions(to_torch(choices_.any(kTypes))).device(at::kMeta)));
    return {name};
  }

  Choices& choices_;
  std::vector<std::string> tensors_;
};

constexpr size_t kBytesOfFile = 4096;

void meet(Choices& choices) {
  Builder builder(choices);
  builder.build();
  const LoadedNetwork loaded = captured::build_network(std::move(builder.program_), builder.store_, kBytesOfFile);
  if (!loaded.unsupported.empty()) return;
  answer([&] { try_lowering(loaded.network, {}); });
  const std::vector<at::Tensor> inputs{at::ones({2, 3, 4, 4})};
  answer([&] { Executor(loaded.network.module).run(loaded.network.tensors, inputs); });
}

}  // namespace
}  // namespace graftwork::core::fuzz

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  graftwork::core::fuzz::set_up_torch();
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace graftwork::core::fuzz;
  const c10::NoGradGuard no_gradients;
  Choices choices(data, size);
  answer([&] { meet(choices); });
  return 0;
}

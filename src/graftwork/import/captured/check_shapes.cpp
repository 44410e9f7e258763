#include "graftwork/import/captured/check_shapes.h"

#include <c10/core/GradMode.h>

#include <algorithm>
#include <cctype>
#include <optional>
#include <unordered_map>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/nn/allowed_operators.h"
#include "graftwork/nn/dtypes.h"
#include "graftwork/nn/meta_kernels.h"
#include "graftwork/nn/operator_call.h"
#include "graftwork/nn/size_arithmetic.h"
#include "graftwork/nn/torch_failure.h"

namespace graftwork::core::captured {
namespace {

/// Two examples of a size that is known at run time: what comes out alike for both does not depend on it. They can be
/// halved, and split into windows and heads, as often as networks do.
constexpr int64_t kAnySize = 5040;
constexpr int64_t kOtherSize = 2 * kAnySize;

constexpr const char* kAdvice = "exporting the network again";

/// With `any` in the place of a size that is known at run time. Nothing for an expression that is no symbol, and beyond
/// 64 bits.
std::optional<int64_t> example_of(const Dim& dim, int64_t any) {
  if (dim.is_static()) return dim.value();
  const std::string& base = dim.base().str();
  if (!std::ranges::all_of(base, [](unsigned char c) { return std::isalnum(c) || c == '_'; })) return std::nullopt;
  int64_t scaled = 0, size = 0;
  if (__builtin_mul_overflow(dim.scale(), any, &scaled) || __builtin_add_overflow(scaled, dim.offset(), &size))
    return std::nullopt;
  return size;
}

c10::IValue example_of(const TensorType& type, int64_t any) {
  std::vector<int64_t> sizes;
  for (const Dim& dim : type.dims) {
    const std::optional<int64_t> size = example_of(dim, any);
    if (!size || *size < 0) return {};
    sizes.push_back(*size);
  }
  try {
    return at::empty(sizes, at::TensorOptions(to_torch(type.dtype)).device(at::kMeta));
  } catch (const c10::Error&) {
    return {};  // more elements than 64 bits count
  }
}

bool gives_list(Symbol op) {
  const auto& returns = find_operator(op)->schema().returns();
  return std::ranges::any_of(
      returns, [](const c10::Argument& argument) { return argument.type()->kind() == c10::TypeKind::ListType; });
}

/// What a node gives, without elements, for each of the two examples; None where it is not known.
struct Given {
  c10::IValue any, other;
  bool varies = false;
};

/// Sizes that do not depend on what is known at run time, against what the file says of them.
class Shapes {
 public:
  void add(const Node& node) {
    check_extents(node);
    Given given = computed(node);
    if (given.any.isTensor()) check(node, given.any.toTensor(), given.other);
    const TensorType* said = node.tensor();
    if (said && (given.any.isNone() || given.other.isNone())) given = said_of(*said);
    values_.emplace(&node, std::move(given));
  }

 private:
  static Given said_of(const TensorType& type) {
    const c10::IValue any = example_of(type, kAnySize);
    return {any, type.is_static() ? any : example_of(type, kOtherSize), !type.is_static()};
  }

  Given computed(const Node& node) const {
    std::vector<c10::IValue> inputs, others;
    Given given;
    for (const Use& use : node.inputs()) {
      const Given& input = values_.at(use.producer());
      inputs.push_back(input.any);
      others.push_back(input.other);
      given.varies = given.varies || input.varies;
    }
    given.any = computed(node, inputs);
    given.other = given.varies ? computed(node, others) : given.any;
    return given;
  }

  static c10::IValue computed(const Node& node, const std::vector<c10::IValue>& inputs) {
    const bool is_known = std::ranges::none_of(inputs, [](const c10::IValue& input) { return input.isNone(); });
    if (!is_known || inputs.empty()) return {};
    try {
      if (node.kind() == NodeKind::kGetItem) return element(inputs[0], node.item_index());
      if (node.kind() == NodeKind::kCallFunction) return called(node, inputs);
    } catch (const c10::IndexError& error) {  // an axis that there is not, whatever the sizes
      throw Error("pt2.graph", error.what_without_backtrace(), kAdvice).at(place_of(node));
    } catch (...) {
      reason_of_failure();
      return {};  // it will be reported where it runs
    }
    return {};
  }

  static c10::IValue element(const c10::IValue& tuple, int64_t index) {
    const auto& elements = tuple.toTupleRef().elements();
    return index < 0 || index >= static_cast<int64_t>(elements.size()) ? c10::IValue()
                                                                       : elements[static_cast<size_t>(index)];
  }

  static c10::IValue called(const Node& node, const std::vector<c10::IValue>& inputs) {
    const Symbol op = node.op();
    if (op == Symbol("aten.sym_size.int")) {
      const Attribute* dim = node.attrs().find("dim");
      const int64_t* axis = dim ? dim->get<int64_t>() : nullptr;
      return axis ? c10::IValue(inputs[0].toTensor().size(*axis)) : c10::IValue();
    }
    if (is_size_operator(op)) return number(node, inputs);
    if (!is_allowed(op) || gives_list(op)) return {};
    return OperatorCall(op, node.attrs(), inputs.size()).run(pointers_to(inputs), at::kMeta);
  }

  static c10::IValue number(const Node& node, const std::vector<c10::IValue>& inputs) {
    std::vector<c10::IValue> operands;
    for (const auto& [name, attr] : node.attrs()) {
      if (const InputRef* ref = attr.get<InputRef>()) {
        operands.push_back(inputs.at(ref->slot));
      } else if (const int64_t* whole = attr.get<int64_t>()) {
        operands.emplace_back(*whole);
      } else if (const double* real = attr.get<double>()) {
        operands.emplace_back(*real);
      }
    }
    return run_size_operator(node.op(), operands);
  }

  static void check(const Node& node, const at::Tensor& any, const c10::IValue& other) {
    const TensorType* said = node.tensor();
    if (!said) return;
    if (static_cast<int64_t>(said->rank()) != any.dim()) contradict(node, cat("a tensor of rank ", any.dim()));
    bool is_contradicted = false;
    std::vector<std::string> sizes;
    for (int64_t i = 0; i < any.dim(); ++i) {
      const Dim& dim = said->dims[static_cast<size_t>(i)];
      const bool is_fixed = other.isTensor() && any.size(i) == other.toTensor().size(i);
      is_contradicted = is_contradicted || (is_fixed && dim.is_static() && dim.value() != any.size(i));
      sizes.push_back(is_fixed ? std::to_string(any.size(i)) : "?");
    }
    if (is_contradicted) contradict(node, cat("[", join(sizes), "]"));
  }

  [[noreturn]] static void contradict(const Node& node, const std::string& gives) {
    throw Error("pt2.graph", cat("it is said to give ", node.tensor()->text(), ", and gives ", gives), kAdvice)
        .at(place_of(node));
  }

  static void check_extents(const Node& node) {
    const TensorType* said = node.tensor();
    const auto is_negative = [](const Dim& dim) { return dim.is_static() && dim.value() < 0; };
    if (said && std::ranges::any_of(said->dims, is_negative)) {
      throw Error("pt2.graph", cat("it is said to be ", said->text(), ", and no size is below 0"), kAdvice)
          .at(place_of(node));
    }
  }

  std::unordered_map<const Node*, Given> values_;
};

}  // namespace

void check_shapes(const GraphModule& module) {
  provide_meta_kernels();
  const c10::NoGradGuard no_grad;
  Shapes shapes;
  for (const Node& node : module.graph().nodes()) shapes.add(node);
}

}  // namespace graftwork::core::captured

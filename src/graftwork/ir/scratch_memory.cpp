#include "graftwork/ir/scratch_memory.h"

#include <algorithm>

#include "graftwork/base/saturating.h"
#include "graftwork/ir/operator_name.h"
#include "graftwork/ir/peak_memory.h"

namespace graftwork::core {
namespace {

class Call {
 public:
  Call(std::span<const Type> operands, const Type& result, const std::function<const Attribute*(Symbol)>& attribute)
      : operands_(operands), attribute_(attribute) {
    // Layers with a state give their values first.
    const std::vector<Type>* elements = result.elements();
    result_ = elements && !elements->empty() ? elements->front().tensor() : result.tensor();
  }

  const TensorType* result() const { return result_; }
  const TensorType* operand(size_t i) const { return i < operands_.size() ? operands_[i].tensor() : nullptr; }
  int64_t bytes_out() const { return result_ ? bytes_of(*result_) : 0; }
  int64_t bytes_in() const { return operand(0) ? bytes_of(*operand(0)) : 0; }

  template <class T>
  T attribute(Symbol name, T otherwise) const {
    const Attribute* found = attribute_(name);
    const T* value = found ? found->get<T>() : nullptr;
    return value ? *value : otherwise;
  }

 private:
  std::span<const Type> operands_;
  const std::function<const Attribute*(Symbol)>& attribute_;
  const TensorType* result_ = nullptr;
};

int64_t product_of(std::span<const Dim> dims) {
  int64_t product = 1;
  for (const Dim& dim : dims)
    product = saturating_product(product, std::max<int64_t>(dim.maybe_value().value_or(0), 0));
  return product;
}

/// Numbers that a kernel reads of one channel.
int64_t kernel_area(const Call& call) {
  if (const TensorType* weight = call.operand(1); weight && weight->rank() > 2)
    return product_of(std::span(weight->dims).subspan(2));
  int64_t area = 1;
  for (const int64_t extent : call.attribute("kernel_size", std::vector<int64_t>()))
    area = saturating_product(area, extent);
  return area;
}

/// The kernel reads and writes a layout of its own: a copy of what it reads is gone when what it wrote is copied back.
/// Without a kernel of its own, all that it multiplies is laid out first.
int64_t of_convolution(const Call& call, bool is_transposed) {
  const TensorType *x = call.operand(0), *y = call.result();
  if (!x || !y || x->rank() < 3 || y->rank() < 3) return 0;
  const int64_t copies = std::max(call.bytes_in(), saturating_product(is_transposed ? 2 : 1, call.bytes_out()));
  if (x->dtype == DType::kF32) return copies;
  const TensorType& many = is_transposed ? *y : *x;
  const TensorType& wide = is_transposed ? *x : *y;
  const int64_t rows = saturating_product(kernel_area(call), product_of(std::span(many.dims).first(2)));
  const int64_t columns = saturating_product(rows, product_of(std::span(wide.dims).subspan(2)));
  return saturating_sum(copies, saturating_product(columns, static_cast<int64_t>(dtype_bytes(x->dtype))));
}

/// Values of the gates for all steps, and each step's result before they become one. LSTM in FP32 has a kernel that
/// keeps the results of layers alone. What is read is turned where batches come first.
int64_t of_recurrence(const Call& call, int64_t gates, bool has_kernel) {
  const int64_t out = call.bytes_out();
  const int64_t layers = std::max<int64_t>(call.attribute<int64_t>("num_layers", 1), 1);
  const bool is_quick = has_kernel && call.result() && call.result()->dtype == DType::kF32;
  const int64_t copies = is_quick ? layers : gates + 1 + (layers > 1 ? 1 : 0);
  return saturating_sum(call.bytes_in(), saturating_product(copies, out));
}

/// A stack of matrices that is spread along some axes, and not along others, is copied as often.
int64_t of_product(const Call& call) {
  const TensorType* y = call.result();
  if (!y || y->rank() < 4) return 0;
  const size_t stack = y->rank() - 2;
  int64_t bytes = 0;
  for (const size_t i : {size_t{0}, size_t{1}}) {
    const TensorType* operand = call.operand(i);
    if (!operand || operand->rank() < 3) continue;
    const size_t missing = y->rank() - operand->rank();
    bool is_spread = false, has_own = false;
    int64_t copies = 1;
    for (size_t axis = 0; axis < stack; ++axis) {
      const int64_t wanted = y->dims[axis].maybe_value().value_or(0);
      const int64_t own = axis < missing ? 1 : operand->dims[axis - missing].maybe_value().value_or(0);
      if (own != wanted) {
        is_spread = true;
        copies = saturating_product(copies, wanted);
      } else {
        has_own |= own > 1;
      }
    }
    if (is_spread && has_own) bytes = saturating_sum(bytes, saturating_product(copies, bytes_of(*operand)));
  }
  return bytes;
}

/// The kernel for stacks of heads computes block by block, but for the mask, which becomes numbers. Other shapes have
/// all products at once, twice.
int64_t of_attention(const Call& call) {
  const TensorType *query = call.operand(0), *key = call.operand(1), *mask = call.operand(3);
  if (!query || !key || query->rank() < 2 || key->rank() < 2) return 0;
  if (query->rank() == 4) return mask && mask->dtype == DType::kBool ? saturating_product(4, bytes_of(*mask)) : 0;
  const int64_t rows = product_of(std::span(query->dims).first(query->rank() - 1));
  const int64_t scores = saturating_product(rows, product_of(std::span(key->dims).subspan(key->rank() - 2, 1)));
  return saturating_product(2 * static_cast<int64_t>(dtype_bytes(query->dtype)), scores);
}

}  // namespace

int64_t scratch_bytes(Symbol op, std::span<const Type> operands, const Type& result,
                      const std::function<const Attribute*(Symbol)>& attribute) {
  const Call call(operands, result, attribute);
  if (op.str().starts_with("nn.ConvTranspose")) return of_convolution(call, true);
  if (op.str().starts_with("nn.Conv")) return of_convolution(call, false);
  if (!op.str().starts_with("aten.")) return 0;
  const std::string_view name = operator_name(op);
  if (name.starts_with("conv_transpose")) return of_convolution(call, true);
  if (name.starts_with("conv")) return of_convolution(call, call.attribute("transposed", false));
  if (name == "lstm") return of_recurrence(call, 4, true);
  if (name == "gru") return of_recurrence(call, 3, false);
  if (name.starts_with("rnn_")) return of_recurrence(call, 1, false);
  if (name == "matmul") return of_product(call);
  if (name == "scaled_dot_product_attention") return of_attention(call);
  return 0;
}

}  // namespace graftwork::core

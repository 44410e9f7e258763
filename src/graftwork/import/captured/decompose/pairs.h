// Complex numbers as pairs of real ones: a last dimension of two, the real part and the imaginary one. Neither our
// graph nor ONNX has complex numbers, so that nothing behind this folder meets them.
#pragma once

#include <ATen/ATen.h>

#include <functional>
#include <string>
#include <unordered_set>

#include "graftwork/import/captured/decompose/complex_parts.h"
#include "graftwork/import/captured/decompose/decomposition.h"
#include "graftwork/import/captured/program.h"

namespace graftwork::core::captured {

/// Of a tensor of complex numbers, as pairs; and back. `complex_of` takes the element type of the pairs' numbers.
TensorMeta pairs_of(const TensorMeta& complex);
TensorMeta complex_of(const TensorMeta& pairs);

/// Rewrites the arguments of a call that moves, adds up or picks complex numbers, so that it does the same with pairs;
/// `rank` is that of its first complex operand, and of its result where it has none. False, and nothing is changed,
/// where the call is no such thing.
bool move_pairs(Call& call, size_t rank, const TensorMeta* operand);

/// A constant that a form reads: equal keys are equal tensors.
struct FormConstant {
  std::string key;
  std::vector<int64_t> shape;
  at::ScalarType dtype = at::kFloat;
  std::function<at::Tensor()> make;
};

/// The arguments of a call that reads or gives complex numbers. Its complex operands are pairs, and so are to be its
/// complex results.
class PairArguments : public Arguments {
 public:
  struct Context {
    std::unordered_set<const c10::TensorImpl*> pairs;
    bool gives_complex = false;  ///< its first result
    std::function<at::Tensor(const FormConstant&)> constant;
  };

  PairArguments(const Arguments& arguments, const Context& context) : Arguments(arguments), context_(context) {}

  bool is_complex(const at::Tensor& tensor) const { return context_.pairs.contains(tensor.unsafeGetTensorImpl()); }
  bool is_complex(std::string_view name) const { return at(name).isTensor() && is_complex(tensor(name)); }
  bool gives_complex() const { return context_.gives_complex; }
  /// A stand-in for it.
  at::Tensor constant(const FormConstant& constant) const { return context_.constant(constant); }

  Parts parts(std::string_view name) const { return parts(tensor(name)); }
  Parts parts(const at::Tensor& tensor) const;
  /// A real operand becomes pairs too.
  at::Tensor pairs(std::string_view name) const { return pairs(tensor(name)); }
  at::Tensor pairs(const at::Tensor& tensor) const;

 private:
  const Context& context_;
};

at::Tensor real_part(const at::Tensor& pairs);
at::Tensor imaginary_part(const at::Tensor& pairs);
at::Tensor make_pairs(const at::Tensor& real, const at::Tensor& imaginary);

/// The results, computed on pairs; none like a Decomposition.
using PairForm = std::vector<at::Tensor> (*)(const PairArguments&);
struct PairFormEntry {
  std::string_view name;  ///< of the operator, without overload
  PairForm form;
};

/// Null when there is none.
PairForm find_pair_form(Symbol op);
/// Whether the form is asked for where no value of the call is complex, too.
bool takes_real_numbers(Symbol op);

std::vector<PairFormEntry> pair_arithmetic();
std::vector<PairFormEntry> fourier_transforms();

}  // namespace graftwork::core::captured

// How far values are from one another, and where two ways to compute a network part.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>

#include "graftwork/nn/tensor_store.h"
#include "graftwork/quant/loss/signal_error.h"

namespace graftwork::core {

struct Difference {
  SignalError error;
  double largest = 0;  ///< Of |reference − signal|, where the reference is finite; infinite where the signal is not.

  /// Of floating point and one shape; numbers of other types count as they are.
  void add(const at::Tensor& reference, const at::Tensor& signal);
  void merge(const Difference& other);
};

/// The first value that differs by more than rounding.
struct Divergence {
  Symbol value;
  Symbol module;  ///< Path of the module that gives it; empty for an operator.
  Difference difference;
  double allowed = 0;  ///< The largest difference that rounding explains; 0 where SQNR was asked.
};

using NamedTensors = std::map<std::string, at::Tensor>;

/// Of `changed`, in its order, where its twin in `network` has the same shape; `twins` has their names by those in
/// `changed`. More than rounding is an SQNR below 80 dB: single precision keeps some 130, less behind many layers.
/// `interrupted` is polled, and stops with Error "interrupted".
std::optional<Divergence> first_divergence(const Network& network, const Network& changed,
                                           const std::map<Symbol, Symbol>& twins, std::span<const at::Tensor> inputs,
                                           const std::function<bool()>& interrupted = {});

/// Where a file computes otherwise than `quantized`, which it was written from; `file` has its values by name. Each
/// node is run on what the file has in front of it, so that rounding does not add up. Explained are, of the tensor's
/// largest magnitude: 1/128 in FP16, which rounds inside kernels too, 1/10,000 in FP32; where Q/DQ stand one step more
/// (of FP8 that at the largest magnitude), but no values between two codes; and, of kernels with Q/DQ inside, an SQNR
/// of 30 dB. `in_half`: with FP16 regions.
std::optional<Divergence> first_divergence_of_file(const Network& quantized, bool in_half, const NamedTensors& file,
                                                   std::span<const at::Tensor> inputs,
                                                   const std::function<bool()>& interrupted = {});

}  // namespace graftwork::core

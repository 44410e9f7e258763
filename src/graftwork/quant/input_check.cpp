#include "graftwork/quant/input_check.h"

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/nn/input_text.h"
#include "graftwork/nn/program.h"

namespace graftwork::core {
namespace {

/// Whether the input holds numbers alone, and −∞ where it is a mask.
bool is_usable(const at::Tensor& input, bool is_mask) {
  const at::Tensor usable = at::isfinite(input);
  return (is_mask ? at::logical_or(usable, at::isneginf(input)) : usable).all().item<bool>();
}

}  // namespace

InputCheck::InputCheck(const Network& network) : batching_(batching_of(network.module)), masks_(network) {
  for (const Node* input : network.module.graph().inputs()) inputs_.push_back(input);
}

int64_t InputCheck::samples_in(const std::vector<at::Tensor>& inputs) const {
  if (inputs.size() != inputs_.size()) {
    std::vector<std::string> names;
    for (const Node* input : inputs_) names.push_back(input->name().str());
    throw Error("nn.input",
                cat("the network takes ", counted(names.size(), "input"), " (", join(names), "), not ", inputs.size()),
                "a tensor for each input, in this order");
  }
  int64_t samples = -1;
  for (size_t i = 0; i < inputs.size(); ++i) {
    check_input(*inputs_[i], inputs[i], batching_.batched[i]);
    if (!batching_.batched[i]) continue;
    const int64_t rows = inputs[i].size(0);
    if (rows == 0 || (samples >= 0 && rows != samples)) {
      throw Error("data.shape",
                  cat(input_text(inputs_[i]->name()), " has ", rows, " samples",
                      samples < 0 ? "" : cat(", an input in front of it ", samples)),
                  "tensors whose first axis counts the same samples");
    }
    samples = rows;
  }
  return samples < 0 ? 1 : samples;
}

void InputCheck::is_finite(const std::vector<at::Tensor>& inputs, int64_t first, const SampleSource* source) const {
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (!inputs[i].is_floating_point()) continue;
    const bool is_mask = masks_.is_absorbed(*inputs_[i]);
    const int64_t count = batching_.batched[i] ? inputs[i].size(0) : 1;
    for (int64_t k = 0; k < count; ++k) {
      if (is_usable(batching_.batched[i] ? inputs[i][k] : inputs[i], is_mask)) continue;
      Error error("data.value",
                  cat("sample ", first + k, " of ", input_text(inputs_[i]->name()), " holds NaN or infinity"),
                  "cleaning the calibration data");
      const std::string file = source ? source->file(first + k) : std::string();
      throw file.empty() ? error : error.at(file);
    }
  }
}

}  // namespace graftwork::core

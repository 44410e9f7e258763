// A network that has been quantized, as Python holds it.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "bindings/network.h"
#include "graftwork/export/lower.h"
#include "graftwork/quant/quantize.h"

namespace graftwork::python {

/// What the file is like, and what is in it beside the network.
struct FileForm {
  core::DType float_type = core::DType::kF16;
  bool keep_batch_norm = false;
};

/// Scales of quantizers, by path, which training has changed, and the weights whose scales follow their values.
struct ScaleChanges {
  std::map<std::string, at::Tensor> scales;
  std::set<std::string> following;
};

/// A fake-quantized network as calibration left it. Python's modules hold tensors of their own, and give them.
struct Quantized {
  NetworkHandle network;
  core::StubPlan plan;
  core::QuantConfig config;
  FileForm form;
  std::vector<std::pair<std::string, std::string>> provenance;

  /// The network with these tensors, in the order of Network::names(), and scales rounded as a file of this form holds
  /// them: those of weights that follow are taken from the weights, through the batch norm that export folds. Throws
  /// Error "quant.weight", "python.tensors".
  core::Network with(const std::vector<at::Tensor>& tensors, const ScaleChanges& changes, const FileForm& file) const;

  /// Paths of the stubs whose scales training may change, each with the name of the scale, which several may share.
  std::map<std::string, std::string> learnable_stubs() const;
  /// Paths of the quantizers of weights, each with the scales that it has in `network`.
  std::map<std::string, at::Tensor> weight_scales(const core::Network& network) const;
};

/// Path of the quantizer of a planned weight.
std::string quantizer_of(const core::ModuleTable& modules, const core::PlannedWeight& weight);

}  // namespace graftwork::python

// Complex numbers that are still there: importing makes pairs of real ones wherever it has a form for that.
#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/export/operator_lowering.h"
#include "graftwork/ir/operator_name.h"

namespace graftwork::core {
namespace {

constexpr const char* kTransforms[] = {
    "aten.stft.default",      "aten.stft.center",        "aten.istft.default",     "aten.fft_fft.default",
    "aten.fft_ifft.default",  "aten.fft_fft2.default",   "aten.fft_ifft2.default", "aten.fft_fftn.default",
    "aten.fft_ifftn.default", "aten.fft_rfft.default",   "aten.fft_irfft.default", "aten.fft_rfft2.default",
    "aten.fft_hfft.default",  "aten.fft_irfft2.default", "aten.fft_rfftn.default", "aten.fft_irfftn.default",
    "aten.fft_ihfft.default", "aten._fft_r2c.default",   "aten._fft_c2c.default",  "aten._fft_c2r.default"};

bool is_transform(const Node& node) {
  for (const char* name : kTransforms) {
    if (node.op() == Symbol(name)) return true;
  }
  return false;
}

/// It would be a product with a constant matrix.
[[noreturn]] void refuse_transform() {
  throw Error("export.attribute",
              "it has no constant matrix: too many points, or as many as are known at run time only, or arguments that "
              "no form is written for",
              "a smaller transform along dimensions of fixed size");
}

void transform(Lowering& /*lowering*/, const Node& /*node*/) { refuse_transform(); }

void to_complex(Lowering& /*lowering*/, const Node& node) {
  for (const Use* use = node.uses(); use; use = use->next()) {
    const Node& reader = *use->user();
    if (reader.kind() == NodeKind::kOutput)
      throw Error("export.attribute", "it is a result, and ONNX has no complex numbers",
                  "returning torch.view_as_real of it");
    if (is_transform(reader)) refuse_transform();
    throw Error(
        "export.attribute",
        cat(reader.op().str(), " (%", reader.name().str(), ") reads it, which has no form without complex numbers"),
        "computing with real and imaginary parts there");
  }
  throw Error("export.attribute", "ONNX has no complex numbers");
}

void to_real(Lowering& /*lowering*/, const Node& node) {
  throw Error("export.attribute", cat(node.input(0).op().str(), " gives complex numbers, which ONNX has not"),
              "computing with real and imaginary parts there");
}

}  // namespace

OperatorLowerings complex_lowerings() {
  OperatorLowerings all{{"aten.view_as_complex.default", to_complex}, {"aten.view_as_real.default", to_real}};
  for (const char* name : kTransforms) all.emplace_back(name, transform);
  return all;
}

}  // namespace graftwork::core

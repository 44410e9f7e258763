// A norm's weight and bias take factors for nothing: what it gives is smoothed for the layers behind.
#include "graftwork/patterns/tensorrt/smoothings/patterns.h"

namespace graftwork::core {
namespace {

struct NormSmoothingPattern final : SmoothingPattern {
  std::string_view name() const override { return "NormSmoothingPattern"; }
  bool takes(const ModuleRecord& source, bool) const override {
    return source.kind == Symbol("nn.LayerNorm") || source.kind == Symbol("nn.RMSNorm");
  }
};

}  // namespace

std::shared_ptr<const SmoothingPattern> make_norm_smoothing_pattern() {
  return std::make_shared<NormSmoothingPattern>();
}

}  // namespace graftwork::core

// Attention weighs its values and leaves their channels apart: what it gives is smoothed in the rows of the layer that
// makes the values.
#include "graftwork/patterns/tensorrt/smoothings/patterns.h"

namespace graftwork::core {
namespace {

struct AttentionSmoothingPattern final : SmoothingPattern {
  std::string_view name() const override { return "AttentionSmoothingPattern"; }
  bool takes(const ModuleRecord&, bool through_attention) const override { return through_attention; }
};

}  // namespace

std::shared_ptr<const SmoothingPattern> make_attention_smoothing_pattern() {
  return std::make_shared<AttentionSmoothingPattern>();
}

}  // namespace graftwork::core

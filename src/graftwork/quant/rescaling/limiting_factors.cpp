#include "graftwork/quant/rescaling/limiting_factors.h"

namespace graftwork::core {

std::vector<LimitedChannels> limited_channels(const at::Tensor& amax) {
  const at::Tensor magnitudes = amax.to(at::kDouble);
  const at::Tensor sorted = std::get<0>(magnitudes.sort(0, true));
  std::vector<LimitedChannels> found;
  for (int64_t rank = 2; rank <= sorted.numel() / 2; rank *= 2) {
    const double limit = sorted[rank - 1].item<double>();
    if (limit == 0) break;
    if (limit == sorted[0].item<double>()) continue;
    found.push_back({limit, (magnitudes / limit).clamp_min(1)});
  }
  return found;
}

}  // namespace graftwork::core

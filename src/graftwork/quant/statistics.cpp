#include "graftwork/quant/statistics.h"

#include <algorithm>
#include <cmath>

#include "graftwork/base/text.h"

namespace graftwork::core {

void Range::include(float low, float high) {
  min = seen ? std::min(min, low) : low;
  max = seen ? std::max(max, high) : high;
  seen = true;
}

void Range::merge(const Range& other) {
  finite &= other.finite;
  if (!other.seen) return;
  moving_min = seen ? std::min(moving_min, other.moving_min) : other.moving_min;
  moving_max = seen ? std::max(moving_max, other.moving_max) : other.moving_max;
  include(other.min, other.max);
  histogram.merge(other.histogram);
  mean.merge(other.mean);
  channel_amax.merge(other.channel_amax);
}

float Range::amax() const { return std::max(std::fabs(min), std::fabs(max)); }

std::string StatisticsRequest::text() const {
  std::string text =
      cat(every_float ? "every float value\n" : "", half_probe ? "half probe\n" : "", input_probe ? "inputs\n" : "");
  for (const auto& [name, value] : values) {
    text += cat(name.str(), value.quantized ? " quantized" : "", value.histogram ? " histogram" : "",
                value.moving_average ? " moving average" : "");
    if (value.mean_axis) text += cat(" mean along ", *value.mean_axis);
    if (value.amax_axis) text += cat(" amax along ", *value.amax_axis);
    text += "\n";
  }
  return text;
}

void Statistics::merge(const Statistics& other) {
  for (const auto& [name, range] : other.ranges) ranges[name].merge(range);
  moving.merge(other.moving);
  half.merge(other.half);
  if (!other.inputs.empty()) inputs.resize(other.inputs.size());
  for (size_t i = 0; i < other.inputs.size(); ++i) inputs[i].merge(other.inputs[i]);
}

void complete(Statistics& statistics, const StatisticsRequest& request) {
  for (const auto& [name, value] : request.values) statistics.ranges[name.str()];
  for (const auto& [name, ends] : statistics.moving.averages()) {
    statistics.ranges[name.str()].moving_min = ends.min;
    statistics.ranges[name.str()].moving_max = ends.max;
  }
  for (const auto& [name, range] : statistics.ranges) {
    if (range.mean.empty()) continue;
    const at::Tensor mean = range.mean.value();
    const double* channels = mean.const_data_ptr<double>();
    statistics.means[name].assign(channels, channels + mean.numel());
  }
}

}  // namespace graftwork::core

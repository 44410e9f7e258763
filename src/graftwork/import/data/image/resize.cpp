// Output position i, in input coordinates, has its centre at c = (i + ½) · s with s = input size / output size. The
// filter is a triangle of half-width max(s, 1) around c, sampled at the centres of the input positions it covers and
// normalised to sum 1. Weights are rounded to fixed point with 22 fractional bits: 8 bits of value and two of headroom
// for the sum remain in 32. All in double precision until that rounding, so that the bytes do not depend on a
// compiler's choice of float registers.
#include "graftwork/import/data/image/resize.h"

#include <algorithm>
#include <cmath>

#include "graftwork/base/error.h"

namespace graftwork {
namespace {

constexpr int kFractionBits = 32 - 8 - 2;
constexpr int32_t kHalf = 1 << (kFractionBits - 1);

/// What one output position reads: weights for the input positions from `begin` on.
struct Window {
  int64_t begin = 0;
  std::vector<int32_t> weights;
};

Window window_of(int64_t position, int64_t input_size, double scale) {
  const double half_width = std::max(scale, 1.0);
  const double center = (static_cast<double>(position) + 0.5) * scale;
  Window window;
  window.begin = std::max<int64_t>(static_cast<int64_t>(center - half_width + 0.5), 0);
  const int64_t end = std::min(static_cast<int64_t>(center + half_width + 0.5), input_size);
  std::vector<double> weights;
  double sum = 0;
  const double narrowing = 1.0 / half_width;
  for (int64_t i = window.begin; i < end; ++i) {
    const double distance = std::fabs((static_cast<double>(i) - center + 0.5) * narrowing);
    weights.push_back(std::max(1.0 - distance, 0.0));
    sum += weights.back();
  }
  for (const double weight : weights) {
    window.weights.push_back(static_cast<int32_t>(0.5 + weight / sum * (1 << kFractionBits)));
  }
  return window;
}

/// The windows of output positions [begin, begin + count).
std::vector<Window> windows_of(int64_t input_size, int64_t output_size, int64_t begin, int64_t count) {
  const double scale = static_cast<double>(input_size) / static_cast<double>(output_size);
  std::vector<Window> windows;
  windows.reserve(static_cast<size_t>(count));
  for (int64_t i = begin; i < begin + count; ++i) windows.push_back(window_of(i, input_size, scale));
  return windows;
}

uint8_t rounded(int32_t sum) { return static_cast<uint8_t>(std::clamp(sum >> kFractionBits, 0, 255)); }

Image blank(int64_t width, int64_t height, int64_t channels) {
  Image image{width, height, channels, {}};
  image.pixels.resize(static_cast<size_t>(width * height * channels));
  return image;
}

/// Rows [top, top + height) of the picture, filtered along each.
Image filter_rows(const Image& image, int64_t top, int64_t height, const std::vector<Window>& windows) {
  const int64_t channels = image.channels;
  Image made = blank(std::ssize(windows), height, channels);
  uint8_t* out = made.pixels.data();
  for (int64_t y = top; y < top + height; ++y) {
    const uint8_t* row = image.pixels.data() + y * image.width * channels;
    for (const Window& window : windows) {
      for (int64_t channel = 0; channel < channels; ++channel) {
        const uint8_t* in = row + window.begin * channels + channel;
        int32_t sum = kHalf;
        for (const int32_t weight : window.weights) {
          sum += *in * weight;
          in += channels;
        }
        *out++ = rounded(sum);
      }
    }
  }
  return made;
}

/// Filtered along columns, a row of sums at a time. `top` is the row of the picture that `rows` begins with.
Image filter_columns(const Image& rows, int64_t top, const std::vector<Window>& windows) {
  const auto stride = static_cast<size_t>(rows.width * rows.channels);
  Image made = blank(rows.width, std::ssize(windows), rows.channels);
  uint8_t* out = made.pixels.data();
  std::vector<int32_t> sums(stride);
  for (const Window& window : windows) {
    std::fill(sums.begin(), sums.end(), kHalf);
    const uint8_t* in = rows.pixels.data() + static_cast<size_t>(window.begin - top) * stride;
    for (const int32_t weight : window.weights) {
      for (size_t x = 0; x < stride; ++x) sums[x] += *in++ * weight;
    }
    for (const int32_t sum : sums) *out++ = rounded(sum);
  }
  return made;
}

}  // namespace

Image resize_bilinear(const Image& image, ImageSize size, const ImagePart& part) {
  GRAFTWORK_ASSERT(image.width > 0 && image.height > 0 && part.size.width > 0 && part.size.height > 0);
  GRAFTWORK_ASSERT(part.left >= 0 && part.top >= 0 && part.left + part.size.width <= size.width &&
                   part.top + part.size.height <= size.height);
  const std::vector<Window> columns = windows_of(image.width, size.width, part.left, part.size.width);
  const std::vector<Window> rows = windows_of(image.height, size.height, part.top, part.size.height);
  const int64_t top = rows.front().begin;
  const int64_t bottom = rows.back().begin + std::ssize(rows.back().weights);
  return filter_columns(filter_rows(image, top, bottom - top, columns), top, rows);
}

}  // namespace graftwork

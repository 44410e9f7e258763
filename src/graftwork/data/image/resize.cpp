// Output position i, in input coordinates, has its centre at c = (i + ½) · s with s = input size / output size. The
// filter is a triangle of half-width max(s, 1) around c, sampled at the centres of the input positions it covers and
// normalised to sum 1. Weights are rounded to fixed point with 22 fractional bits: 8 bits of value and two of headroom
// for the sum remain in 32. All in double precision until that rounding, so that the bytes do not depend on a
// compiler's choice of float registers.
#include "graftwork/data/image/resize.h"

#include <algorithm>
#include <cmath>

#include "graftwork/base/error.h"

namespace graftwork::core {
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
  window.begin = std::max<int64_t>(static_cast<int64_t>(std::floor(center - half_width + 0.5)), 0);
  const int64_t end = std::min(static_cast<int64_t>(std::floor(center + half_width + 0.5)), input_size);
  std::vector<double> weights;
  double sum = 0;
  const double narrowing = 1.0 / half_width;
  for (int64_t i = window.begin; i < end; ++i) {
    const double distance = std::fabs((static_cast<double>(i) - center + 0.5) * narrowing);
    weights.push_back(std::max(1.0 - distance, 0.0));
    sum += weights.back();
  }
  for (const double weight : weights) {
    window.weights.push_back(static_cast<int32_t>(std::floor(0.5 + weight / sum * (1 << kFractionBits))));
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

/// What a pass reads along one direction.
struct Range {
  int64_t begin = 0;
  int64_t end = 0;
};

Range range_of(const std::vector<Window>& windows) {
  return {windows.front().begin, windows.back().begin + std::ssize(windows.back().weights)};
}

/// Rows `rows` of the picture, filtered along each. `left` is the column that the picture begins with.
Image filter_rows(const Image& image, Range rows, int64_t left, const std::vector<Window>& windows) {
  const int64_t channels = image.channels;
  Image made = blank(std::ssize(windows), rows.end - rows.begin, channels);
  uint8_t* out = made.pixels.data();
  for (int64_t y = rows.begin; y < rows.end; ++y) {
    const uint8_t* row = image.pixels.data() + y * image.width * channels;
    for (const Window& window : windows) {
      for (int64_t channel = 0; channel < channels; ++channel) {
        const uint8_t* in = row + (window.begin - left) * channels + channel;
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

/// Columns `columns` of the picture, filtered along each, a row of sums at a time. `top` is the row that the picture
/// begins with.
Image filter_columns(const Image& image, Range columns, int64_t top, const std::vector<Window>& windows) {
  const int64_t channels = image.channels;
  Image made = blank(columns.end - columns.begin, std::ssize(windows), channels);
  uint8_t* out = made.pixels.data();
  std::vector<int32_t> sums(static_cast<size_t>(made.width * channels));
  for (const Window& window : windows) {
    std::fill(sums.begin(), sums.end(), kHalf);
    const uint8_t* row = image.pixels.data() + ((window.begin - top) * image.width + columns.begin) * channels;
    for (const int32_t weight : window.weights) {
      for (size_t x = 0; x < sums.size(); ++x) sums[x] += row[x] * weight;
      row += image.width * channels;
    }
    for (const int32_t sum : sums) *out++ = rounded(sum);
  }
  return made;
}

/// The order shows in the rounding between the passes. Pillow (as of 13) goes along columns first where the height
/// shrinks by more than twice the pixels that the width does.
bool columns_go_first(const Image& image, ImageSize size) {
  return size.height < image.height && image.height - size.height > 2 * (image.width - size.width);
}

}  // namespace

Image resize_bilinear(const Image& image, ImageSize size, const ImagePart& part) {
  GRAFTWORK_ASSERT(image.width > 0 && image.height > 0 && part.size.width > 0 && part.size.height > 0);
  GRAFTWORK_ASSERT(part.left >= 0 && part.top >= 0 && part.left + part.size.width <= size.width &&
                   part.top + part.size.height <= size.height);
  const std::vector<Window> columns = windows_of(image.width, size.width, part.left, part.size.width);
  const std::vector<Window> rows = windows_of(image.height, size.height, part.top, part.size.height);
  const Range read_columns = range_of(columns);
  const Range read_rows = range_of(rows);
  if (columns_go_first(image, size)) {
    return filter_rows(filter_columns(image, read_columns, 0, rows), {0, part.size.height}, read_columns.begin,
                       columns);
  }
  return filter_columns(filter_rows(image, read_rows, 0, columns), {0, part.size.width}, read_rows.begin, rows);
}

}  // namespace graftwork::core

#include "graftwork/data/image/preprocess.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/data/image/decode.h"

namespace graftwork::core {
namespace {

constexpr std::array<double, 3> kImageNetMean{0.485, 0.456, 0.406};
constexpr std::array<double, 3> kImageNetStd{0.229, 0.224, 0.225};

std::string size_text(ImageSize size) { return cat(size.height, "x", size.width); }

std::string input_text(const ImageInput& input) {
  std::string shape;
  for (const int64_t extent : input.shape) {
    shape += cat(shape.empty() ? "" : ", ", extent < 0 ? "?" : std::to_string(extent));
  }
  return cat("input ", input.name, ", ", dtype_name(input.type), "[", shape, "]");
}

/// `given`, or one number for all channels, or the default.
std::vector<float> by_channel(const std::vector<double>& given, size_t channels, std::span<const double> color,
                              double grey, const char* what) {
  if (!given.empty() && given.size() != 1 && given.size() != channels) {
    throw Error(
        "data.image_numbers",
        cat("the ", what, " has ", counted(given.size(), "number"), ", the input ", counted(channels, "channel")),
        "one number for each channel, or one for all");
  }
  std::vector<float> numbers(channels, static_cast<float>(given.empty() ? grey : given[0]));
  if (given.empty() && channels == color.size()) {
    std::transform(color.begin(), color.end(), numbers.begin(), [](double x) { return static_cast<float>(x); });
  } else if (given.size() == channels) {
    std::transform(given.begin(), given.end(), numbers.begin(), [](double x) { return static_cast<float>(x); });
  }
  return numbers;
}

ImageSize size_of(const ImageInput& input, const ImageOptions& options) {
  const ImageSize fixed{input.shape[3], input.shape[2]};
  if (!options.size) {
    if (fixed.width > 0 && fixed.height > 0) return fixed;
    throw Error("data.image_size", input_text(input) + ", takes pictures of many sizes", "saying one of them");
  }
  const bool fits = (fixed.width < 0 || fixed.width == options.size->width) &&
                    (fixed.height < 0 || fixed.height == options.size->height);
  if (fits) return *options.size;
  throw Error("data.image_size", cat(input_text(input), ", does not take pictures of ", size_text(*options.size)),
              "a size that it takes, or saying none");
}

/// Of two halves that differ by one pixel, torchvision's crop takes Python's rounding: to the even number.
int64_t half_of(int64_t margin) { return margin / 2 + (margin % 2 == 1 && margin / 2 % 2 == 1 ? 1 : 0); }

/// Numbers as people write them: as few digits as tell the float.
std::string numbers_text(const std::vector<float>& numbers) {
  std::vector<std::string> texts;
  for (const float number : numbers) {
    std::array<char, 32> text{};
    texts.emplace_back(text.data(), std::to_chars(text.data(), text.data() + text.size(), number).ptr);
  }
  return join(texts);
}

}  // namespace

ImagePreprocessor::ImagePreprocessor(const ImageInput& input, const ImageOptions& options)
    : type_(input.type),
      resize_(options.resize),
      shorter_side_(options.shorter_side),
      pad_value_(static_cast<uint8_t>(options.pad_value.value_or(resize_ == ResizeMode::kLetterbox ? 114 : 0))),
      channels_(options.channels) {
  const bool has_type = input.type == DType::kF32 || input.type == DType::kU8;
  if (!has_type || input.shape.size() != 4 || (input.shape[1] != 1 && input.shape[1] != 3)) {
    throw Error("data.image_input",
                input_text(input) + ", takes no pictures: they are f32 or u8 of shape [N, 3, H, W] or [N, 1, H, W]",
                "saving the samples as .npy or .npz");
  }
  size_ = size_of(input, options);
  shape_ = {input.shape[1], size_.height, size_.width};
  const bool is_bgr = channels_ == ChannelOrder::kBgr;
  if (is_bgr && shape_[0] == 1)
    throw Error("data.image_channels", input_text(input) + ", takes grey pictures", "leaving out the order of colours");
  if (type_ == DType::kU8) {
    if (options.mean.empty() && options.stddev.empty()) return;
    throw Error("data.image_numbers", input_text(input) + ", takes bytes as they are",
                "leaving out mean and deviation");
  }
  const auto channels = static_cast<size_t>(shape_[0]);
  mean_ = by_channel(options.mean, channels, kImageNetMean, 0.0, "mean");
  stddev_ = by_channel(options.stddev, channels, kImageNetStd, 1.0, "deviation");
  if (is_bgr && options.mean.empty()) std::ranges::reverse(mean_);
  if (is_bgr && options.stddev.empty()) std::ranges::reverse(stddev_);
}

/// The picture, scaled to fit into the size, with what is left over filled.
Image ImagePreprocessor::padded(const Image& image) const {
  const bool is_wide = image.width * size_.height >= size_.width * image.height;
  const auto scaled_by = [](int64_t extent, int64_t to, int64_t from) {  // rounded to nearest
    return std::max<int64_t>((2 * extent * to + from) / (2 * from), 1);
  };
  const ImageSize scaled = is_wide ? ImageSize{size_.width, scaled_by(image.height, size_.width, image.width)}
                                   : ImageSize{scaled_by(image.width, size_.height, image.height), size_.height};
  const Image small =
      scaled == ImageSize{image.width, image.height} ? image : resize_bilinear(image, scaled, {0, 0, scaled});
  const bool is_centred = resize_ == ResizeMode::kLetterbox;
  const int64_t left = is_centred ? (size_.width - scaled.width) / 2 : 0;
  const int64_t top = is_centred ? (size_.height - scaled.height) / 2 : 0;
  Image filled{size_.width, size_.height, small.channels, {}};
  filled.pixels.assign(static_cast<size_t>(size_.width * size_.height * small.channels), pad_value_);
  const int64_t row = scaled.width * small.channels;
  for (int64_t y = 0; y < scaled.height; ++y) {
    const auto begin = small.pixels.begin() + y * row;
    std::copy(begin, begin + row, filled.pixels.begin() + ((top + y) * size_.width + left) * small.channels);
  }
  return filled;
}

Image ImagePreprocessor::fitted(const Image& image) const {
  if (resize_ != ResizeMode::kShorter && ImageSize{image.width, image.height} == size_) return image;
  if (resize_ == ResizeMode::kLetterbox || resize_ == ResizeMode::kPad) return padded(image);
  if (resize_ == ResizeMode::kStretch) return resize_bilinear(image, size_, {0, 0, size_});
  ImageSize scaled;
  if (resize_ == ResizeMode::kShorter) {
    scaled = image.width < image.height ? ImageSize{shorter_side_, shorter_side_ * image.height / image.width}
                                        : ImageSize{shorter_side_ * image.width / image.height, shorter_side_};
  } else {
    const ImageSize cover{(size_.width * 256 + 112) / 224, (size_.height * 256 + 112) / 224};
    scaled = cover.width * image.height > cover.height * image.width
                 ? ImageSize{cover.width, cover.width * image.height / image.width}
                 : ImageSize{cover.height * image.width / image.height, cover.height};
  }
  if (scaled.width < size_.width || scaled.height < size_.height) {
    throw Error("data.image_crop",
                cat("the picture is ", size_text({image.width, image.height}), ", scaled ", size_text(scaled),
                    ": too small for a crop of ", size_text(size_)),
                "scaling pictures to more pixels before the crop");
  }
  return resize_bilinear(image, scaled,
                         {half_of(scaled.width - size_.width), half_of(scaled.height - size_.height), size_});
}

Array ImagePreprocessor::read(const std::filesystem::path& path) const {
  const int64_t channels = shape_[0];
  PictureMemory::Room room;
  const Image decoded = read_image(path, channels == 1 ? ImageColor::kGrey : ImageColor::kRgb, *memory_, room);
  Image image;
  try {
    image = fitted(decoded);
  } catch (Error& error) {
    error.at(path.string());
    throw;
  }
  const auto plane = static_cast<size_t>(size_.width * size_.height);
  std::vector<std::byte> bytes(plane * static_cast<size_t>(channels) * dtype_bytes(type_));
  std::byte* out = bytes.data();
  for (int64_t channel = 0; channel < channels; ++channel) {
    std::array<float, 256> numbers{};
    for (size_t i = 0; type_ == DType::kF32 && i < numbers.size(); ++i) {
      const auto at = static_cast<size_t>(channel);
      numbers[i] = (static_cast<float>(i) / 255.0F - mean_[at]) / stddev_[at];
    }
    const uint8_t* in = image.pixels.data() + (channels_ == ChannelOrder::kBgr ? channels - 1 - channel : channel);
    for (size_t i = 0; i < plane; ++i, in += channels) {
      if (type_ == DType::kU8) {
        *out++ = static_cast<std::byte>(*in);
      } else {
        std::memcpy(out, &numbers[*in], sizeof(float));
        out += sizeof(float);
      }
    }
  }
  return make_array(type_, shape_, std::move(bytes));
}

std::string ImagePreprocessor::text() const {
  std::string text = size_text(size_) + " pixels, ";
  if (resize_ == ResizeMode::kStretch) text += "stretched";
  if (resize_ == ResizeMode::kShorter) text += cat("centre crop of shorter side ", shorter_side_);
  if (resize_ == ResizeMode::kCrop) text += "centre crop";
  if (resize_ == ResizeMode::kLetterbox) text += cat("in the middle of ", int{pad_value_});
  if (resize_ == ResizeMode::kPad) text += cat("in the corner of ", int{pad_value_});
  if (channels_ == ChannelOrder::kBgr) text += "; BGR";
  if (type_ == DType::kU8) return text + "; bytes";
  return cat(text, "; mean ", numbers_text(mean_), "; std ", numbers_text(stddev_));
}

}  // namespace graftwork::core

// From a picture to what a network reads: size, colours, numbers.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "graftwork/data/array.h"
#include "graftwork/data/image/picture_memory.h"
#include "graftwork/data/image/resize.h"

namespace graftwork::core {

/// How a picture comes to the network's size. One that has it already is taken as it is, but by kShorter.
enum class ResizeMode : uint8_t {
  kCrop,       ///< Scaled to cover 256/224 of the size, then the middle: torchvision's evaluation for ImageNet.
  kStretch,    ///< Scaled to the size, whatever becomes of the proportions.
  kShorter,    ///< The shorter side to a given number of pixels, then the middle.
  kLetterbox,  ///< Scaled to fit into the size, in its middle; the rest is filled.
  kPad,        ///< Likewise, in its upper left corner.
};

enum class ChannelOrder : uint8_t { kRgb, kBgr };

/// What the user says about pictures.
struct ImageOptions {
  std::optional<ImageSize> size;  ///< Absent: the size that the network's input has.
  ResizeMode resize = ResizeMode::kCrop;
  int64_t shorter_side = 0;  ///< Pixels; only for ResizeMode::kShorter.
  /// What is filled has this value in all channels, 0 to 255; absent: 114 for kLetterbox, 0 for kPad.
  std::optional<int64_t> pad_value;
  ChannelOrder channels = ChannelOrder::kRgb;
  /// One for each channel in the order that the network gets, or one for all. Empty: ImageNet's for colours, 0 for
  /// grey.
  std::vector<double> mean;
  std::vector<double> stddev;  ///< Likewise; empty: ImageNet's for colours, 1 for grey.

  bool is_default() const {
    return !size && resize == ResizeMode::kCrop && !pad_value && channels == ChannelOrder::kRgb && mean.empty() &&
           stddev.empty();
  }
};

/// The input that pictures are for. Negative extents are free.
struct ImageInput {
  std::string name;
  DType type = DType::kF32;
  std::vector<int64_t> shape;  ///< With the axis of samples: [N, channels, height, width].
};

/// Turns pictures into samples of one input. Safe from many threads.
class ImagePreprocessor {
 public:
  /// Throws Error "data.image_input" when the input does not take pictures (f32 or u8 [N, 3 or 1, height, width]),
  /// "data.image_size" when its size is neither fixed nor given, or does not fit it, "data.image_numbers" for a number
  /// of means that is neither 1 nor the channels', or numbers for an input of bytes, "data.image_channels" for BGR on a
  /// grey input.
  ImagePreprocessor(const ImageInput& input, const ImageOptions& options);

  /// One sample, [channels, height, width]: (value / 255 − mean) / std in f32, or the bytes. Throws what read_image
  /// does, and Error "data.image_crop" for a picture that does not cover the crop; both name the file.
  Array read(const std::filesystem::path& path) const;

  DType type() const { return type_; }
  const std::vector<int64_t>& sample_shape() const { return shape_; }
  /// "64x64 pixels, centre crop; mean 0.485, 0.456, 0.406; std 0.229, 0.224, 0.225".
  std::string text() const;

 private:
  Image fitted(const Image& image) const;
  Image padded(const Image& image) const;

  DType type_;
  std::vector<int64_t> shape_;
  ImageSize size_;
  ResizeMode resize_;
  int64_t shorter_side_;
  uint8_t pad_value_;
  ChannelOrder channels_;
  std::vector<float> mean_;
  std::vector<float> stddev_;
  std::shared_ptr<PictureMemory> memory_ = std::make_shared<PictureMemory>();
};

}  // namespace graftwork::core

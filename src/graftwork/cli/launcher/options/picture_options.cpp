#include "graftwork/cli/launcher/options/picture_options.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <string_view>

#include "graftwork/base/text.h"

namespace graftwork::core::cli {
namespace {

constexpr int64_t kLargestImage = 65'535;  // what a JPEG file can hold

/// A whole number of pixels; nothing for everything else.
std::optional<int64_t> pixels(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < 1 || value > kLargestImage) return {};
  return value;
}

}  // namespace

void PictureOptions::add_to(CLI::App& app) {
  app.add_option("--image-size", size_, "Pictures: height and width for the network; default: its input's")
      ->type_name("N|HxW");
  app.add_option(
         "--resize", resize_,
         "Pictures: crop (cover 256/224 of the size, cut the middle), stretch, letterbox (fit into the middle), "
         "pad (fit into the upper left corner), or N (shorter side to N pixels, cut the middle)")
      ->type_name("HOW")
      ->capture_default_str();
  app.add_option("--pad-value", images_.pad_value,
                 "Pictures: what letterbox and pad fill with, 0 to 255; default: 114 for letterbox, 0 for pad")
      ->check(CLI::Range(int64_t{0}, int64_t{255}, "0 to 255"))
      ->type_name("N");
  add_choice(app, "--channels", images_.channels, {{"rgb", ChannelOrder::kRgb}, {"bgr", ChannelOrder::kBgr}}, "ORDER",
             "Pictures: order of the colours that the network takes: rgb or bgr");
  app.add_option("--mean", images_.mean, "Pictures: mean of value/255 by channel; default: ImageNet's, 0 for grey")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("A,B,C");
  app.add_option("--std", images_.stddev, "Pictures: deviation of value/255; default: ImageNet's, 1 for grey")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("A,B,C");
}

void PictureOptions::finish_size(const CLI::App& app) {
  if (size_.empty()) return;
  const size_t cross = size_.find('x');
  const std::optional<int64_t> height = pixels(size_.substr(0, cross));
  const std::optional<int64_t> width = cross == std::string::npos ? height : pixels(size_.substr(cross + 1));
  if (!height || !width)
    refuse(app, cat("--image-size: ", quoted(size_), " is neither N nor HxW, 1 to ", kLargestImage, " pixels"));
  images_.size = ImageSize{*width, *height};
}

void PictureOptions::finish_resize(const CLI::App& app) {
  if (resize_ == "crop") return;
  if (resize_ == "stretch") {
    images_.resize = ResizeMode::kStretch;
  } else if (resize_ == "letterbox") {
    images_.resize = ResizeMode::kLetterbox;
  } else if (resize_ == "pad") {
    images_.resize = ResizeMode::kPad;
  } else if (const std::optional<int64_t> side = pixels(resize_)) {
    images_.resize = ResizeMode::kShorter;
    images_.shorter_side = *side;
  } else {
    refuse(app,
           cat("--resize: ", quoted(resize_), " is none of crop, stretch, letterbox, pad, and a number of pixels"));
  }
}

void PictureOptions::finish(const CLI::App& app) {
  finish_size(app);
  finish_resize(app);
  if (images_.pad_value && images_.resize != ResizeMode::kLetterbox && images_.resize != ResizeMode::kPad)
    refuse(app, "--pad-value belongs to --resize letterbox and pad");
  const auto is_finite = [](double x) { return std::isfinite(x); };
  const auto is_positive = [](double x) { return std::isfinite(x) && static_cast<float>(x) > 0; };
  if (!std::ranges::all_of(images_.mean, is_finite)) refuse(app, "--mean: not a number");
  if (!std::ranges::all_of(images_.stddev, is_positive)) refuse(app, "--std: numbers above 0 are needed");
}

}  // namespace graftwork::core::cli

// JPEG and PNG files. What is decoded has the pixels that it says.
#include "fuzz/target.h"
#include "graftwork/data/image/decode.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace graftwork::core;
  for (const ImageColor color : {ImageColor::kRgb, ImageColor::kGrey}) {
    fuzz::answer([&] {
      const Image image = decode_image(std::as_bytes(std::span(data, size)), color);
      fuzz::demand(image.channels == (color == ImageColor::kRgb ? 3 : 1));
      fuzz::demand(std::ssize(image.pixels) == image.width * image.height * image.channels);
    });
  }
  return 0;
}

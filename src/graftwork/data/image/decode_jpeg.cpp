// JPEG through libjpeg-turbo, with the settings that Pillow has: the accurate integer DCT and smooth upsampling of
// colour, which are the library's defaults.
#include <cstdio>
// jpeglib.h uses FILE and size_t without including them.
#include <jerror.h>
#include <jpeglib.h>

#include <array>
#include <csetjmp>
#include <cstring>

#include "graftwork/data/image/codecs.h"
#include "graftwork/data/image/exif.h"

namespace graftwork::core {
namespace {

constexpr int kExifMarker = JPEG_APP0 + 1;
constexpr unsigned kLongestMarker = 0xffff;
constexpr std::array<char, 6> kExifPrefix{'E', 'x', 'i', 'f', '\0', '\0'};
constexpr int kMostScans = 500;  // a few kilobytes can hold a scan for every bit of work

/// The library's callbacks get this through a pointer to its first member. Errors jump: no C++ object may live between
/// the setjmp and the call that fails.
struct ErrorState {
  jpeg_error_mgr manager;
  std::jmp_buf jump;
  std::array<char, JMSG_LENGTH_MAX> message;
};

[[noreturn]] void fail(j_common_ptr jpeg) {
  auto* state = reinterpret_cast<ErrorState*>(jpeg->err);
  jpeg->err->format_message(jpeg, state->message.data());
  std::longjmp(state->jump, 1);
}

/// Warnings after which the rest of the picture is made up are errors; stray bytes between markers are common.
void note(j_common_ptr jpeg, int level) {
  const int code = jpeg->err->msg_code;
  if (level < 0 && (code == JWRN_JPEG_EOF || code == JWRN_HIT_MARKER || code == JWRN_HUFF_BAD_CODE)) fail(jpeg);
}

void count_scans(j_common_ptr jpeg) {
  if (reinterpret_cast<j_decompress_ptr>(jpeg)->input_scan_number > kMostScans) {
    ERREXIT(jpeg, JERR_BAD_PROGRESSION);
  }
}

class JpegReader {
 public:
  explicit JpegReader(std::span<const std::byte> bytes) : bytes_(bytes) {
    jpeg_.err = jpeg_std_error(&errors_.manager);
    errors_.manager.error_exit = fail;
    errors_.manager.emit_message = note;
    progress_.progress_monitor = count_scans;
  }
  ~JpegReader() { jpeg_destroy_decompress(&jpeg_); }
  JpegReader(const JpegReader&) = delete;
  JpegReader& operator=(const JpegReader&) = delete;

  DecodedImage read(const Admit& admit) {
    if (!read_header()) throw damaged_image("JPEG", errors_.message.data());
    admit({jpeg_.image_width, jpeg_.image_height, channels(), jpeg_has_multiple_scans(&jpeg_) != 0});
    DecodedImage decoded;
    decoded.image = make_image(jpeg_.image_width, jpeg_.image_height, channels());
    decoded.orientation = orientation();  // the library forgets the markers with the last row
    if (!read_rows(decoded.image.pixels.data())) throw damaged_image("JPEG", errors_.message.data());
    return decoded;
  }

 private:
  int channels() const { return jpeg_.num_components == 2 ? 3 : jpeg_.num_components; }

  bool read_header() {
    if (setjmp(errors_.jump) != 0) return false;
    jpeg_create_decompress(&jpeg_);
    jpeg_.progress = &progress_;
    jpeg_mem_src(&jpeg_, reinterpret_cast<const unsigned char*>(bytes_.data()), bytes_.size());
    jpeg_save_markers(&jpeg_, kExifMarker, kLongestMarker);
    jpeg_read_header(&jpeg_, TRUE);
    return true;
  }

  bool read_rows(uint8_t* pixels) {
    if (setjmp(errors_.jump) != 0) return false;
    const size_t stride = size_t{jpeg_.image_width} * static_cast<size_t>(channels());
    jpeg_.out_color_space = channels() == 1 ? JCS_GRAYSCALE : channels() == 3 ? JCS_RGB : JCS_CMYK;
    jpeg_start_decompress(&jpeg_);
    while (jpeg_.output_scanline < jpeg_.output_height) {
      JSAMPROW row = pixels + stride * jpeg_.output_scanline;
      jpeg_read_scanlines(&jpeg_, &row, 1);
    }
    jpeg_finish_decompress(&jpeg_);
    return true;
  }

  int orientation() const {
    for (const jpeg_marker_struct* marker = jpeg_.marker_list; marker; marker = marker->next) {
      if (marker->marker != kExifMarker || marker->data_length < kExifPrefix.size()) continue;
      if (std::memcmp(marker->data, kExifPrefix.data(), kExifPrefix.size()) != 0) continue;
      return exif_orientation(std::as_bytes(std::span(marker->data, marker->data_length)).subspan(kExifPrefix.size()));
    }
    return 1;
  }

  std::span<const std::byte> bytes_;
  ErrorState errors_{};
  jpeg_progress_mgr progress_{};
  jpeg_decompress_struct jpeg_{};
};

}  // namespace

DecodedImage decode_jpeg(std::span<const std::byte> bytes, const Admit& admit) {
  DecodedImage decoded = JpegReader(bytes).read(admit);
  // Files of four inks come from Adobe's programs, which store them inverted.
  if (decoded.image.channels == 4) {
    for (uint8_t& ink : decoded.image.pixels) ink = static_cast<uint8_t>(255 - ink);
  }
  return decoded;
}

}  // namespace graftwork::core

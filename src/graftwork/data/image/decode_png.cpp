// PNG through libpng: every colour type and depth to 8-bit grey or RGB, interlaced or not.
#include <png.h>

#include <array>
#include <csetjmp>
#include <cstdio>
#include <cstring>

#include "graftwork/data/image/codecs.h"
#include "graftwork/data/image/exif.h"

namespace graftwork::core {
namespace {

/// What the library's callbacks share. Errors jump: no C++ object may live between the setjmp and the call that fails.
struct ReadState {
  std::span<const std::byte> rest;
  std::jmp_buf jump;
  std::array<char, 128> message;
};

[[noreturn]] void fail(png_structp png, png_const_charp message) {
  auto* state = static_cast<ReadState*>(png_get_error_ptr(png));
  std::snprintf(state->message.data(), state->message.size(), "%s", message);
  std::longjmp(state->jump, 1);
}

void ignore(png_structp, png_const_charp) {}

void read_bytes(png_structp png, png_bytep into, size_t size) {
  auto* state = static_cast<ReadState*>(png_get_io_ptr(png));
  if (size > state->rest.size()) png_error(png, "the file ends too early");
  std::memcpy(into, state->rest.data(), size);
  state->rest = state->rest.subspan(size);
}

class PngReader {
 public:
  explicit PngReader(std::span<const std::byte> bytes) {
    state_.rest = bytes;
    png_ = png_create_read_struct(PNG_LIBPNG_VER_STRING, &state_, fail, ignore);
    info_ = png_ ? png_create_info_struct(png_) : nullptr;
    if (!info_) throw std::bad_alloc();
  }
  ~PngReader() { png_destroy_read_struct(&png_, &info_, nullptr); }
  PngReader(const PngReader&) = delete;
  PngReader& operator=(const PngReader&) = delete;

  DecodedImage read(const Admit& admit) {
    if (!read_header()) throw damaged_image("PNG", state_.message.data());
    const int64_t width = png_get_image_width(png_, info_);
    const int64_t height = png_get_image_height(png_, info_);
    admit({width, height, (png_get_color_type(png_, info_) & PNG_COLOR_MASK_COLOR) != 0 ? 3 : 1});
    if (!set_transformations()) throw damaged_image("PNG", state_.message.data());
    DecodedImage decoded;
    decoded.image = make_image(width, height, png_get_channels(png_, info_));
    std::vector<png_bytep> rows(static_cast<size_t>(decoded.image.height));
    const size_t stride = png_get_rowbytes(png_, info_);
    GRAFTWORK_ASSERT(stride * rows.size() == decoded.image.pixels.size());
    for (size_t y = 0; y < rows.size(); ++y) rows[y] = decoded.image.pixels.data() + y * stride;
    if (!read_rows(rows.data())) throw damaged_image("PNG", state_.message.data());
    decoded.orientation = orientation();
    return decoded;
  }

 private:
  bool read_header() {
    if (setjmp(state_.jump) != 0) return false;
    png_set_user_limits(png_, PNG_UINT_31_MAX, PNG_UINT_31_MAX);  // whoever admits has the say
    // Texts, colour profiles and the like are skipped: the library makes room for whatever such a chunk claims. The
    // one that is wanted is kept as it lies in the file, which takes a limit.
    png_set_keep_unknown_chunks(png_, PNG_HANDLE_CHUNK_NEVER, nullptr, -1);
    png_set_keep_unknown_chunks(png_, PNG_HANDLE_CHUNK_ALWAYS, kExif.data(), 1);
    png_set_chunk_malloc_max(png_, state_.rest.size());
    png_set_read_fn(png_, &state_, read_bytes);
    png_read_info(png_, info_);
    return true;
  }

  /// Makes room for a row, so the size must have been checked.
  bool set_transformations() {
    if (setjmp(state_.jump) != 0) return false;
    const int type = png_get_color_type(png_, info_);
    if (type == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(png_);
    if (type == PNG_COLOR_TYPE_GRAY) png_set_expand_gray_1_2_4_to_8(png_);
    png_set_strip_16(png_);
    png_set_strip_alpha(png_);
    png_set_interlace_handling(png_);
    png_read_update_info(png_, info_);
    return true;
  }

  bool read_rows(png_bytepp rows) {
    if (setjmp(state_.jump) != 0) return false;
    png_read_image(png_, rows);
    png_read_end(png_, info_);
    return true;
  }

  int orientation() const {
    png_unknown_chunkp chunks = nullptr;
    const int count = png_get_unknown_chunks(png_, info_, &chunks);
    if (count == 0) return 1;
    return exif_orientation(std::as_bytes(std::span(chunks[0].data, chunks[0].size)));
  }

  static constexpr std::array<png_byte, 5> kExif{'e', 'X', 'I', 'f', 0};

  ReadState state_{};
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
};

}  // namespace

DecodedImage decode_png(std::span<const std::byte> bytes, const Admit& admit) { return PngReader(bytes).read(admit); }

}  // namespace graftwork::core

#include "graftwork/archive/inflate.h"

#include <zlib.h>

#include <algorithm>
#include <new>
#include <optional>
#include <string>

#include "graftwork/archive/crc32.h"
#include "graftwork/archive/zip_format.h"
#include "graftwork/base/error.h"
#include "graftwork/base/text.h"

namespace graftwork::core {
namespace {

[[noreturn]] void fail(const ZipReader& archive, const char* code, std::string message, std::string hint) {
  throw Error(code, std::move(message), std::move(hint)).at(archive.label());
}

/// zlib on a bare deflate stream: zip has headers of its own.
class Stream {
 public:
  explicit Stream(std::span<const std::byte> packed) : rest_(packed) {
    if (::inflateInit2(&state_, -MAX_WBITS) != Z_OK) throw std::bad_alloc();
  }
  ~Stream() { ::inflateEnd(&state_); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  /// Fills as much of `out` as there is. False when the data is broken.
  bool read(std::span<std::byte> out, size_t& count) {
    count = 0;
    while (count < out.size() && !ended_) {
      feed();
      const auto room = static_cast<uInt>(std::min<size_t>(out.size() - count, kMostAtOnce));
      state_.next_out = reinterpret_cast<Bytef*>(out.data() + count);
      state_.avail_out = room;
      const int status = ::inflate(&state_, Z_NO_FLUSH);
      count += room - state_.avail_out;
      ended_ = status == Z_STREAM_END;
      // Z_BUF_ERROR: the input is used up in the middle of the stream.
      if (status != Z_OK && !ended_) return status == Z_BUF_ERROR;
    }
    return true;
  }

 private:
  static constexpr size_t kMostAtOnce = size_t{1} << 30;  // zlib counts in 32 bits

  void feed() {
    if (state_.avail_in > 0) return;
    const auto piece = rest_.first(std::min(rest_.size(), kMostAtOnce));
    state_.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(piece.data()));
    state_.avail_in = static_cast<uInt>(piece.size());
    rest_ = rest_.subspan(piece.size());
  }

  z_stream state_{};
  std::span<const std::byte> rest_;
  bool ended_ = false;
};

/// The first `wanted` bytes of the entry, fewer when it is shorter; nothing when it is broken.
std::optional<std::vector<std::byte>> unpack(const ZipEntry& entry, size_t wanted) {
  if (entry.is_stored()) {
    const auto part = entry.packed.first(std::min(wanted, entry.packed.size()));
    return std::vector(part.begin(), part.end());
  }
  constexpr size_t kFirstStep = size_t{1} << 14;
  Stream stream(entry.packed);
  std::vector<std::byte> bytes;
  size_t filled = 0;
  size_t count = 1;
  while (filled < wanted && count > 0) {
    bytes.resize(std::min(wanted, std::max(kFirstStep, filled * 2)));
    if (!stream.read(std::span(bytes).subspan(filled), count)) return std::nullopt;
    filled += count;
  }
  bytes.resize(filled);
  return bytes;
}

}  // namespace

std::vector<std::byte> inflate(const ZipReader& reader, std::string_view name, size_t limit) {
  constexpr const char* kAgain = "making the file again";
  const ZipEntry* entry = reader.find(name);
  if (entry == nullptr) fail(reader, "archive.missing", cat("the archive has no entry ", quoted(name)), kAgain);
  if (!entry->is_stored() && entry->method != zip::kDeflated) {
    fail(reader, "archive.method",
         cat("entry ", quoted(name), " is compressed by method ", entry->method, "; deflate (8) is read"),
         "numpy.savez, or numpy.savez_compressed");
  }
  const bool whole = limit >= entry->size;
  const auto wanted = static_cast<size_t>(std::min<uint64_t>(entry->size, limit));
  if (wanted > kLargestInflated) {
    fail(reader, "archive.too_large",
         cat("entry ", quoted(name), " unpacks to ", human_bytes(entry->size), ", and ", human_bytes(kLargestInflated),
             " is the most"),
         "numpy.savez, whose arrays are read in place");
  }
  // One byte more than wanted: it must not be there.
  std::optional<std::vector<std::byte>> bytes = unpack(*entry, whole ? wanted + 1 : wanted);
  if (!bytes || bytes->size() < wanted) {
    fail(reader, "archive.corrupt", cat("entry ", quoted(name), " ends early or is damaged"), kAgain);
  }
  if (whole && (bytes->size() > wanted || !reader.matches(*entry, zip::checksum(*bytes)))) {
    fail(reader, "archive.corrupt", cat("entry ", quoted(name), " is damaged"), kAgain);
  }
  return *std::move(bytes);
}

}  // namespace graftwork::core

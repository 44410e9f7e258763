#include "graftwork/import/archive/inflate.h"

#include <zip.h>

#include <algorithm>
#include <memory>
#include <string>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"

namespace graftwork {
namespace {

using Archive = std::unique_ptr<zip_t, decltype(&zip_discard)>;
using File = std::unique_ptr<zip_file_t, decltype(&zip_fclose)>;

[[noreturn]] void fail(const ZipReader& archive, std::string message) {
  throw Error("archive.corrupt", std::move(message), "making the file again").at(archive.label());
}

Archive open(const ZipReader& reader) {
  zip_error_t error;
  zip_error_init(&error);
  zip_source_t* source = zip_source_buffer_create(reader.bytes().data(), reader.bytes().size(), 0, &error);
  zip_t* archive = source == nullptr ? nullptr : zip_open_from_source(source, ZIP_RDONLY, &error);
  const std::string reason = archive == nullptr ? zip_error_strerror(&error) : "";
  zip_error_fini(&error);
  if (archive == nullptr) {
    zip_source_free(source);
    fail(reader, "the archive cannot be read: " + reason);
  }
  return {archive, &zip_discard};
}

}  // namespace

std::vector<std::byte> inflate(const ZipReader& reader, std::string_view name, size_t limit) {
  const ZipEntry* entry = reader.find(name);
  if (entry == nullptr) {
    throw Error("archive.missing", cat("the archive has no entry ", quoted(name)), "making the file again")
        .at(reader.label());
  }
  const Archive archive = open(reader);
  const zip_int64_t index = zip_name_locate(archive.get(), std::string(name).c_str(), ZIP_FL_ENC_RAW);
  const File file(index < 0 ? nullptr : zip_fopen_index(archive.get(), static_cast<zip_uint64_t>(index), 0),
                  &zip_fclose);
  if (!file) fail(reader, cat("entry ", quoted(name), " cannot be read: ", zip_strerror(archive.get())));

  constexpr size_t kFirstStep = size_t{1} << 16;
  const size_t wanted = std::min<uint64_t>(entry->size, limit);
  std::vector<std::byte> bytes;
  size_t filled = 0;
  while (filled < wanted) {
    if (filled == bytes.size()) bytes.resize(std::min(wanted, std::max(kFirstStep, filled * 2)));
    const zip_int64_t count = zip_fread(file.get(), bytes.data() + filled, bytes.size() - filled);
    if (count <= 0) fail(reader, cat("entry ", quoted(name), " ends early or is damaged"));
    filled += static_cast<size_t>(count);
  }
  // libzip compares the checksum when it meets the end, which is one read behind the last byte.
  std::byte beyond{};
  if (limit >= entry->size && zip_fread(file.get(), &beyond, 1) != 0) {
    fail(reader, cat("entry ", quoted(name), " is damaged"));
  }
  return bytes;
}

}  // namespace graftwork

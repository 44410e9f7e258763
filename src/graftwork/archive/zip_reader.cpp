#include "graftwork/archive/zip_reader.h"

#include <sys/mman.h>

#include <algorithm>

#include "graftwork/archive/crc32.h"
#include "graftwork/archive/inflate.h"
#include "graftwork/archive/zip_directory.h"
#include "graftwork/base/error.h"
#include "graftwork/base/text.h"

namespace graftwork::core {
namespace {

bool is_folder(const ZipEntry& entry) { return entry.name.ends_with('/') && entry.size == 0; }

/// Maps pages of the file all at once; page by page, as they are touched, takes longer than to add them up.
void map_pages(std::span<const std::byte> bytes) {
#ifdef MADV_POPULATE_READ
  constexpr size_t kPage = 4096;
  const auto begin = reinterpret_cast<uintptr_t>(bytes.data()) / kPage * kPage;
  const size_t size = reinterpret_cast<uintptr_t>(bytes.data() + bytes.size()) - begin;
  if (size > kPage) static_cast<void>(::madvise(reinterpret_cast<void*>(begin), size, MADV_POPULATE_READ));
#endif
}

}  // namespace

ZipReader::ZipReader(const std::shared_ptr<const MappedFile>& file)
    : ZipReader(file->bytes(), file, file->path().string()) {}

ZipReader::ZipReader(std::span<const std::byte> bytes, std::shared_ptr<const void> owner, std::string label)
    : bytes_(bytes), owner_(std::move(owner)), label_(std::move(label)) {
  try {
    entries_ = zip::read_directory(bytes_);
    std::erase_if(entries_, is_folder);
    std::sort(entries_.begin(), entries_.end(), [](const ZipEntry& a, const ZipEntry& b) { return a.name < b.name; });
    const auto twin = std::adjacent_find(entries_.begin(), entries_.end(),
                                         [](const ZipEntry& a, const ZipEntry& b) { return a.name == b.name; });
    if (twin != entries_.end()) {
      throw Error("archive.duplicate", cat("the archive holds two entries named ", quoted(twin->name)),
                  "making the file again");
    }
    has_checksums_ = std::ranges::any_of(entries_, [](const ZipEntry& entry) { return entry.checksum != 0; });
    compared_ = std::make_unique<std::atomic<bool>[]>(entries_.size());
  } catch (Error& error) {
    error.at(label_);
    throw;
  }
}

std::vector<std::string_view> ZipReader::names() const {
  std::vector<std::string_view> names;
  names.reserve(entries_.size());
  for (const ZipEntry& entry : entries_) names.push_back(entry.name);
  return names;
}

const ZipEntry* ZipReader::find(std::string_view name) const {
  const auto at = std::lower_bound(entries_.begin(), entries_.end(), name,
                                   [](const ZipEntry& entry, std::string_view wanted) { return entry.name < wanted; });
  return at != entries_.end() && at->name == name ? &*at : nullptr;
}

std::span<const std::byte> ZipReader::entry(std::string_view name) const {
  const ZipEntry* found = find(name);
  if (found == nullptr) {
    throw Error("archive.missing", cat("the archive has no entry ", quoted(name)), "making the file again").at(label_);
  }
  if (!found->is_stored()) {
    throw Error("archive.compressed", cat("entry ", quoted(name), " is compressed and cannot be read in place"),
                "the file as it was first written, or packing it again without compression (zip -0)")
        .at(label_);
  }
  std::atomic<bool>& is_compared = compared_[static_cast<size_t>(found - entries_.data())];
  if (!is_compared) {
    map_pages(found->packed);
    if (!matches(*found, zip::checksum(found->packed))) {
      throw Error("archive.corrupt", cat("entry ", quoted(name), " is damaged: its checksum is another"),
                  "making the file again, or copying it again if it was downloaded")
          .at(label_);
    }
    is_compared = true;
  }
  return found->packed;
}

void ZipReader::check_entries() const {
  for (const ZipEntry& entry : entries_) {
    if (entry.is_stored()) {
      this->entry(entry.name);
    } else {
      inflate(*this, entry.name);
    }
  }
}

}  // namespace graftwork::core

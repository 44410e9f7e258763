#include "graftwork/data/npz.h"

#include <algorithm>
#include <array>
#include <limits>

#include "graftwork/archive/inflate.h"
#include "graftwork/archive/zip_writer.h"
#include "graftwork/base/available_memory.h"
#include "graftwork/base/error.h"
#include "graftwork/base/text.h"

namespace graftwork::core {
namespace {

constexpr std::string_view kSuffix = ".npy";

std::string member(std::string_view name) { return cat(name, kSuffix); }

NpyHeader read_header(const ZipReader& archive, const ZipEntry& entry) {
  if (entry.is_stored()) return read_npy_header(entry.packed);
  return read_npy_header(inflate(archive, entry.name, kMaxNpyHeader));
}

NpzReader::Entry read_entry(const ZipReader& archive, const ZipEntry& entry) {
  if (!entry.name.ends_with(kSuffix) || entry.name.size() == kSuffix.size()) {
    throw Error("data.npz", cat(quoted(entry.name), " is not a .npy array"),
                "a file written by numpy.savez; a .pt or .pt2 file is no .npz");
  }
  try {
    NpyHeader header = read_header(archive, entry);
    check_npy_size(header, entry.size);
    const std::string_view name = entry.name.substr(0, entry.name.size() - kSuffix.size());
    return {.name = std::string(name), .header = std::move(header), .is_compressed = !entry.is_stored()};
  } catch (Error& error) {
    error.at(cat("array ", quoted(entry.name)));
    throw;
  }
}

void check_unpacked(uint64_t bytes, int64_t limit) {
  const auto needed = std::min<uint64_t>(bytes, std::numeric_limits<int64_t>::max());
  check_room(static_cast<int64_t>(needed), limit, "unpacking the arrays takes",
             "a larger limit, or a machine with more memory");
}

}  // namespace

NpzReader::NpzReader(const std::filesystem::path& path) : archive_(std::make_shared<const MappedFile>(path)) {
  try {
    for (const ZipEntry& entry : archive_.entries()) entries_.push_back(read_entry(archive_, entry));
  } catch (Error& error) {
    error.at(archive_.label());
    throw;
  }
  std::sort(entries_.begin(), entries_.end(), [](const Entry& a, const Entry& b) { return a.name < b.name; });
}

NpzReader::Bytes NpzReader::load(const Entry& entry, int64_t limit) const {
  constexpr size_t kAlwaysFits = size_t{1} << 20;  // to ask the machine takes time, and there may be many
  if (!entry.is_compressed) return {.bytes = archive_.entry(member(entry.name)), .owner = archive_.owner()};
  if (entry.header.data_size > kAlwaysFits) check_unpacked(entry.header.data_size, limit);
  auto bytes = std::make_shared<const std::vector<std::byte>>(inflate(archive_, member(entry.name)));
  return {.bytes = *bytes, .owner = bytes};
}

Array NpzReader::read(const Entry& entry, int64_t limit) const {
  const Bytes loaded = load(entry, limit);
  return read_npy(loaded.bytes, loaded.owner);
}

std::vector<NamedArray> read_npz(const std::filesystem::path& path, const NpzCheck& check, int64_t limit) {
  const NpzReader reader(path);
  uint64_t unpacked = 0;
  for (const NpzReader::Entry& entry : reader.entries()) {
    if (check) check(entry.name, entry.header);
    if (entry.is_compressed) unpacked += entry.header.data_size;
  }
  try {
    check_unpacked(unpacked, limit);
  } catch (Error& error) {
    throw error.at(path.string());
  }
  std::vector<NamedArray> arrays;
  for (const NpzReader::Entry& entry : reader.entries()) {
    arrays.push_back({.name = entry.name, .array = reader.read(entry, limit)});
  }
  return arrays;
}

void write_npz(const std::filesystem::path& path, std::span<const NamedArray> arrays) {
  AtomicFile file(path);
  ZipWriter writer(file);
  for (const NamedArray& named : arrays) {
    const std::string header = npy_header_bytes(named.array);
    const std::array<std::span<const std::byte>, 2> pieces{std::as_bytes(std::span(header)), named.array.bytes};
    writer.add(member(named.name), pieces);
  }
  writer.finish();
  file.commit();
}

}  // namespace graftwork::core

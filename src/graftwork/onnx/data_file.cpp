#include "graftwork/onnx/data_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "graftwork/base/content_hash.h"
#include "graftwork/base/hash.h"
#include "graftwork/base/part_file.h"
#include "graftwork/base/text.h"
#include "graftwork/onnx/external_locations.h"

namespace graftwork::core::onnx {
namespace {

constexpr std::string_view kEnding = ".data";
constexpr size_t kDigits = 16;

bool is_digit(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

/// A plain file, for reading; else less than 0, with errno.
int open_plain(const OutputFolder& folder, const std::string& name) {
  struct stat status {};
  if (!folder.status(name, status)) return -1;
  if (S_ISREG(status.st_mode)) return folder.open(name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
  errno = EINVAL;
  return -1;
}

/// The file that the model has its weights in, if it is one of ours; else nothing.
std::string data_of(const OutputFolder& folder, const std::string& model) {
  const int fd = open_plain(folder, model);
  if (fd < 0) return {};
  std::string found;
  find_location(fd, [&](std::string_view at) {
    if (is_data_name(at, model)) found = at;
    return !found.empty();
  });
  ::close(fd);
  return found;
}

/// Every writer of ONNX begins with the version, which is field 1.
bool begins_like_a_model(int fd) {
  char first = 0;
  return ::pread(fd, &first, 1, 0) == 1 && first == '\x08';
}

/// Whether a file in the folder may be a model that has its weights in the file `data`: a copy of one that was
/// replaced, or what another writer has just put in its place. What others still write as `model` brings data of its
/// own.
bool is_needed(const OutputFolder& folder, const std::string& data, const std::string& model) {
  const std::vector<std::string> names = folder.names();
  if (names.empty()) return true;  // it may not be listed
  const auto names_data = [&](const std::string& name) {
    if (is_part_of(name, model) || name == model) return false;
    const int fd = open_plain(folder, name);
    if (fd < 0) return errno == EACCES;
    const auto search = [&] { return find_location(fd, [&](std::string_view at) { return at == data; }); };
    const bool may = begins_like_a_model(fd) && search() != Search::kNone;
    ::close(fd);
    return may;
  };
  return std::ranges::any_of(names, names_data) || data_of(folder, model) == data;
}

/// With kDigits and kEnding it stays within the 255 bytes that file systems take, and ends with a whole character.
std::string_view stem_of(std::string_view model) {
  constexpr size_t kLongest = 255 - 1 - kDigits - kEnding.size();
  if (model.size() <= kLongest) return model;
  size_t end = kLongest;
  while (end > 0 && (static_cast<unsigned char>(model[end]) & 0xc0) == 0x80) --end;
  return model.substr(0, end);
}

}  // namespace

std::string data_name(const std::string& model, const Graph& graph, const ExternalData& external) {
  std::string places;
  for (size_t i = 0; i < graph.initializers.size(); ++i) {
    if (!external.offsets[i]) continue;
    places += cat(*external.offsets[i], " ", hash_digits(content_hash(graph.initializers[i].bytes.view)), "\n");
  }
  return cat(stem_of(model), ".", hash_digits(content_hash(std::as_bytes(std::span(places)))), kEnding);
}

bool is_data_name(std::string_view name, std::string_view model) {
  const std::string_view stem = stem_of(model);
  if (!name.starts_with(stem) || !name.ends_with(kEnding) || name.size() < stem.size() + kEnding.size()) return false;
  name.remove_prefix(stem.size());
  name.remove_suffix(kEnding.size());
  if (name.empty()) return true;
  return name.size() == 1 + kDigits && name[0] == '.' && std::ranges::all_of(name.substr(1), is_digit);
}

std::string data_part_name(const std::string& model) { return cat(model, kEnding); }

void publish(AtomicFile& model, AtomicFile* data_file, const std::string& data) {
  const OutputFolder& folder = model.folder();
  const std::string name = model.path().filename();
  if (!data_file && data_of(folder, name).empty()) return model.commit();
  const OutputFolder::Lock lock(folder);
  // Another writer who goes on without the lock may count on data that were to be removed: nothing is, without it.
  const auto remove_unless_needed = [&](const std::string& file) {
    if (lock.is_held() && !is_needed(folder, file, name)) folder.remove(file);
  };
  const std::string old = data_of(folder, name);
  if (data_file) data_file->commit_as(data);
  try {
    model.commit();
  } catch (...) {
    if (data_file && data != old) remove_unless_needed(data);
    throw;
  }
  if (!old.empty() && old != data) remove_unless_needed(old);
}

}  // namespace graftwork::core::onnx

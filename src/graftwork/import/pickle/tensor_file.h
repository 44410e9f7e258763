// What torch.save writes for a dict of tensors: a zip with one pickle and one record for each storage.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "graftwork/archive/zip_reader.h"

namespace graftwork::core {

/// One tensor of the dict. Tied tensors name one `key`.
struct StoredTensor {
  /// The record that holds its storage, for TensorFile::record.
  std::string key;
  /// "FloatStorage", ...; for tensors over an untyped storage the element type ("float8_e4m3fn").
  std::string element;
  /// In elements.
  int64_t offset = 0;
  std::vector<int64_t> sizes;
  std::vector<int64_t> strides;
  bool requires_grad = false;
  bool is_parameter = false;
};

/// The file, read in place: no tensor is copied, nothing is unpickled beyond records. Views live while the owner does.
class TensorFile {
 public:
  /// `bytes` may lie inside another file that `owner` keeps alive; `label` names it in errors. No bytes are an empty
  /// dict. Throws Error "archive.*", "pickle.*", or "pickle.contents" for a file that holds something else than a dict
  /// from names to tensors, or big-endian ones.
  TensorFile(std::span<const std::byte> bytes, const std::shared_ptr<const void>& owner, const std::string& label);

  /// By name in the dict.
  const std::map<std::string, StoredTensor, std::less<>>& tensors() const { return tensors_; }
  /// A storage. Throws Error "archive.missing" or "archive.compressed".
  std::span<const std::byte> record(std::string_view key) const;

 private:
  void read();

  std::unique_ptr<const ZipReader> zip_;
  /// The folder that holds everything, with its slash.
  std::string root_;
  std::map<std::string, StoredTensor, std::less<>> tensors_;
};

}  // namespace graftwork::core

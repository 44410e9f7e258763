// The .pt2 file as an archive: which layout it has, where its model is, and the raw records of its weights.
//
//   torch          program                              weights and constants
//   2.9 and later  <root>/models/<name>.json            one raw record a storage, and a config in JSON
//   2.8            <root>/models/<name>.json            a file of torch.save each: data/weights/<name>.pt
//   2.7 and older  serialized_exported_program.json     a file of torch.save each: serialized_state_dict.pt
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "graftwork/archive/zip_reader.h"
#include "graftwork/import/pickle/tensor_file.h"

namespace graftwork::core::pt2 {

/// An open archive. Views are of the mapped file and live while `file()` does.
class Pt2Archive {
 public:
  /// Throws Error "file.*", "archive.*", "pickle.*" or "pt2.layout"; the latter says what the file is instead and what
  /// to do.
  static Pt2Archive open(const std::filesystem::path& path);

  /// JSON of the ExportedProgram.
  std::string_view model() const { return model_; }
  /// JSON of a PayloadConfig; empty when the archive has none, or has its tensors in a file of torch.save.
  std::string_view weights_config() const { return weights_config_; }
  std::string_view constants_config() const { return constants_config_; }
  /// The file of torch.save that holds them up to torch 2.8; else null.
  const TensorFile* weights_file() const { return weights_file_ ? &*weights_file_ : nullptr; }
  const TensorFile* constants_file() const { return constants_file_ ? &*constants_file_ : nullptr; }

  /// "models/model.json": for the context of errors.
  const std::string& model_entry() const { return model_entry_; }
  /// The bytes of the storage that a payload names by `path_name`. Throws Error "pt2.record" when there is none.
  std::span<const std::byte> record(std::string_view path_name, bool is_constant) const;

  /// Bytes of the whole file.
  size_t size() const { return zip_.bytes().size(); }
  /// Whoever shares it keeps every view alive.
  const std::shared_ptr<const void>& file() const { return zip_.owner(); }

 private:
  explicit Pt2Archive(ZipReader zip) : zip_(std::move(zip)) {}
  void find_parts();
  void find_parts_of_pt2();
  void find_parts_of_flat();
  void check_format() const;
  /// The file of torch.save at `path`; nothing when there is none.
  std::optional<TensorFile> tensor_file_if(const std::string& path) const;
  std::string_view text(std::string_view path) const;
  /// The entry's text, or nothing when there is none.
  std::string_view text_if(std::string_view path) const;

  ZipReader zip_;
  /// The folder that holds everything, with its slash; empty in the flat layout of torch 2.7 and older.
  std::string root_;
  std::string model_entry_;
  std::string_view model_;
  std::string_view weights_config_;
  std::string_view constants_config_;
  std::optional<TensorFile> weights_file_;
  std::optional<TensorFile> constants_file_;
};

}  // namespace graftwork::core::pt2

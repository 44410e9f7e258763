// The .pt2 file as an archive: which layout it has, where its model and configs are, and the raw records of its
// weights. Nothing is unpickled.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "graftwork/import/archive/zip_reader.h"

namespace graftwork::pt2 {

/// An open archive as torch 2.9 and later write it. Views are of the mapped file and live while `file()` does.
class Pt2Archive {
 public:
  /// Throws Error "file.*", "archive.*" or "pt2.layout"; the latter says what the file is instead and what to do.
  static Pt2Archive open(const std::filesystem::path& path);

  /// JSON of the ExportedProgram.
  std::string_view model() const { return model_; }
  /// JSON of a PayloadConfig; empty when the archive has none.
  std::string_view weights_config() const { return weights_config_; }
  std::string_view constants_config() const { return constants_config_; }

  /// "models/model.json": for the context of errors.
  std::string model_entry() const { return "models/" + model_name_ + ".json"; }
  /// The bytes of the storage that a payload names by `path_name`. Throws Error "pt2.record" when there is none.
  std::span<const std::byte> record(std::string_view path_name, bool is_constant) const;

  /// Bytes of the whole file.
  size_t size() const { return zip_.bytes().size(); }
  /// Whoever shares it keeps every view alive.
  const std::shared_ptr<const void>& file() const { return zip_.owner(); }

 private:
  explicit Pt2Archive(ZipReader zip) : zip_(std::move(zip)) {}
  void find_parts();
  std::string_view text(std::string_view path) const;
  /// The entry's text, or nothing when there is none.
  std::string_view text_if(std::string_view path) const;

  ZipReader zip_;
  /// The folder that holds everything, with its slash.
  std::string root_;
  std::string model_name_;
  std::string_view model_;
  std::string_view weights_config_;
  std::string_view constants_config_;
};

}  // namespace graftwork::pt2

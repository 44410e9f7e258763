#include "graftwork/import/pt2/archive_layout.h"

#include <algorithm>
#include <vector>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"

namespace graftwork::core::pt2 {
namespace {

/// Only torch 2.7 and older write it, without a folder.
constexpr const char* kFlatProgram = "serialized_exported_program.json";
constexpr std::string_view kExport = "torch.export.save(torch.export.export(model, args), path)";

[[noreturn]] void fail(std::string message, std::string hint) {
  throw Error("pt2.layout", std::move(message), std::move(hint));
}

/// The path behind the first folder; everything in a PT2 archive lies in one folder of any name.
std::string_view behind_root(std::string_view name) {
  const size_t slash = name.find('/');
  return slash == std::string_view::npos ? std::string_view{} : name.substr(slash + 1);
}

/// "<root>/", from the entry that every PT2 archive has; empty when this is none.
std::string find_root(const ZipReader& zip) {
  for (const std::string_view name : zip.names()) {
    if (behind_root(name) == "archive_format") return std::string(name.substr(0, name.find('/') + 1));
  }
  return {};
}

/// Names the file that is no PT2 archive, as well as its entries tell.
[[noreturn]] void fail_foreign(const ZipReader& zip) {
  const auto has = [&](std::string_view wanted) {
    return std::any_of(zip.entries().begin(), zip.entries().end(), [&](const ZipEntry& entry) {
      return entry.name == wanted || behind_root(entry.name) == wanted;
    });
  };
  if (has("constants.pkl")) {
    fail("the file is TorchScript, not an exported program", cat("exporting the model again: ", kExport));
  }
  if (has("data.pkl")) {
    fail("the file was written by torch.save: it holds weights or a pickled module, but no program",
         cat("exporting the model: ", kExport));
  }
  fail("the archive is not an exported program", cat("a file written by ", kExport));
}

std::vector<std::string> model_names(const ZipReader& zip, std::string_view root) {
  constexpr std::string_view kSuffix = ".json";
  const std::string folder = cat(root, "models/");
  std::vector<std::string> names;
  for (std::string_view name : zip.names()) {
    if (!name.starts_with(folder) || !name.ends_with(kSuffix)) continue;
    name.remove_prefix(folder.size());
    name.remove_suffix(kSuffix.size());
    names.emplace_back(name);
  }
  return names;
}

std::string choose_model(const ZipReader& zip, std::string_view root) {
  const std::vector<std::string> names = model_names(zip, root);
  if (names.size() == 1) return names.front();
  if (std::find(names.begin(), names.end(), "model") != names.end()) return "model";
  if (!names.empty()) {
    fail(cat("the archive holds ", names.size(), " programs (", join(names), ") and none is named \"model\""),
         "saving one program with torch.export.save");
  }
  const std::string compiled = cat(root, "data/aotinductor/");
  for (const std::string_view name : zip.names()) {
    if (name.starts_with(compiled)) {
      fail("the archive holds a program compiled by AOTInductor, not its graph", cat("saving it with ", kExport));
    }
  }
  fail("the archive holds no program", cat("saving it with ", kExport));
}

ZipReader open_zip(const std::filesystem::path& path) {
  auto file = std::make_shared<const MappedFile>(path, MappedFile::Writes::kCopied);
  try {
    return ZipReader(std::move(file));
  } catch (const Error& error) {
    if (error.code() != "archive.format") throw;
    fail(path.string() + " is not an exported program: it is no zip archive", cat("a file written by ", kExport));
  }
}

}  // namespace

Pt2Archive Pt2Archive::open(const std::filesystem::path& path) {
  Pt2Archive archive(open_zip(path));
  try {
    archive.find_parts();
  } catch (Error& error) {
    if (error.context().empty()) error.at(path.string());
    throw;
  }
  return archive;
}

void Pt2Archive::find_parts() {
  if (zip_.contains(kFlatProgram)) return find_parts_of_flat();
  root_ = find_root(zip_);
  if (root_.empty()) fail_foreign(zip_);
  find_parts_of_pt2();
}

void Pt2Archive::find_parts_of_flat() {
  model_entry_ = kFlatProgram;
  model_ = text(model_entry_);
  weights_file_ = tensor_file_if("serialized_state_dict.pt");
  if (!weights_file_) weights_file_ = tensor_file_if("serialized_state_dict.json");
  constants_file_ = tensor_file_if("serialized_constants.pt");
  if (!constants_file_) constants_file_ = tensor_file_if("serialized_constants.json");
}

void Pt2Archive::check_format() const {
  const std::string_view format = text("archive_format");
  if (format != "pt2") fail(cat("the archive is of the format ", quoted(format)), cat("saving it with ", kExport));
  const std::string_view order = text_if("byteorder");
  if (!order.empty() && order != "little") {
    fail(cat("the archive's tensors are ", quoted(order), "-endian"), "exporting the model on a little-endian machine");
  }
  const std::string_view version = text_if("archive_version");
  if (!version.empty() && version != "0") {
    fail(cat("the archive has version ", quoted(version), " of the PT2 format; version 0 is read"),
         "a newer Graftwork, or exporting with torch 2.13");
  }
}

void Pt2Archive::find_parts_of_pt2() {
  check_format();
  const std::string name = choose_model(zip_, root_);
  model_entry_ = cat("models/", name, ".json");
  model_ = text(model_entry_);
  weights_file_ = tensor_file_if(cat("data/weights/", name, ".pt"));
  constants_file_ = tensor_file_if(cat("data/constants/", name, ".pt"));
  const auto config = [&](std::string_view folder, std::string_view ending, std::string_view older_ending) {
    const std::string_view found = text_if(cat("data/", folder, "/", name, ending));
    return found.empty() ? text_if(cat("data/", folder, "/", name, older_ending)) : found;
  };
  if (!weights_file_) weights_config_ = config("weights", "_weights_config.json", "_model_param_config.json");
  if (!constants_file_)
    constants_config_ = config("constants", "_constants_config.json", "_model_constants_config.json");
}

std::optional<TensorFile> Pt2Archive::tensor_file_if(const std::string& path) const {
  if (!zip_.contains(root_ + path)) return std::nullopt;
  return TensorFile(zip_.entry(root_ + path), zip_.owner(), path);
}

std::span<const std::byte> Pt2Archive::record(std::string_view path_name, bool is_constant) const {
  const std::optional<TensorFile>& tensors = is_constant ? constants_file_ : weights_file_;
  if (tensors) return tensors->record(path_name);
  const std::string path = cat(is_constant ? "data/constants/" : "data/weights/", path_name);
  const std::string name = root_ + path;
  if (!zip_.contains(name)) {
    throw Error("pt2.record",
                cat("the archive lacks the record ", graftwork::core::quoted(path), " that its config names"),
                "exporting the model again")
        .at(zip_.label());
  }
  return zip_.entry(name);
}

std::string_view Pt2Archive::text(std::string_view path) const {
  const auto bytes = zip_.entry(cat(root_, path));
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string_view Pt2Archive::text_if(std::string_view path) const {
  return zip_.contains(cat(root_, path)) ? text(path) : std::string_view{};
}

}  // namespace graftwork::core::pt2

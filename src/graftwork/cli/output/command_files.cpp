#include "graftwork/cli/output/command_files.h"

#include <algorithm>
#include <cctype>

#include "graftwork/base/atomic_file.h"
#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/data/dataset_file.h"
#include "graftwork/data/image/decode.h"
#include "graftwork/onnx/data_file.h"

namespace graftwork::core::cli {
namespace {

using Path = std::filesystem::path;

bool is_output(const CommandFile& file) { return file.use >= FileUse::kWritten; }

/// Without links, "." and "..", as far as it exists; empty where it leads nowhere.
Path resolved(const Path& path) {
  std::error_code error;
  Path whole = std::filesystem::weakly_canonical(std::filesystem::absolute(behind_links(path), error), error);
  return error ? Path() : whole;
}

/// Whether both names lead to one file, be it there already or not.
bool is_same_file(const Path& a, const Path& b) {
  const std::optional<FileState> first = FileState::of(a), second = FileState::of(b);
  if (first && second && first->is_same_file(*second)) return true;
  const Path whole = resolved(a);
  return !whole.empty() && whole == resolved(b);
}

std::string without_capitals(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

/// One file for file systems that do not tell capitals.
bool differs_in_capitals_alone(const Path& a, const Path& b) {
  const std::string first = resolved(a), second = resolved(b);
  return first != second && without_capitals(first) == without_capitals(second);
}

/// Whether a file of this name would be a sample, the next time the folder is read (find_sample_files).
bool would_be_sample(const Path& output, const Path& folder) {
  std::error_code error;
  if (!std::filesystem::is_directory(folder, error)) return false;
  if (!DatasetFile::is_supported(output) && !is_image_file(output)) return false;
  const Path within = resolved(output).lexically_relative(resolved(folder));
  return !within.empty() &&
         std::ranges::none_of(within, [](const Path& part) { return part.native().starts_with('.'); });
}

[[noreturn]] void refuse(const Path& output, const std::string& what) {
  throw Error("file.same", cat("writing ", output.string(), " would replace ", what), "another name for the output");
}

/// Whether `other` has a name that the weights beside `model` may get.
bool is_beside(const Path& other, const Path& model) {
  const Path whole = resolved(other);
  return whole.parent_path() == resolved(model.parent_path() / "x").parent_path() &&
         onnx::is_data_name(whole.filename().native(), model.filename().native());
}

std::vector<Path> watched_of(const std::vector<CommandFile>& files) {
  std::vector<Path> watched;
  for (const CommandFile& file : files) {
    if (file.use == FileUse::kWatched) watched.push_back(file.path);
  }
  return watched;
}

}  // namespace

CommandFiles::CommandFiles(std::vector<CommandFile> files) : files_(std::move(files)), watched_(watched_of(files_)) {}

void CommandFiles::check_against_inputs(const CommandFile& output) const {
  const std::optional<FileState> there = FileState::of(output.path);
  const std::optional<Path> source = there ? watched_.source_of(*there) : std::nullopt;
  if (source) refuse(output.path, "what is read from " + source->string());
  for (const CommandFile& input : files_) {
    if (is_output(input)) continue;
    if (is_same_file(output.path, input.path)) refuse(output.path, "what is read from " + input.path.string());
    if (input.use == FileUse::kWatched && would_be_sample(output.path, input.path)) {
      throw Error("file.same",
                  cat("writing ", output.path.string(), " would add it to the samples of ", input.path.string()),
                  "another folder for the output");
    }
    if (output.use == FileUse::kWrittenModel && is_beside(input.path, output.path))
      refuse(output.path, cat("what is read from ", input.path.string(), " by its weights"));
  }
}

void CommandFiles::check_against_outputs(size_t number) const {
  const CommandFile& output = files_[number];
  for (size_t i = 0; i < files_.size(); ++i) {
    const CommandFile& other = files_[i];
    if (!is_output(other) || i == number) continue;
    if (i < number && is_same_file(output.path, other.path))
      refuse(output.path, "the other output " + other.path.string());
    if (i < number && differs_in_capitals_alone(output.path, other.path)) {
      refuse(output.path,
             cat("the other output ", other.path.string(), " where names are told apart without capitals"));
    }
    if (output.use == FileUse::kWrittenModel && is_beside(other.path, output.path))
      refuse(other.path, "the weights beside " + output.path.string());
  }
}

void CommandFiles::check_names() const {
  for (size_t i = 0; i < files_.size(); ++i) {
    if (!is_output(files_[i])) continue;
    check_against_inputs(files_[i]);
    check_against_outputs(i);
  }
}

void CommandFiles::check_outputs() const {
  check_names();
  for (const CommandFile& file : files_) {
    if (is_output(file)) const AtomicFile probe(file.path);
  }
}

void CommandFiles::check_before_writing() const {
  watched_.check_unchanged();
  check_names();
}

}  // namespace graftwork::core::cli

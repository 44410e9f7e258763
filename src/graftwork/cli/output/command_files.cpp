#include "graftwork/cli/output/command_files.h"

#include <algorithm>
#include <optional>

#include "graftwork/base/atomic_file.h"
#include "graftwork/base/error.h"
#include "graftwork/base/part_file.h"
#include "graftwork/base/text.h"
#include "graftwork/cli/output/stream_files.h"
#include "graftwork/data/dataset_file.h"
#include "graftwork/data/image/decode.h"
#include "graftwork/onnx/data_file.h"
#include "graftwork/onnx/external_locations.h"

namespace graftwork::core::cli {
namespace {

using Path = std::filesystem::path;

/// Whether a file of this name would be a sample, the next time the folder is read (find_sample_files).
bool would_be_sample(const FilePlace& output, const Path& folder) {
  std::error_code error;
  return std::filesystem::is_directory(folder, error) &&
         (DatasetFile::is_supported(output.path()) || is_image_file(output.path())) && output.is_seen_from(folder);
}

[[noreturn]] void refuse(const Path& output, const std::string& what) {
  throw Error("file.same", cat("writing ", output.string(), " would replace ", what), "another name for the output");
}

/// Whether `other` has a name that the weights beside `model` may get.
bool is_beside(const FilePlace& other, const FilePlace& model) {
  return other.is_same_folder(model) && onnx::is_data_name(other.name(), model.name());
}

std::vector<CommandFile> with_weights(std::vector<CommandFile> files) {
  std::vector<CommandFile> weights;
  for (const CommandFile& file : files) {
    if (file.use != FileUse::kWatchedOnnx) continue;
    for (const std::string& location : onnx::external_locations(file.path)) {
      const Path path = file.path.parent_path() / location;
      std::error_code error;
      if (std::filesystem::is_regular_file(path, error)) weights.push_back({path, FileUse::kWatched});
    }
  }
  files.insert(files.end(), weights.begin(), weights.end());
  return files;
}

std::vector<Path> watched_of(const std::vector<CommandFile>& files) {
  std::vector<Path> watched;
  for (const CommandFile& file : files) {
    if (file.use == FileUse::kWatched || file.use == FileUse::kWatchedOnnx) watched.push_back(file.path);
  }
  return watched;
}

}  // namespace

bool is_output(const CommandFile& file) { return file.use >= FileUse::kWritten; }

CommandFiles::CommandFiles(std::vector<CommandFile> files) : files_(with_weights(std::move(files))) {
  check_streams([&](const FileState& state) -> std::optional<CommandFile> {
    const auto found = std::ranges::find_if(files_, [&](const CommandFile& file) {
      const std::optional<FileState> named = FileState::of(file.path);
      return named && named->is_same_file(state);
    });
    return found == files_.end() ? std::nullopt : std::optional(*found);
  });
  watched_ = WatchedFiles(watched_of(files_));
  check_streams([&](const FileState& state) -> std::optional<CommandFile> {
    if (const std::optional<Path> folder = watched_.source_of(state)) return CommandFile{*folder, FileUse::kWatched};
    return std::nullopt;
  });
}

void CommandFiles::check_against_inputs(size_t number, const std::vector<FilePlace>& places) const {
  const CommandFile& output = files_[number];
  const FilePlace& place = places[number];
  const std::optional<Path> source = place.file() ? watched_.source_of(*place.file()) : std::nullopt;
  if (source) refuse(output.path, "what is read from " + source->string());
  for (size_t i = 0; i < files_.size(); ++i) {
    const CommandFile& input = files_[i];
    if (is_output(input)) continue;
    if (place.is_same_file(places[i])) refuse(output.path, "what is read from " + input.path.string());
    if (input.use == FileUse::kWatched && would_be_sample(place, input.path)) {
      throw Error("file.same",
                  cat("writing ", output.path.string(), " would add it to the samples of ", input.path.string()),
                  "another folder for the output");
    }
    if (output.use == FileUse::kWrittenModel && is_beside(places[i], place))
      refuse(output.path, cat("what is read from ", input.path.string(), " by its weights"));
  }
}

void CommandFiles::check_against_outputs(size_t number, const std::vector<FilePlace>& places) const {
  const CommandFile& output = files_[number];
  const FilePlace& place = places[number];
  for (size_t i = 0; i < files_.size(); ++i) {
    const CommandFile& other = files_[i];
    if (!is_output(other) || i == number) continue;
    if (i < number && place.is_same_file(places[i])) refuse(output.path, "the other output " + other.path.string());
    if (i < number && place.differs_in_capitals_alone(places[i])) {
      refuse(output.path,
             cat("the other output ", other.path.string(), " where names are told apart without capitals"));
    }
    if (output.use == FileUse::kWrittenModel && is_beside(places[i], place))
      refuse(other.path, "the weights beside " + output.path.string());
  }
}

void CommandFiles::check_names() const {
  std::vector<FilePlace> places;
  for (const CommandFile& file : files_) places.emplace_back(file.path);
  for (size_t i = 0; i < files_.size(); ++i) {
    if (!is_output(files_[i])) continue;
    check_against_inputs(i, places);
    check_against_outputs(i, places);
  }
}

void CommandFiles::check_outputs() const {
  check_names();
  for (const CommandFile& file : files_) {
    if (is_output(file)) const AtomicFile probe(file.path);
  }
}

void CommandFiles::remove_leftovers() const noexcept {
  for (const CommandFile& file : files_) {
    if (!is_output(file)) continue;
    try {
      const AtomicFile probe(file.path);  // takes them away
      if (file.use == FileUse::kWrittenModel)
        core::remove_leftovers(probe.folder(), onnx::data_part_name(probe.path().filename()));
    } catch (const Error&) {
      continue;  // nothing can be removed there either
    }
  }
}

void CommandFiles::check_before_writing() const {
  watched_.check_unchanged();
  check_names();
}

}  // namespace graftwork::core::cli

#include "graftwork/cli/output/output_files.h"

#include "graftwork/base/atomic_file.h"
#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/data/sample_files.h"

namespace graftwork::core::cli {
namespace {

using Path = std::filesystem::path;

/// Whether both names lead to one file, be it there already or not.
bool is_same_file(const Path& a, const Path& b) {
  std::error_code error;
  if (std::filesystem::equivalent(a, b, error)) return true;
  const Path first = std::filesystem::weakly_canonical(std::filesystem::absolute(a, error), error);
  if (error || first.empty()) return false;  // opening it says why
  const Path second = std::filesystem::weakly_canonical(std::filesystem::absolute(b, error), error);
  return !error && first == second;
}

bool is_a_sample_of(const Path& output, const Path& folder) {
  std::error_code error;
  if (!std::filesystem::is_directory(folder, error) || !std::filesystem::exists(output, error)) return false;
  const SampleFiles samples = find_sample_files(folder);
  for (const std::vector<Path>* files : {&samples.arrays, &samples.images}) {
    for (const Path& file : *files) {
      if (std::filesystem::equivalent(output, file, error)) return true;
    }
  }
  return false;
}

void add(std::vector<Path>& files, const BackendFlags& flags) {
  files.insert(files.end(), flags.patterns.begin(), flags.patterns.end());
}

void add(std::vector<Path>& files, const CalibrationFlags& flags) {
  files.insert(files.end(), {flags.data, flags.recipe.file, flags.plan, flags.scales});
  add(files, flags.backend);
}

[[noreturn]] void refuse(const Path& output, const std::string& what) {
  throw Error("file.same", cat("writing ", output.string(), " would replace ", what), "another name for the output");
}

}  // namespace

std::vector<Path> outputs_of(const QuantizeRequest& request) {
  return {request.output,        request.output.string() + ".data", request.report, request.html, request.config_output,
          request.scales_output, request.calibration.checkpoint};
}

std::vector<Path> inputs_of(const QuantizeRequest& request) {
  std::vector<Path> files{request.model};
  add(files, request.calibration);
  return files;
}

std::vector<Path> inputs_of(const TransformRequest& request) {
  std::vector<Path> files{request.model, request.plan};
  add(files, request.backend);
  return files;
}

std::vector<Path> inputs_of(const PlanRequest& request) {
  std::vector<Path> files{request.model, request.plan, request.recipe.file};
  add(files, request.backend);
  return files;
}

std::vector<Path> inputs_of(const RunRequest& request) {
  std::vector<Path> files{request.model, request.override_file};
  for (const InputFile& input : request.inputs) files.push_back(input.path);
  add(files, request.calibration);
  return files;
}

std::vector<Path> inputs_of(const CompareRequest& request) {
  std::vector<Path> files{request.model, request.file, request.data};
  add(files, request.calibration);
  return files;
}

std::vector<Path> inputs_of(const SensitivityRequest& request) {
  std::vector<Path> files{request.model, request.data, request.labels};
  add(files, request.calibration);
  return files;
}

void check_output_files(const CommandFiles& files) {
  for (size_t i = 0; i < files.outputs.size(); ++i) {
    const Path& output = files.outputs[i];
    if (output.empty()) continue;
    for (const Path& input : files.inputs) {
      if (input.empty()) continue;
      if (is_same_file(output, input) || is_a_sample_of(output, input))
        refuse(output, "what is read from " + input.string());
    }
    for (size_t k = 0; k < i; ++k) {
      if (!files.outputs[k].empty() && is_same_file(output, files.outputs[k]))
        refuse(output, "the other output " + files.outputs[k].string());
    }
    const AtomicFile probe(output);
  }
}

}  // namespace graftwork::core::cli

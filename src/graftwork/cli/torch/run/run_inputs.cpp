#include "graftwork/cli/torch/run/run_inputs.h"

#include <algorithm>
#include <memory>

#include "graftwork/base/error.h"
#include "graftwork/base/file.h"
#include "graftwork/base/text.h"
#include "graftwork/data/dataset.h"
#include "graftwork/data/image/image_set.h"
#include "graftwork/data/npz.h"
#include "graftwork/data/sample_files.h"
#include "graftwork/nn/executor.h"
#include "graftwork/samples/open_samples.h"
#include "graftwork/samples/tensors.h"

namespace graftwork::core::cli {
namespace {

std::string list_inputs(const std::vector<Node*>& inputs) {
  std::vector<std::string> names;
  for (const Node* input : inputs) names.push_back(input->name().str());
  return join(names);
}

/// Fills the inputs one by one.
class Inputs {
 public:
  Inputs(const GraphModule& module, const ImageOptions& images, int64_t memory_limit)
      : nodes_(module.graph().inputs()), tensors_(nodes_.size()), images_(images), memory_limit_(memory_limit) {}

  void read(const InputFile& file) {
    if (file.path.extension() == ".npz") return read_by_name(file);
    if (file.name.empty() && nodes_.size() != 1) {
      throw Error(
          "usage",
          cat("--input ", file.path.string(), " says not which input it is: the network has ", list_inputs(nodes_)),
          "--input NAME=" + file.path.string());
    }
    const size_t input = file.name.empty() ? 0 : index_of(file.name);
    check_not_given(input);
    put(input, read_samples(*nodes_[input], file.path), file.path);
  }

  std::vector<at::Tensor> finish() && {
    for (size_t i = 0; i < nodes_.size(); ++i) {
      if (tensors_[i].defined()) continue;
      const std::string name = nodes_[i]->name().str();
      throw Error("run.input", cat("input ", name, " is not given"), cat("--input ", name, "=FILE.npy"));
    }
    return std::move(tensors_);
  }

 private:
  size_t index_of(const std::string& name) const {
    const auto found =
        std::find_if(nodes_.begin(), nodes_.end(), [&](const Node* node) { return node->name() == Symbol(name); });
    if (found != nodes_.end()) return static_cast<size_t>(found - nodes_.begin());
    throw Error("run.input", cat("the network has no input ", quoted(name), ", only ", list_inputs(nodes_)));
  }

  void check_not_given(size_t input) const {
    if (!tensors_[input].defined()) return;
    throw Error("run.input", cat("input ", nodes_[input]->name().str(), " is given twice"));
  }

  /// FP32 for BF16, which NumPy has not.
  static bool stands_in(const Node& input, DType given) {
    return input.tensor() && input.tensor()->dtype == DType::kBF16 && given == DType::kF32;
  }

  /// Whether an array fits, by its header alone.
  static void check_header(const Node& input, const NpyHeader& header) {
    TensorType given{stands_in(input, header.type) ? DType::kBF16 : header.type, {}};
    for (const int64_t extent : header.shape) given.dims.emplace_back(extent);
    check_input(input, given);
  }

  void put(size_t input, at::Tensor tensor, const std::filesystem::path& path) {
    if (tensor.scalar_type() == at::kFloat && stands_in(*nodes_[input], DType::kF32)) tensor = tensor.to(at::kBFloat16);
    try {
      check_input(*nodes_[input], tensor);
    } catch (Error& error) {
      throw error.at(path.string());
    }
    tensors_[input] = std::move(tensor);
  }

  /// Every array of an .npz, as `run` itself writes them.
  void read_by_name(const InputFile& file) {
    if (!file.name.empty()) {
      throw Error("usage",
                  cat("--input ", file.name, "=", file.path.string(), ": an .npz file names its inputs itself"),
                  "--input " + file.path.string());
    }
    try {
      const auto check = [&](const std::string& name, const NpyHeader& header) {
        const size_t input = index_of(name);
        check_not_given(input);
        check_header(*nodes_[input], header);
      };
      for (const NamedArray& named : read_npz(file.path, check, memory_limit_))
        put(index_of(named.name), to_tensor(named.array), file.path);
    } catch (Error& error) {
      if (error.report().find(file.path.string()) == std::string::npos) error.at(file.path.string());
      throw;
    }
  }

  at::Tensor read_samples(const Node& input, const std::filesystem::path& path) const {
    if (path.extension() == ".npy") return read_array(input, path);
    SampleFiles files = find_sample_files(path);
    if (!files.images.empty()) {
      try {
        const ImageSet set(std::move(files.images), ImagePreprocessor(image_input(input), images_), memory_limit_);
        return to_tensor(set.sample_range(0, set.size()));
      } catch (Error& error) {
        if (error.report().find(path.string()) == std::string::npos) error.at(path.string());
        throw;
      }
    }
    const Dataset data = Dataset::open(path, {}, memory_limit_);
    if (data.names() != std::vector<std::string>{""}) {
      throw Error("run.input", cat("the files of ", path.string(), " hold several inputs"),
                  "a folder of .npy files, or one .npz file");
    }
    return to_tensor(data.sample_range("", 0, data.size()));
  }

  static at::Tensor read_array(const Node& input, const std::filesystem::path& path) {
    const auto file = std::make_shared<MappedFile>(path);
    try {
      check_header(input, read_npy_header(file->bytes()));
      return to_tensor(read_npy(file->bytes(), file));
    } catch (Error& error) {
      throw error.at(path.string());
    }
  }

  std::vector<Node*> nodes_;
  std::vector<at::Tensor> tensors_;
  const ImageOptions& images_;
  int64_t memory_limit_;
};

}  // namespace

std::vector<at::Tensor> read_inputs(const GraphModule& module, const std::vector<InputFile>& files,
                                    const ImageOptions& images, int64_t memory_limit) {
  Inputs inputs(module, images, memory_limit);
  for (const InputFile& file : files) inputs.read(file);
  return std::move(inputs).finish();
}

}  // namespace graftwork::core::cli

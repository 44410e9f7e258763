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
  Inputs(const GraphModule& module, const ImageOptions& images)
      : nodes_(module.graph().inputs()), tensors_(nodes_.size()), images_(images) {}

  void read(const InputFile& file) {
    if (file.path.extension() == ".npz") return read_by_name(file);
    if (file.name.empty() && nodes_.size() != 1) {
      throw Error(
          "usage",
          cat("--input ", file.path.string(), " says not which input it is: the network has ", list_inputs(nodes_)),
          "--input NAME=" + file.path.string());
    }
    const size_t input = file.name.empty() ? 0 : index_of(file.name);
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

  void put(size_t input, at::Tensor tensor, const std::filesystem::path& path) {
    if (tensors_[input].defined()) {
      throw Error("run.input", cat("input ", nodes_[input]->name().str(), " is given twice"));
    }
    const TensorType* type = nodes_[input]->tensor();
    const bool stands_in = type && type->dtype == DType::kBF16 && tensor.scalar_type() == at::kFloat;
    if (stands_in) tensor = tensor.to(at::kBFloat16);  // which NumPy has not
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
      for (const NamedArray& named : read_npz(file.path)) {
        const size_t input = index_of(named.name);
        put(input, to_tensor(named.array), file.path);
      }
    } catch (Error& error) {
      if (error.report().find(file.path.string()) == std::string::npos) error.at(file.path.string());
      throw;
    }
  }

  at::Tensor read_samples(const Node& input, const std::filesystem::path& path) {
    if (path.extension() == ".npy") return read_array(path);
    SampleFiles files = find_sample_files(path);
    if (!files.images.empty()) {
      try {
        const ImageSet set(std::move(files.images), ImagePreprocessor(image_input(input), images_));
        return to_tensor(set.sample_range(0, set.size()));
      } catch (Error& error) {
        if (error.report().find(path.string()) == std::string::npos) error.at(path.string());
        throw;
      }
    }
    const Dataset data = Dataset::open(path);
    if (data.names() != std::vector<std::string>{""}) {
      throw Error("run.input", cat("the files of ", path.string(), " hold several inputs"),
                  "a folder of .npy files, or one .npz file");
    }
    return to_tensor(data.sample_range("", 0, data.size()));
  }

  static at::Tensor read_array(const std::filesystem::path& path) {
    const auto file = std::make_shared<MappedFile>(path);
    try {
      return to_tensor(read_npy(file->bytes(), file));
    } catch (Error& error) {
      throw error.at(path.string());
    }
  }

  std::vector<Node*> nodes_;
  std::vector<at::Tensor> tensors_;
  const ImageOptions& images_;
};

}  // namespace

std::vector<at::Tensor> read_inputs(const GraphModule& module, const std::vector<InputFile>& files,
                                    const ImageOptions& images) {
  Inputs inputs(module, images);
  for (const InputFile& file : files) inputs.read(file);
  return std::move(inputs).finish();
}

}  // namespace graftwork::core::cli

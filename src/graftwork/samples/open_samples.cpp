#include "graftwork/samples/open_samples.h"

#include <algorithm>
#include <utility>

#include "graftwork/base/error.h"
#include "graftwork/base/first_of.h"
#include "graftwork/base/text.h"
#include "graftwork/data/dataset.h"
#include "graftwork/data/image/image_set.h"
#include "graftwork/data/npy.h"
#include "graftwork/data/sample_files.h"
#include "graftwork/nn/dtypes.h"
#include "graftwork/quant/micro_batch.h"
#include "graftwork/samples/tensors.h"

namespace graftwork::core {
namespace {

std::vector<std::string> skipped_fact(int64_t skipped) {
  if (skipped == 0) return {};
  return {cat(counted(static_cast<size_t>(skipped), "other file"), " skipped")};
}

std::string names_of(const std::vector<Node*>& inputs) {
  std::vector<std::string> names;
  for (const Node* input : inputs) names.push_back(input->name().str());
  return join(names);
}

/// The field of the data set that feeds `input`.
const Dataset::Field& field_for(const Dataset& data, const Node& input, const std::vector<Node*>& inputs) {
  for (const Dataset::Field& field : data.fields()) {
    if (field.name == input.name().str() || (field.name.empty() && inputs.size() == 1)) return field;
  }
  if (data.fields().size() == 1 && data.fields()[0].name.empty()) {
    throw Error("data.names",
                cat("the network has ", inputs.size(), " inputs (", names_of(inputs),
                    ") and the data one array without a name"),
                "an .npz file with one array for each input");
  }
  throw Error("data.names",
              cat("the data has no array for input ", input.name().str(), ", only ", first_of(data.names())),
              cat("numpy.savez with arrays named ", names_of(inputs)));
}

/// An array that feeds nothing is more often a slip than a label to be skipped.
void refuse_extra(const Dataset& data, const std::vector<Node*>& inputs) {
  for (const Dataset::Field& field : data.fields()) {
    const auto named = [&](const Node* input) { return field.name == input->name().str(); };
    if (field.name.empty() || std::any_of(inputs.begin(), inputs.end(), named)) continue;
    throw Error(
        "data.names",
        cat("the data has an array ", quoted(field.name), ", but the network no such input, only ", names_of(inputs)),
        cat("numpy.savez with arrays named ", names_of(inputs)));
  }
}

/// The type of the arrays that feed an input: NumPy has no bfloat16, whose numbers FP32 has too.
DType data_type_for(DType input) { return input == DType::kBF16 ? DType::kF32 : input; }

/// Throws with the first file whose samples do not fit.
void check_field(const Dataset& data, const Dataset::Field& field, const Node& input, bool batched) {
  const TensorType* type = input.tensor();
  if (!type) throw Error("data.shape", cat("input ", input.name().str(), " is ", input.type().text(), ", no tensor"));
  const size_t skipped = batched ? 1 : 0;
  const bool same_type = field.type == data_type_for(type->dtype);
  for (const Dataset::FileShape& held : data.file_shapes(field.name)) {
    bool fits = same_type && held.shape.size() + skipped == type->rank();
    for (size_t i = 0; fits && i < held.shape.size(); ++i) {
      const Dim& dim = type->dims[i + skipped];
      fits = !dim.is_static() || dim == Dim(held.shape[i]);
    }
    if (fits) continue;
    Error error(same_type ? "data.shape" : "data.dtype",
                cat("input ", input.name().str(), " is ", type->text(), ", one sample of the data is ",
                    dtype_name(field.type), shape_text(held.shape)),
                !same_type ? cat("numpy's astype(", quoted(numpy_name(data_type_for(type->dtype))), ")")
                : batched  ? "data whose first axis counts samples and whose other axes are those of the input"
                           : "one value of the input's shape for all samples");
    throw error.at(held.file.string());
  }
}

class DatasetSource final : public SampleSource {
 public:
  /// A name and an element type for each input.
  DatasetSource(Dataset data, std::vector<std::pair<std::string, DType>> inputs, int64_t size)
      : data_(std::move(data)), inputs_(std::move(inputs)), size_(size) {}

  int64_t size() const override { return size_; }
  std::vector<at::Tensor> samples(int64_t begin, int64_t end) const override {
    std::vector<at::Tensor> tensors;
    for (const auto& [name, type] : inputs_)
      tensors.push_back(to_tensor(data_.sample_range(name, begin, end)).to(to_torch(type)));
    return tensors;
  }
  std::string file(int64_t sample) const override { return data_.file(sample).string(); }
  std::vector<std::string> facts() const override { return skipped_fact(data_.skipped()); }

 private:
  Dataset data_;
  std::vector<std::pair<std::string, DType>> inputs_;
  int64_t size_;
};

class ImageSource final : public SampleSource {
 public:
  ImageSource(ImageSet images, int64_t skipped) : images_(std::move(images)), skipped_(skipped) {}

  int64_t size() const override { return images_.size(); }
  std::vector<at::Tensor> samples(int64_t begin, int64_t end) const override {
    return {to_tensor(images_.sample_range(begin, end))};
  }
  std::string file(int64_t sample) const override { return images_.file(sample).string(); }
  std::vector<std::string> facts() const override {
    std::vector<std::string> facts{images_.preprocessor().text()};
    for (std::string& fact : skipped_fact(skipped_)) facts.push_back(std::move(fact));
    return facts;
  }

 private:
  ImageSet images_;
  int64_t skipped_;
};

std::unique_ptr<SampleSource> open_images(const std::vector<Node*>& inputs, SampleFiles files,
                                          const SampleOptions& options) {
  if (inputs.size() != 1) {
    throw Error("data.names",
                cat("the network has ", inputs.size(), " inputs (", names_of(inputs), "); pictures are data for one"),
                "an .npz file with one array for each input");
  }
  ImageSet images(std::move(files.images), ImagePreprocessor(image_input(*inputs[0]), options.images),
                  options.memory_limit);
  if (options.limit > 0) images.thin_out(options.limit);
  return std::make_unique<ImageSource>(std::move(images), files.skipped);
}

std::unique_ptr<SampleSource> open_arrays(const GraphModule& module, const std::filesystem::path& path,
                                          const SampleOptions& options) {
  const std::vector<Node*> inputs = module.graph().inputs();
  const Batching batching = batching_of(module);
  std::vector<InputLayout> layouts;
  for (size_t i = 0; i < inputs.size(); ++i) {
    layouts.push_back({.name = inputs[i]->name().str(),
                       .rank = inputs[i]->tensor() ? inputs[i]->tensor()->rank() : 0,
                       .batched = batching.batched[i]});
  }
  Dataset data = Dataset::open(path, layouts, options.memory_limit);
  std::vector<std::pair<std::string, DType>> fields;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const Dataset::Field& field = field_for(data, *inputs[i], inputs);
    check_field(data, field, *inputs[i], batching.batched[i]);
    fields.emplace_back(field.name, inputs[i]->tensor()->dtype);
  }
  refuse_extra(data, inputs);
  const int64_t size = options.limit > 0 ? std::min(options.limit, data.size()) : data.size();
  return std::make_unique<DatasetSource>(std::move(data), std::move(fields), size);
}

}  // namespace

std::unique_ptr<SampleSource> open_samples(const GraphModule& module, const std::filesystem::path& path,
                                           const SampleOptions& options) {
  const std::vector<Node*> inputs = module.graph().inputs();
  try {
    if (inputs.empty()) throw Error("data.names", "the network has no inputs: there is nothing to calibrate");
    SampleFiles files = find_sample_files(path);
    return files.images.empty() ? open_arrays(module, path, options) : open_images(inputs, std::move(files), options);
  } catch (Error& error) {
    if (error.report().find(path.string()) == std::string::npos) error.at(path.string());
    throw;
  }
}

ImageInput image_input(const Node& input) {
  ImageInput wanted{.name = input.name().str(), .type = DType::kF32, .shape = {}};
  const TensorType* type = input.tensor();
  if (!type || numpy_name(type->dtype).empty()) {
    throw Error("data.image_input", cat("input ", input.name().str(), " is ", input.type().text(), ": no picture fits"),
                "saving the samples as .npy or .npz");
  }
  wanted.type = type->dtype;
  for (const Dim& dim : type->dims) wanted.shape.push_back(dim.maybe_value().value_or(-1));
  return wanted;
}

}  // namespace graftwork::core

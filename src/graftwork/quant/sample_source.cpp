#include "graftwork/quant/sample_source.h"

#include <array>
#include <cstring>
#include <utility>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"

namespace graftwork {
namespace {

constexpr std::array<std::pair<ArrayType, at::ScalarType>, 9> kTypes{{{ArrayType::kF16, at::kHalf},
                                                                      {ArrayType::kF32, at::kFloat},
                                                                      {ArrayType::kF64, at::kDouble},
                                                                      {ArrayType::kI8, at::kChar},
                                                                      {ArrayType::kI16, at::kShort},
                                                                      {ArrayType::kI32, at::kInt},
                                                                      {ArrayType::kI64, at::kLong},
                                                                      {ArrayType::kU8, at::kByte},
                                                                      {ArrayType::kBool, at::kBool}}};

at::ScalarType scalar_type(ArrayType type) {
  for (const auto& [array_type, torch_type] : kTypes) {
    if (array_type == type) return torch_type;
  }
  return at::kFloat;
}

/// The field of the data set that feeds `input`.
const Dataset::Field& field_for(const Dataset& data, const Node& input, size_t input_count) {
  for (const Dataset::Field& field : data.fields()) {
    if (field.name == input.name().str() || (field.name.empty() && input_count == 1)) return field;
  }
  if (data.fields().size() == 1 && data.fields()[0].name.empty()) {
    throw Error("data.names", cat("the network has ", input_count, " inputs and the data one array without a name"),
                "an .npz file with one array for each input");
  }
  throw Error("data.names", cat("the data has no array for input ", input.name().str(), ", only ", join(data.names())));
}

void check_field(const Dataset::Field& field, const Node& input) {
  const TensorType* type = input.tensor();
  if (!type || type->rank() == 0)
    throw Error("data.shape", cat("input ", input.name().str(), " is ", input.type().text(), ": it has no samples"));
  bool fits =
      std::string(array_type_name(field.type)) == dtype_name(type->dtype) && field.shape.size() + 1 == type->rank();
  for (size_t i = 0; fits && i < field.shape.size(); ++i) {
    fits = !type->dims[i + 1].is_static() || type->dims[i + 1] == Dim(field.shape[i]);
  }
  if (fits) return;
  throw Error("data.shape",
              cat("input ", input.name().str(), " is ", type->text(), ", one sample of the data is ",
                  array_type_name(field.type), shape_text(field.shape)),
              "data whose first axis counts samples and whose other axes are those of the input");
}

class DatasetSource final : public SampleSource {
 public:
  DatasetSource(Dataset data, std::vector<std::string> names, int64_t size)
      : data_(std::move(data)), names_(std::move(names)), size_(size) {}

  int64_t size() const override { return size_; }
  std::vector<at::Tensor> samples(int64_t begin, int64_t end) const override {
    std::vector<at::Tensor> tensors;
    for (const std::string& name : names_) tensors.push_back(to_tensor(data_.sample_range(name, begin, end)));
    return tensors;
  }

 private:
  Dataset data_;
  std::vector<std::string> names_;
  int64_t size_;
};

}  // namespace

std::unique_ptr<SampleSource> open_samples(const GraphModule& module, const std::filesystem::path& path,
                                           int64_t limit) {
  try {
    Dataset data = Dataset::open(path);
    const std::vector<Node*> inputs = module.graph().inputs();
    std::vector<std::string> names;
    for (const Node* input : inputs) {
      const Dataset::Field& field = field_for(data, *input, inputs.size());
      check_field(field, *input);
      names.push_back(field.name);
    }
    const int64_t size = limit > 0 ? std::min(limit, data.size()) : data.size();
    if (size == 0) throw Error("data.empty", "there is no sample to calibrate with");
    return std::make_unique<DatasetSource>(std::move(data), std::move(names), size);
  } catch (Error& error) {
    throw error.at(path.string());
  }
}

at::Tensor to_tensor(const Array& array) {
  auto* data = const_cast<std::byte*>(array.bytes.data());  // torch has no read-only tensors; nothing writes to inputs
  return at::from_blob(data, array.shape, [owner = array.owner](void*) {}, at::TensorOptions(scalar_type(array.type)));
}

Array to_array(const at::Tensor& tensor) {
  const at::Tensor plain = tensor.detach().cpu().contiguous();
  for (const auto& [array_type, torch_type] : kTypes) {
    if (torch_type != plain.scalar_type()) continue;
    std::vector<std::byte> bytes(plain.nbytes());
    if (!bytes.empty()) std::memcpy(bytes.data(), plain.const_data_ptr(), bytes.size());
    return make_array(array_type, plain.sizes().vec(), std::move(bytes));
  }
  return to_array(plain.to(at::kFloat));  // bf16, FP8: NumPy has no name for them
}

}  // namespace graftwork

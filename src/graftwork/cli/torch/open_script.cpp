#include "graftwork/cli/torch/open_script.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>

#include "graftwork/base/error.h"
#include "graftwork/data/npz.h"
#include "graftwork/import/recorded/torchscript.h"
#include "graftwork/nn/dtypes.h"
#include "graftwork/samples/tensors.h"

namespace graftwork::core::cli {
namespace {

NamedTensors read_example(const std::filesystem::path& path) {
  try {
    NamedTensors tensors;
    if (path.extension() == ".npz") {
      for (const NamedArray& named : read_npz(path)) tensors.emplace_back(named.name, to_tensor(named.array));
    } else {
      const auto file = std::make_shared<MappedFile>(path);
      tensors.emplace_back("", to_tensor(read_npy(file->bytes(), file)));
    }
    return tensors;
  } catch (Error& error) {
    if (error.report().find(path.string()) == std::string::npos) error.at(path.string());
    throw;
  }
}

/// Normal numbers; where there are none, 0, which every table of embeddings has a row for, and true.
NamedTensors make_example(const std::vector<InputShape>& shapes) {
  at::Generator generator = at::detail::createCPUGenerator(0);
  NamedTensors tensors;
  for (const InputShape& shape : shapes) {
    at::Tensor tensor;
    if (is_floating(shape.dtype)) {
      tensor = at::randn(shape.extents, generator, at::TensorOptions(at::kFloat)).to(to_torch(shape.dtype));
    } else {
      tensor = at::full(shape.extents, shape.dtype == DType::kBool ? 1 : 0, at::TensorOptions(to_torch(shape.dtype)));
    }
    tensors.emplace_back(shape.name, std::move(tensor));
  }
  return tensors;
}

}  // namespace

LoadedNetwork open_script(const std::filesystem::path& path, const ScriptFlags& flags) {
  const NamedTensors inputs = flags.example.empty() ? make_example(flags.shapes) : read_example(flags.example);
  return load_torchscript(path, inputs, {.allow_code = flags.allow_code});
}

}  // namespace graftwork::core::cli

#include "graftwork/cli/torch/sensitivity/label_file.h"

#include <ATen/ATen.h>

#include <memory>

#include "graftwork/base/error.h"
#include "graftwork/base/file.h"
#include "graftwork/base/text.h"
#include "graftwork/data/npy.h"
#include "graftwork/samples/tensors.h"

namespace graftwork::core::cli {

std::vector<int64_t> read_labels(const std::filesystem::path& path) {
  if (path.empty()) return {};
  const auto file = std::make_shared<MappedFile>(path);
  try {
    const at::Tensor labels = to_tensor(read_npy(file->bytes(), file));
    if (labels.dim() != 1 || labels.numel() == 0 || !at::isIntegralType(labels.scalar_type(), false)) {
      throw Error("data.labels",
                  cat("labels are whole numbers along one axis; this is ", labels.scalar_type(), " of ",
                      shape_text(labels.sizes())),
                  "numpy.save of an array of class indices");
    }
    const at::Tensor wide = labels.to(at::kLong).contiguous();
    return {wide.const_data_ptr<int64_t>(), wide.const_data_ptr<int64_t>() + wide.numel()};
  } catch (Error& error) {
    throw error.at(path.string());
  }
}

}  // namespace graftwork::core::cli

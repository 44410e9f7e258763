// Writing a model: deterministic bytes, whole files or none, weights straight from where they lie.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "graftwork/onnx/model.h"

namespace graftwork::core::onnx {

struct WriteOptions {
  /// Bytes of initializers in sum; above it, those of at least kLeastExternalBytes move to a file beside the model
  /// (data_name). Protobuf ends at 2 GiB.
  uint64_t external_data_above = 1'000'000'000;
  /// Called with the bytes on disk, data included, when all is written but nothing stands at its place yet; what it
  /// throws stops the rest.
  std::function<void(uint64_t)> before_commit = {};
};

struct WrittenModel {
  uint64_t bytes = 0;          ///< On disk, data included.
  std::filesystem::path data;  ///< Empty: the weights are in the model.
};

/// Smaller initializers stay in the model file, where shape inference looks for them.
inline constexpr uint64_t kLeastExternalBytes = 1024;

/// External initializers start at multiples of this, so that a reader can map each one.
inline constexpr uint64_t kExternalAlignment = 4096;

/// Writes `path`, and the data file where one is needed: in the folder of the model, behind links at `path`. Both are
/// written beside and renamed at the end, the data file first; a failure leaves neither a new file nor a part of one.
/// At no moment does a model stand beside the data of another, whoever writes it: data have a name of their own
/// (data_file.h, docs/decisions/named-weights.md). The data file of a model that is replaced is removed, unless a copy
/// of that model beside it names it too. Another file of such a name, which the old model does not name, is somebody
/// else's and stays. Throws InternalError (check_model), Error "file.unwritable", Error "onnx.too_large" where the
/// model file would pass 2 GiB.
WrittenModel write_model(const Model& model, const std::filesystem::path& path, const WriteOptions& options = {});

/// The bytes that write_model writes for a model without external data; throws as it does.
std::string serialize_model(const Model& model);

}  // namespace graftwork::core::onnx

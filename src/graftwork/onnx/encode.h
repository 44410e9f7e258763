// A model as protobuf wire bytes, in chunks that leave the weights where they are.
//
// Protobuf's own serialiser would first copy every weight into a string. An embedded message is only
// a tag, a length and bytes, and fields may come in any order, so the shell (all but initializers)
// goes through protobuf and each initializer follows as its head and its untouched payload.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "graftwork/onnx/model.h"

namespace graftwork::core::onnx {

/// Some bytes of the file, then a payload borrowed from a tensor (often empty).
struct Chunk {
  std::string head;
  std::span<const std::byte> payload;

  uint64_t size() const { return head.size() + payload.size(); }
};

uint64_t total_size(std::span<const Chunk> chunks);

/// Which initializers lie outside the model file: `offsets[i]` is where the bytes of initializer i
/// start in the file `location`, or nullopt. Without offsets, all are inside.
struct ExternalData {
  std::string location;
  std::vector<std::optional<uint64_t>> offsets;
};

/// The chunks of the model file, in order. Valid while `model` is. `model` must pass check_model.
std::vector<Chunk> encode_model(const Model& model, const ExternalData& external);

}  // namespace graftwork::core::onnx

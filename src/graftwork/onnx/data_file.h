// The file of weights beside a model: how it is called, and how the two take the place of others.
#pragma once

#include <string>
#include <string_view>

#include "graftwork/base/atomic_file.h"
#include "graftwork/onnx/encode.h"
#include "graftwork/onnx/model.h"

namespace graftwork::core::onnx {

/// "MODEL.<16 hexadecimal digits>.data", by what it holds: a model that is read while another takes its place never
/// finds the other's weights under the name that it asks for. Of a long MODEL its first bytes, so that the name is one.
std::string data_name(const std::string& model, const Graph& graph, const ExternalData& external);

/// Whether data_name can have given it for this model, or an earlier version did: "MODEL.data".
bool is_data_name(std::string_view name, std::string_view model);

/// What the data are called while they are written (part_file.h), whatever they hold: so the next writer of the model
/// knows what a killed one left.
std::string data_part_name(const std::string& model);

/// Puts a model in the place of what is there, and its data, if there are any, under `data` before it. The data of the
/// model that is replaced go, unless another model of the folder names them. Where there are or were data, under a lock
/// of the folder, so that of two writers one comes behind the other; where somebody keeps that lock, old data stay.
/// Throws Error "file.unwritable".
void publish(AtomicFile& model, AtomicFile* data_file, const std::string& data);

}  // namespace graftwork::core::onnx

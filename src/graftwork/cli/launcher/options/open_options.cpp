#include "graftwork/cli/launcher/options/open_options.h"

#include <charconv>
#include <string_view>

#include "graftwork/base/text.h"

namespace graftwork::core::cli {
namespace {

/// The elements of all inputs together stay below this.
constexpr int64_t kMostElements = int64_t{1} << 31;

/// "1x3x224x224"; false where it is something else. No number at all is a scalar.
bool read_extents(std::string_view text, std::vector<int64_t>& extents) {
  int64_t elements = 1;
  while (!text.empty()) {
    int64_t extent = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), extent);
    if (error != std::errc{} || extent < 1 || extent > kMostElements / elements) return false;
    elements *= extent;
    extents.push_back(extent);
    text.remove_prefix(static_cast<size_t>(end - text.data()));
    if (text.empty()) return true;
    if (text.front() != 'x' || text.size() == 1) return false;
    text.remove_prefix(1);
  }
  return false;
}

/// [NAME=]SHAPE[:TYPE].
bool read_shape(std::string_view text, InputShape& shape) {
  if (const size_t equals = text.find('='); equals != std::string_view::npos) {
    if (equals == 0) return false;
    shape.name = text.substr(0, equals);
    text.remove_prefix(equals + 1);
  }
  if (const size_t colon = text.find(':'); colon != std::string_view::npos) {
    const auto dtype = parse_dtype(text.substr(colon + 1));
    if (!dtype || *dtype == DType::kF8E4M3) return false;
    shape.dtype = *dtype;
    text = text.substr(0, colon);
  }
  return read_extents(text, shape.extents);
}

}  // namespace

void OpenOptions::add_to(CLI::App& app) {
  app.add_flag("--allow-code", flags_.script.allow_code,
               "TorchScript: run the code that the file holds, as loading it does");
  add_list(
      app, "--input-shape", shapes_, "[NAME=]SHAPE[:TYPE]",
      "TorchScript: an input of forward, 1x3x224x224 or tokens=1x128:i64, to record it on; TYPE is f32 by default");
  add_path(app, "--example", flags_.script.example,
           "TorchScript: arrays to record it on, by input (.npz), or the only one (.npy)");
  app.add_flag_callback(
      "--no-isolation", [this] { flags_.isolated = false; },
      "Work in this process alone: a file that makes torch crash ends it without a message");
}

void OpenOptions::finish(const CLI::App& app, const std::filesystem::path& model) {
  for (const std::string& text : shapes_) {
    InputShape shape;
    if (!read_shape(text, shape))
      refuse(app, cat("--input-shape: ", quoted(text), " is not [NAME=]SHAPE[:TYPE], such as x=1x3x224x224:f32"));
    flags_.script.shapes.push_back(std::move(shape));
  }
  if (!flags_.script.shapes.empty() && !flags_.script.example.empty())
    refuse(app, "--input-shape and --example say the same: one of them");
  if (is_printed_graph(model) && flags_.script.speaks_of_inputs())
    refuse(app, "--input-shape and --example are for TorchScript, not for a printed graph");
}

}  // namespace graftwork::core::cli
